"""Compressed answers (RFC 9110, 8.4): gzip, deflate, br and zstd, which are what ``fetch`` asks for."""

from __future__ import annotations

import asyncio
import sys
import zlib
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeAlias

ACCEPT_ENCODING: Final = "gzip, deflate, br, zstd"

_GZIP: Final = 31
_ZLIB: Final = 15
_RAW_DEFLATE: Final = -15
"""``wbits`` of zlib."""

_ZSTD_WINDOW: Final = 23
"""Log 2 of the window that a decoder has to have: RFC 9659 allows no more than 8 MB as a content coding."""
_ZSTD_FRAME: Final = b"\x28\xb5\x2f\xfd"
_ZSTD_SKIPPED: Final = b"\x2a\x4d\x18"
"""A frame begins with the first; one to be skipped (RFC 8878, 3.1.2) has these behind its first byte."""

_IN_A_THREAD: Final = 64 * 1024
"""Compressed bytes above which the event loop does not wait for a decoder, which releases the interpreter's lock."""
_AT_ONCE: Final = 1024 * 1024
"""Decompressed bytes above which it doesn't either: 64 KiB of br can be a gigabyte."""
_MOST_CODINGS: Final = 5

_NO_CODINGS: Final = frozenset({"", "identity", "none", "binary", "utf-8", "utf8", "iso-8859-1", "aws-chunked"})
"""What stands in the header and codes nothing: charsets, by mistake, and what S3 keeps of an upload's framing."""

_Undo: TypeAlias = Callable[[bytes, int], bytes]
"""Undoes one coding; raises ``DecodedTooLargeError`` as soon as it gave more than so many bytes."""


class NotDecodableError(ValueError):
    """The body is not what its Content-Encoding says, or grows too large; the text completes "the body"."""


class DecodedTooLargeError(NotDecodableError):
    """The body grows too large."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"is larger than {limit} bytes")


async def decoded(body: bytes, content_encoding: str, limit: int) -> bytes | None:
    """``body`` without its codings, or ``None`` if one of them isn't known.

    No more than ``limit`` bytes are ever kept, whatever the body would expand to.

    Raises:
        NotDecodableError: the body is cut or broken, larger than ``limit``, or coded more often than anybody does.
    """
    codings = _named(content_encoding)
    if not all(coding in _CODINGS for coding in codings):
        return None
    if len(codings) > _MOST_CODINGS:
        raise NotDecodableError(f"has {len(codings)} codings, one upon the other")
    for coding in reversed(codings):
        body = await _undone(_CODINGS[coding], body, limit)
    return body


def is_decoded(content_encoding: str) -> bool:
    """Tell codings that ``decoded`` undoes, all of them."""
    return all(coding in _CODINGS for coding in _named(content_encoding))


def _named(content_encoding: str) -> list[str]:
    codings = (coding.strip().lower() for coding in content_encoding.split(","))
    return [coding for coding in codings if coding not in _NO_CODINGS]


async def _undone(undo: _Undo, body: bytes, limit: int) -> bytes:
    if len(body) <= _IN_A_THREAD:
        try:
            return undo(body, min(limit, _AT_ONCE))
        except DecodedTooLargeError:
            if limit <= _AT_ONCE:
                raise
    return await asyncio.to_thread(undo, body, limit)


def _gunzipped(body: bytes, limit: int) -> bytes:
    """RFC 1952, 2.2: a gzip file is a series of members. What else follows the end is padding."""
    parts: list[bytes] = []
    room = limit
    while body:
        part, body = _inflated(body, _GZIP, "gzip", room, limit)
        room -= len(part)
        parts.append(part)
        body = body if body.startswith(b"\x1f\x8b") else b""
    return b"".join(parts)


def _deflated(body: bytes, limit: int) -> bytes:
    """Some servers send raw deflate where RFC 9110, 8.4.1.2 says zlib; zlib's two header bytes tell (RFC 1950, 2.2)."""
    header = int.from_bytes(body[:2], "big")
    is_zlib = (header >> 8) & 0x0F == zlib.DEFLATED and header % 31 == 0
    return _inflated(body, _ZLIB if is_zlib else _RAW_DEFLATE, "deflate", limit, limit)[0] if body else b""


def _inflated(body: bytes, window: int, coding: str, room: int, limit: int) -> tuple[bytes, bytes]:
    """Return what zlib makes of the body, and what follows its end."""
    decoder = zlib.decompressobj(window)
    try:
        part = decoder.decompress(body, room + 1)
    except zlib.error:
        raise _not(coding) from None
    if len(part) > room:
        raise DecodedTooLargeError(limit)
    if not decoder.eof:
        raise _cut()
    return part, decoder.unused_data


def _unbrotlied(body: bytes, limit: int) -> bytes:
    import brotli  # noqa: PLC0415 - only an answer that has it pays for it

    if not body:
        return body
    decoder = brotli.Decompressor()
    try:
        part: bytes = decoder.process(body, output_buffer_limit=limit + 1)
    except brotli.error:
        raise _not("br") from None
    if len(part) > limit:
        raise DecodedTooLargeError(limit)
    if not decoder.is_finished():
        raise _cut()
    return part


def _unzstd(body: bytes, limit: int) -> bytes:
    """RFC 8878, 3: a series of frames. What else follows the end is padding."""
    zstd = _zstd()
    parts: list[bytes] = []
    room = limit
    while body:
        decoder = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW})
        try:
            part = decoder.decompress(body, room + 1)
        except zstd.ZstdError:
            raise _not("zstd") from None
        room -= len(part)
        if room < 0:
            raise DecodedTooLargeError(limit)
        if not decoder.eof:
            raise _cut()
        parts.append(part)
        body = decoder.unused_data
        if not body.startswith(_ZSTD_FRAME) and body[1:4] != _ZSTD_SKIPPED:
            break
    return b"".join(parts)


def _zstd() -> Any:
    if sys.version_info >= (3, 14):
        from compression import zstd  # noqa: PLC0415 - likewise
    else:
        from backports import zstd  # noqa: PLC0415 - likewise
    return zstd


_CODINGS: Final[Mapping[str, _Undo]] = MappingProxyType(
    {"gzip": _gunzipped, "x-gzip": _gunzipped, "deflate": _deflated, "br": _unbrotlied, "zstd": _unzstd}
)


def _not(coding: str) -> NotDecodableError:
    return NotDecodableError(f"is not {coding}, though it says so")


def _cut() -> NotDecodableError:
    return NotDecodableError("was cut: its compressed data has no end")
