"""Bodies as callers write and read them: JSON with a byte order mark, large answers in pieces (SEMANTICS 5.2)."""

from __future__ import annotations

import re
from typing import Final

from starlette.types import Send

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_ESCAPE: Final = re.compile(
    rb"\\(?:(?P<pair>u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)"
)
"""An escape of a JSON text; what stands behind a backslash is never the start of another one."""


def whole_json(body: bytes) -> bytes:
    """Return a JSON text without its byte order mark, U+FFFD for each half of a surrogate pair; else as it is."""
    bare = body.removeprefix(BYTE_ORDER_MARK)
    if b"\\ud" not in bare and b"\\uD" not in bare:
        return bare
    return _ESCAPE.sub(lambda found: b"\\ufffd" if found["half"] else found[0], bare)


_PIECE: Final = 128 * 1024
"""Bytes that a connection gets at once; the next ones follow when it has sent these on."""


async def send_body(send: Send, body: bytes, *, more: bool = False) -> None:
    """Send the whole body of an answer, or a part after which more comes."""
    last = max(0, len(body) - _PIECE)
    for at in range(0, last, _PIECE):
        await send({"type": "http.response.body", "body": body[at : at + _PIECE], "more_body": True})
    left = body[-(-last // _PIECE) * _PIECE :] if last else body
    await send({"type": "http.response.body", "body": left, "more_body": more})
