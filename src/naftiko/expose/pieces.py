"""Large answers are sent in pieces: what a caller doesn't read stays here, and is counted, until the caller does."""

from __future__ import annotations

from typing import Final

from starlette.types import Send

_PIECE: Final = 128 * 1024
"""Bytes that a connection gets at once; the next ones follow when it has sent these on."""


async def send_body(send: Send, body: bytes, *, more: bool = False) -> None:
    """Send the whole body of an answer, or a part after which more comes."""
    last = max(0, len(body) - _PIECE)
    for at in range(0, last, _PIECE):
        await send({"type": "http.response.body", "body": body[at : at + _PIECE], "more_body": True})
    left = body[-(-last // _PIECE) * _PIECE :] if last else body
    await send({"type": "http.response.body", "body": left, "more_body": more})
