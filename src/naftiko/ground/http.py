"""What HTTP messages are made of (RFC 9110): methods, tokens, quoted strings, parameters."""

from __future__ import annotations

import re
from typing import Final

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing (chapter 9.2.1)."""
IDEMPOTENT_METHODS: Final = SAFE_METHODS | {"PUT", "DELETE", "TRACE", "QUERY"}
"""Methods that do the same sent twice as sent once (chapter 9.2.2; QUERY by its draft)."""
READING: Final = frozenset({"GET", "HEAD"})
"""Those that read what is at a path."""


TOKEN: Final = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""What may stand in the name of a field, and in a method (chapter 5.6.2)."""
CONTROLS: Final = bytes({*range(0x20), 0x7F} - {ord("\t")})
"""What can't stand in the value of one: control characters but the tab (chapter 5.5)."""
_CHARACTERS: Final = frozenset(TOKEN.decode("ascii"))
A_TOKEN: Final = f"[{re.escape(TOKEN.decode('ascii'))}]+"
"""A token, as a pattern."""
PARAMETER: Final = rf'({A_TOKEN})[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|({A_TOKEN}))'
"""A parameter, as a pattern: its name, what is between quotes, or the token (chapter 5.6.6)."""
_PRINTABLE: Final = range(0x20, 0x7F)
_ESCAPED: Final = re.compile(r"\\(.)")


def is_token(text: str) -> bool:
    """Tell whether a text can be the name of a field, a cookie or a method."""
    return bool(text) and _CHARACTERS.issuperset(text)


def parameter(found: re.Match[str]) -> tuple[str, str]:
    """Return what :data:`PARAMETER` found: the name in lower case, and the value without quotes and escapes."""
    name, inside, token = found.groups()
    return name.lower(), token if inside is None else _ESCAPED.sub(r"\1", inside)


def quoted(text: str) -> str:
    """Return a text as a quoted string (chapter 5.6.4)."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def structured(text: str) -> str:
    """Return a text as a string of a structured field (RFC 9651, chapter 3.3.3): what isn't ASCII is a ``?``."""
    return quoted("".join(each if ord(each) in _PRINTABLE else "?" for each in text))
