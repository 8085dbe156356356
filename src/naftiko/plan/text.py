"""How a value is written where only text can stand: a URL, a header, a form field, inside a template."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from naftiko.digits import digits
from naftiko.jsontext import write
from naftiko.plan.content import Content, plain

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
