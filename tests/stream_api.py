"""APIs whose answers are streams, item by item as a test lets them go."""

from __future__ import annotations

import asyncio
import contextlib
import json
import queue
import threading
from typing import Any

from starlette.responses import StreamingResponse

EVENTS = "text/event-stream"
LINES = "application/x-ndjson"
_END = object()
_CUT = object()


def event(value: Any, name: str = "", identity: str = "") -> bytes:
    """A server-sent event with JSON data."""
    head = (f"event: {name}\n" if name else "") + (f"id: {identity}\n" if identity else "")
    return f"{head}data: {json.dumps(value)}\n\n".encode()


def line(value: Any) -> bytes:
    """A line of JSON."""
    return json.dumps(value).encode() + b"\n"


class Feed:
    """One answer that goes on until it is told to end; what is said before it is asked for waits.

    Attributes:
        left: set when the answer is over, be it that its client has left.
        taken: how many pieces the server has taken to send.
    """

    def __init__(self, media_type: str = EVENTS, headers: dict[str, str] | None = None) -> None:
        self._waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._media_type = media_type
        self._headers = headers
        self.left = threading.Event()
        self.asked = threading.Event()
        self.taken = 0

    def say(self, *pieces: bytes) -> None:
        """Send pieces."""
        for piece in pieces:
            self._waiting.put(piece)

    def end(self) -> None:
        """End the answer in good order."""
        self._waiting.put(_END)

    def cut(self) -> None:
        """Break it off."""
        self._waiting.put(_CUT)

    async def __call__(self, request: Any) -> StreamingResponse:
        """Answer a request."""
        self.asked.set()
        return StreamingResponse(self._pieces(), media_type=self._media_type, headers=self._headers)

    async def _pieces(self):
        try:
            while True:
                with contextlib.suppress(queue.Empty):
                    piece = self._waiting.get_nowait()
                    if piece is _END:
                        return
                    if piece is _CUT:
                        raise ConnectionResetError
                    yield piece
                    self.taken += 1
                    continue
                await asyncio.sleep(0.005)
        finally:
            self.left.set()
