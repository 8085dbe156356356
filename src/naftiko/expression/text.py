"""How a value is written where only text can stand, and what the value of a variable may hold (SEMANTICS 4.2)."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from naftiko.expression.content import Content, plain
from naftiko.ground.digits import digits
from naftiko.ground.errors import UnusableVariable
from naftiko.ground.jsontext import write

_NOT_ON_A_LINE = re.compile("[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
_UNSENDABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def sendable(name: str, value: str, *, one_line: bool) -> str:
    """Return a variable's value if it can be sent (SEMANTICS 4.2).

    Raises:
        UnusableVariable: a control character is in it, or bytes that are no UTF-8; the value is never shown.
    """
    if not value.isprintable() and (_NOT_ON_A_LINE if one_line else _UNSENDABLE).search(value):
        raise UnusableVariable([name], "can't be sent: it holds a line break or control character, or is no UTF-8")
    return value


_HALF = re.compile("[\ud800-\udfff]")


def as_text(value: Any) -> str:
    """Return a value as text: booleans ``true``/``false``, numbers with their own digits, maps and lists as JSON.

    ``null`` is the text ``null``; whoever wants nothing sent for it leaves it out before.
    """
    if isinstance(value, str):
        return value
    if value is True:
        return "true"
    if value is False:
        return "false"
    if value is None:
        return "null"
    if isinstance(value, float | int):
        return digits(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value.text if isinstance(value, Content) else compact_json(value)


def compact_json(value: Any) -> str:
    """Return JSON text without spaces, non-ASCII characters as they are."""
    return write(value, plain).decode()


def whole_characters(value: Any) -> Any:
    """Return a text or a document with U+FFFD for each half of a surrogate pair, which nothing can write (5.2)."""
    if isinstance(value, str):
        return _HALF.sub("\ufffd", value) if not value.isascii() else value
    if isinstance(value, dict):
        return {whole_characters(key): whole_characters(inner) for key, inner in value.items()}
    return [whole_characters(inner) for inner in value] if isinstance(value, list) else value


def quoted(text: str, safe: str = "") -> str:
    """Percent-encode a text (RFC 3986 chapter 2.1); what is only letters and digits stays, at a tenth of the price.

    Args:
        text: any.
        safe: characters that stay beside the unreserved ones.
    """
    return text if text.isascii() and text.isalnum() else quote(text, safe=safe)
