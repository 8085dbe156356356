"""An upstream of raw bytes on a real socket, in a thread of its own: it answers what no framework would."""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Self

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n" + b'{"ok": true}'
Answering = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]
"""Answers one request, of which it gets the head; it may close or abort the connection."""


class OddUpstream:
    """Answers by the last segment of a request's path, undecoded.

    Attributes:
        answers: what is written for a segment, or what writes it; other segments are answered with ``OK``.
        heads: the requests so far.
        counts: how often each method and segment was asked for.
        open: connections that are open now.
    """

    def __init__(self) -> None:
        self.answers: dict[str, bytes | Answering] = {}
        self.heads: list[bytes] = []
        self.counts: Counter[str] = Counter()
        self.open = 0
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_exc: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=1000))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while not writer.is_closing():
                    await self._one(reader, writer)
        finally:
            self.open -= 1
            writer.transport.abort()

    def clear(self) -> None:
        """Forget the requests so far."""
        self.heads.clear()
        self.counts.clear()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        method, target = head.split(b" ", 2)[:2]
        segment = target.partition(b"?")[0].rpartition(b"/")[2].decode()
        self.counts[f"{method.decode()} {segment}"] += 1
        if length := re.search(rb"(?i)content-length: (\d+)", head):
            await reader.readexactly(int(length[1]))
        answer = self.answers.get(segment, OK)
        if callable(answer):
            await answer(head, writer)
        else:
            writer.write(answer)
        await writer.drain()


async def says_nothing(_head: bytes, writer: asyncio.StreamWriter) -> None:
    """Never answer, until nobody waits any more."""
    reader = writer.transport.get_protocol()._stream_reader
    while not reader.at_eof():  # noqa: ASYNC110 - it has no event for its end
        await asyncio.sleep(0.02)
    writer.close()


async def hangs_up(_head: bytes, writer: asyncio.StreamWriter) -> None:
    """Close without an answer."""
    writer.transport.abort()


async def leaves(_head: bytes, writer: asyncio.StreamWriter) -> None:
    """Answer, and close a moment later without having said so."""
    writer.write(OK)
    await writer.drain()
    await asyncio.sleep(0.002)
    writer.close()


async def never_ends(_head: bytes, writer: asyncio.StreamWriter) -> None:
    """Answer as long as somebody reads."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
    while True:
        writer.write(b"x" * 65_536)
        await writer.drain()
