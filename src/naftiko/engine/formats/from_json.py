"""json: RFC 8259.

Bytes that are not UTF-8 are errors; a byte order mark is not. Numbers keep their digits, whatever their size. ``NaN``
and ``Infinity``, which Python writes, are null, half a surrogate pair is U+FFFD. Of repeated keys the last one wins.
"""

from __future__ import annotations

from functools import partial
from typing import Final

import orjson

from naftiko.engine.formats.charset import decode_text, known_charset
from naftiko.engine.formats.decoder import Decoder, FormatError, FormatOptions
from naftiko.expression.text import whole_characters
from naftiko.ground.jsontext import BrokenJson, keeps_digits, read_exactly
from naftiko.ground.types import Json

# One kind of bracket, so that each round of _is_deep() takes exactly one level away.
_SKELETON: Final = bytes.maketrans(b"{}", b"[]")
_FLESH: Final = bytes(byte for byte in range(256) if chr(byte) not in '[]{}"')


def prepare(options: FormatOptions) -> Decoder:
    """Prepare the limits; the schema is not used."""
    return partial(decode_json, options=options)


def decode_json(content: bytes, charset: str | None, options: FormatOptions) -> Json:
    """Decode one JSON text.

    Raises:
        FormatError: it is not JSON, with line and column, or goes beyond a limit.
    """
    opened = content.count(b"{") + content.count(b"[")
    is_small = (
        opened <= options.max_depth and opened <= options.max_values
    )  # as good as always: it can't go beyond them
    brackets = b"" if is_small else _brackets(content)
    if len(brackets) > 2 * options.max_values:
        raise FormatError(f"it holds more than {options.max_values:,} objects and arrays")
    try:
        document: Json = orjson.loads(content)
        is_exact = keeps_digits(content, document)
    except orjson.JSONDecodeError:
        content = _encoded(content, charset)
        brackets, is_exact = _brackets(content), False
    if not is_exact:
        document = _read_exactly(content)
    if brackets and _is_deep(brackets, options.max_depth):
        raise FormatError(f"it is nested more than {options.max_depth} levels deep")
    return document


def _encoded(content: bytes, charset: str | None) -> bytes:
    """Return the text as plain UTF-8: without a byte order mark, or out of the charset that the upstream declares."""
    try:
        return decode_text(content, None).encode()
    except FormatError:
        if known_charset(charset) in {None, "utf-8"}:
            raise
        return decode_text(content, charset).encode()


def _read_exactly(content: bytes) -> Json:
    """Read what is JSON but not for orjson: with numbers that it would change or refuse, with ``NaN``."""
    try:
        document: Json = read_exactly(content, nan_is_null=True)
    except BrokenJson as wrong:
        raise FormatError(f"it is not JSON: {_best(content, wrong)}") from None
    except ValueError as wrong:
        raise FormatError(str(wrong)) from None
    return whole_characters(document) if b"\\ud" in content or b"\\uD" in content else document


def _best(content: bytes, wrong: BrokenJson) -> str:
    """Return what is wrong with a text in orjson's words, which say more, where it means the same place."""
    try:
        orjson.loads(content)
    except orjson.JSONDecodeError as refused:
        if refused.lineno == wrong.line:
            return f"{refused.msg} at line {refused.lineno}, column {refused.colno}"
    return str(wrong)


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
