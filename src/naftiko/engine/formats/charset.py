"""Bytes to text: by their byte order mark, then the given charset, then as UTF-8. Only a cut character is replaced."""

from __future__ import annotations

import codecs
import re
from typing import Final

from naftiko.engine.formats.decoder import FormatError
from naftiko.expression.text import whole_characters

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark begins this one
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

# Half of a surrogate pair that was written as a character, and what a text ends in that was cut by its bytes: an emoji
# or another character of three or four bytes without its last ones. A single byte is more likely of another charset.
_CUT: Final = re.compile(
    rb"\xed[\xa0-\xbf][\x80-\xbf]|(?:[\xe0-\xef][\x80-\xbf]|[\xf0-\xf4][\x80-\xbf]{1,2})(?![\x80-\xbf])"
)

# Python codecs that are no charsets of the web: slow on purpose-made input, or able to make lone surrogates.
_NOT_CHARSETS = frozenset(
    {"idna", "mbcs", "oem", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"}
)


def decode_text(content: bytes, charset: str | None) -> str:
    """Decode ``content`` to text without its byte order mark.

    An unknown charset is taken as UTF-8, since a wrong label is more common than another encoding. Half a surrogate
    pair and a cut character are U+FFFD (SEMANTICS 5.2).

    Raises:
        FormatError: the bytes are not text of that charset; it says at which byte.
    """
    if content[:1].isascii() and content[:1] != b"\0" and charset in {None, "utf-8"}:  # no mark begins so
        return _decode(content, "utf-8", skip=0)
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _decode(content, encoding, skip=len(mark))
    return _decode(content, known_charset(charset) or "utf-8", skip=0)


def known_charset(charset: str | None) -> str | None:
    """Give the name of the codec of ``charset``, or ``None`` for none and for unknown ones."""
    if not charset:
        return None
    try:
        codec = codecs.lookup(charset.strip("\"' "))
    except (LookupError, ValueError):  # ValueError: a NUL in the name
        return None
    name = codec.name.replace("_", "-")
    is_text: bool = getattr(codec, "_is_text_encoding", True)  # what bytes.decode() itself asks
    return None if name in _NOT_CHARSETS or not is_text else name


def _decode(content: bytes, encoding: str, *, skip: int) -> str:
    try:
        return str(memoryview(content)[skip:], encoding)
    except UnicodeDecodeError as wrong:
        mended = _mended(content, encoding)
        if mended is not None:
            return mended[1:] if skip else mended
        raise FormatError(f"it is not {encoding.upper()} text: byte {wrong.start + skip} is wrong") from None
    except UnicodeError:  # some codecs give no position
        raise FormatError(f"it is not {encoding.upper()} text") from None


def _mended(content: bytes, encoding: str) -> str | None:
    """Return the text with U+FFFD for what was cut in it, or ``None`` where it is broken otherwise; a mark stays."""
    try:
        if encoding.startswith("utf-16"):
            return str(whole_characters(content.decode(encoding, "surrogatepass")))
        return _CUT.sub("\ufffd".encode(), content).decode() if encoding == "utf-8" else None
    except UnicodeError:
        return None
