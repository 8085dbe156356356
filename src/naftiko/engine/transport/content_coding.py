"""Compressed answers (RFC 9110, 8.4): gzip, deflate, br and zstd, which are what ``fetch`` asks for."""

from __future__ import annotations

import asyncio
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, TypeAlias

ACCEPT_ENCODING: Final = "gzip, deflate, br, zstd"

_GZIP: Final = 31
_ZLIB: Final = 15
_RAW_DEFLATE: Final = -15
"""``wbits`` of zlib."""
_GZIP_MEMBER: Final = b"\x1f\x8b"

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
_MOST_MEMBERS: Final = 10_000
"""Of a gzip file: tools make one of each 64 KiB at the least, and an empty one has 20 bytes."""
_MOST_FRAMES: Final = 1000
"""Of zstd, likewise: one of each 512 KiB, 8 bytes, and a decoder takes 20 times as long to be made."""
_FIRST_PIECE: Final = 8 * 1024
_LARGEST_PIECE: Final = 1024 * 1024
"""Bytes that a decoder is given at once."""

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
    return _series(
        body,
        lambda: zlib.decompressobj(_GZIP),
        lambda at: body.startswith(_GZIP_MEMBER, at),
        _Kind("gzip", "members", _MOST_MEMBERS, zlib.error),
        limit,
    )


def _deflated(body: bytes, limit: int) -> bytes:
    """Some servers send raw deflate where RFC 9110, 8.4.1.2 says zlib; zlib's two header bytes tell (RFC 1950, 2.2)."""
    header = int.from_bytes(body[:2], "big")
    is_zlib = (header >> 8) & 0x0F == zlib.DEFLATED and header % 31 == 0
    return _series(
        body,
        lambda: zlib.decompressobj(_ZLIB if is_zlib else _RAW_DEFLATE),
        lambda _: False,
        _Kind("deflate", "streams", 1, zlib.error),
        limit,
    )


@dataclass(frozen=True, slots=True)
class _Kind:
    """A coding of a series of parts.

    Attributes:
        coding: its name.
        parts: what they are called.
        most: how many there may be.
        error: what a decoder raises.
    """

    coding: str
    parts: str
    most: int
    error: type[Exception]


def _series(body: bytes, decoder: Callable[[], Any], goes_on: Callable[[int], bool], kind: _Kind, limit: int) -> bytes:
    """Return what a series of compressed parts holds.

    A decoder is given pieces, which grow: what is behind its end is copied by it, for each part of the series again.

    Args:
        body: all of it.
        decoder: makes the decoder of a part.
        goes_on: tells whether another part begins at a place.
        kind: of coding.
        limit: bytes of the result.
    """
    made: list[bytes] = []
    view, at, room = memoryview(body), 0, limit
    for _ in range(kind.most):
        part, size = decoder(), _FIRST_PIECE
        while at < len(body) and not part.eof:
            piece = view[at : at + size]
            try:
                made.append(part.decompress(piece, room + 1))
            except kind.error:
                raise _not(kind.coding) from None
            room -= len(made[-1])
            if room < 0:
                raise DecodedTooLargeError(limit)
            at += len(piece) - len(part.unused_data)
            size = min(2 * size, _LARGEST_PIECE)
        if body and not part.eof:
            raise _cut()
        if at == len(body) or not goes_on(at):
            return b"".join(made)
    raise NotDecodableError(f"has more than {kind.most:,} {kind.parts}")


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
    options = {zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW}
    return _series(
        body,
        lambda: zstd.ZstdDecompressor(options=options),
        lambda at: body.startswith(_ZSTD_FRAME, at) or body[at + 1 : at + 4] == _ZSTD_SKIPPED,
        _Kind("zstd", "frames", _MOST_FRAMES, zstd.ZstdError),
        limit,
    )


def _zstd() -> Any:
    if sys.version_info >= (3, 14):
        from compression import zstd  # noqa: PLC0415 - likewise
    else:
        from backports import zstd  # noqa: PLC0415 - likewise
    return zstd


Piecewise: TypeAlias = Callable[[bytes], Iterator[bytes]]
"""Undoes the coding of a body that comes in pieces: takes a piece, and yields what it holds, in small pieces."""


def piecewise(content_encoding: str) -> Piecewise | None:
    """Return what undoes the coding of a body as it comes; ``None`` where it is none of gzip and deflate, alone.

    What a piece expands to is made bit by bit, as it is taken: a small one that would be a gigabyte never is.
    """
    codings = _named(content_encoding)
    if not codings:
        return lambda piece: iter((piece,))
    if len(codings) > 1 or codings[0] not in {"gzip", "x-gzip", "deflate"}:
        return None
    return _Inflating(codings[0], _ZLIB if codings[0] == "deflate" else _GZIP).undo


class _Inflating:
    """Undoes gzip and deflate as they come."""

    def __init__(self, coding: str, bits: int) -> None:
        self._coding = coding
        self._bits = bits
        self._part = zlib.decompressobj(bits)

    def undo(self, piece: bytes) -> Iterator[bytes]:
        rest = piece
        while rest:
            if self._part.eof:
                if not rest.startswith(_GZIP_MEMBER[:1]) or self._bits != _GZIP:
                    return  # padding
                self._part = zlib.decompressobj(self._bits)
            try:
                made = self._part.decompress(rest, _FIRST_PIECE)
            except zlib.error:
                raise _not(self._coding) from None
            rest = self._part.unconsumed_tail or self._part.unused_data
            if made:
                yield made
            elif not self._part.eof and not self._part.unconsumed_tail:
                return


_CODINGS: Final[Mapping[str, _Undo]] = MappingProxyType(
    {"gzip": _gunzipped, "x-gzip": _gunzipped, "deflate": _deflated, "br": _unbrotlied, "zstd": _unzstd}
)


def _not(coding: str) -> NotDecodableError:
    return NotDecodableError(f"is not {coding}, though it says so")


def _cut() -> NotDecodableError:
    return NotDecodableError("was cut: its compressed data has no end")
