"""json: RFC 8259, read by orjson.

NaN, numbers beyond a double (some 309 digits), lone surrogates and bytes that are not UTF-8 are errors; a byte order
mark is not. Integers beyond 64 bits keep their digits. Of repeated keys the last one wins.
"""

from __future__ import annotations

import json
from typing import Final

import orjson

from naftiko.engine.formats.charset import decode_text, known_charset
from naftiko.engine.formats.contract import Decoder, FormatError, FormatOptions
from naftiko.types import Json

_DIGITS: Final = bytes(0x30 if chr(byte) in "0123456789" else 0x20 for byte in range(256))
# orjson makes a float of an integer beyond 64 bits; the shortest of those has this many digits.
_LONG_NUMBER: Final = b"0" * 19
# One kind of bracket, so that each round of _is_deep() takes exactly one level away.
_SKELETON: Final = bytes.maketrans(b"{}", b"[]")
_FLESH: Final = bytes(byte for byte in range(256) if chr(byte) not in '[]{}"')


def prepare(options: FormatOptions) -> Decoder:
    """Prepare the limits; the schema is not used."""

    def decode(content: bytes, charset: str | None) -> Json:
        return decode_json(content, charset, options)

    return decode


def decode_json(content: bytes, charset: str | None, options: FormatOptions) -> Json:
    """Decode one JSON text.

    Raises:
        FormatError: it is not JSON, with line and column, or goes beyond a limit.
    """
    brackets = _brackets(content)
    if len(brackets) > 2 * options.max_values:
        raise FormatError(f"it holds more than {options.max_values:,} objects and arrays")
    try:
        document: Json = orjson.loads(content)
    except orjson.JSONDecodeError as wrong:
        document, content = _second_try(content, charset, wrong)
        brackets = _brackets(content)
    if _is_deep(brackets, options.max_depth):
        raise FormatError(f"it is nested more than {options.max_depth} levels deep")
    # Looking for long numbers costs a fifth of the parsing; reading all with the slower json costs three times that.
    if _LONG_NUMBER in content.translate(_DIGITS):
        return _with_long_integers(content)
    return document


def _second_try(content: bytes, charset: str | None, wrong: orjson.JSONDecodeError) -> tuple[Json, bytes]:
    """Read what is JSON but not plain UTF-8: a byte order mark, or the charset that the upstream declares."""
    try:
        plain = decode_text(content, None)
    except FormatError:
        if known_charset(charset) in {None, "utf-8"}:
            raise
        plain = decode_text(content, charset)
    encoded = plain.encode()
    if encoded == content:
        raise _not_json(wrong)
    try:
        return orjson.loads(encoded), encoded
    except orjson.JSONDecodeError as still_wrong:
        raise _not_json(still_wrong) from None


def _not_json(wrong: orjson.JSONDecodeError) -> FormatError:
    return FormatError(f"it is not JSON: {wrong.msg} at line {wrong.lineno}, column {wrong.colno}")


def _with_long_integers(content: bytes) -> Json:
    """Read again with Python's integers; orjson has already found the text valid."""
    document: Json = json.loads(content)
    return document


def _brackets(content: bytes) -> bytes:
    """Give the brackets of a JSON text that stand outside its strings, at the speed of ``bytes.translate``."""
    if b"\\" in content and b'\\"' in content:  # the first is a quick test; else every quote begins or ends a string
        content = content.replace(b"\\\\", b"").replace(b'\\"', b"")
    brackets = content.translate(_SKELETON, _FLESH).replace(b'""', b"")
    if b'"' in brackets:  # a string with brackets in it: every second piece is inside one
        brackets = b"".join(brackets.split(b'"')[::2])
    return brackets


def _is_deep(brackets: bytes, limit: int) -> bool:
    """Tell whether balanced ``brackets`` are nested more than ``limit`` levels deep."""
    for level in range(limit):
        if len(brackets) <= 2 * (limit - level):
            return False
        brackets = brackets.replace(b"[]", b"")
    return bool(brackets)
