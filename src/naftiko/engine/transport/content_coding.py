"""Compressed answers (RFC 9110, 8.4): gzip and deflate, which are what ``fetch`` asks for."""

from __future__ import annotations

import asyncio
import zlib
from typing import Final

ACCEPT_ENCODING: Final = "gzip, deflate"

_GZIP: Final = 31
_ZLIB: Final = 15
_RAW_DEFLATE: Final = -15
"""``wbits`` of zlib."""

_IN_A_THREAD: Final = 64 * 1024
"""Compressed bytes above which the event loop does not wait for zlib, which releases the interpreter's lock."""


class NotDecodableError(ValueError):
    """The body is not what its Content-Encoding says, or grows too large; the text completes "the answer …"."""


async def decoded(body: bytes, content_encoding: str, limit: int) -> bytes | None:
    """``body`` without its codings, or ``None`` if one of them is another than gzip and deflate.

    No more than ``limit`` bytes are ever produced, whatever the body would expand to.

    Raises:
        NotDecodableError: the body is cut or broken, or larger than ``limit``.
    """
    codings = [coding.strip().lower() for coding in content_encoding.split(",")]
    codings = [coding for coding in codings if coding not in {"", "identity"}]
    if not all(coding in {"gzip", "x-gzip", "deflate"} for coding in codings):
        return None
    for coding in reversed(codings):
        if len(body) > _IN_A_THREAD:
            body = await asyncio.to_thread(_inflated, body, coding, limit)
        else:
            body = _inflated(body, coding, limit)
    return body


def _inflated(body: bytes, coding: str, limit: int) -> bytes:
    window = _deflate_window(body) if coding == "deflate" else _GZIP
    parts: list[bytes] = []
    room = limit
    while body:
        decoder = zlib.decompressobj(window)
        try:
            part = decoder.decompress(body, room + 1)
        except zlib.error:
            raise NotDecodableError(f"is not {coding}, though it says so") from None
        room -= len(part)
        if room < 0:
            raise NotDecodableError(f"is larger than {limit} bytes")
        if not decoder.eof:
            raise NotDecodableError("was cut: its compressed data has no end")
        parts.append(part)
        # RFC 1952, 2.2: a gzip file is a series of members. What else follows the end is padding.
        body = decoder.unused_data if decoder.unused_data.startswith(b"\x1f\x8b") else b""
    return b"".join(parts)


def _deflate_window(body: bytes) -> int:
    """Some servers send raw deflate where RFC 9110, 8.4.1.2 says zlib; zlib's two header bytes tell (RFC 1950, 2.2)."""
    header = int.from_bytes(body[:2], "big")
    return _ZLIB if (header >> 8) & 0x0F == zlib.DEFLATED and header % 31 == 0 else _RAW_DEFLATE
