"""A server of raw bytes, and what tests of the transport say to it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import httpx

from naftiko.engine.transport import Limits, Transport, fetch

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
QUICK = Limits(connections=4, queue=60, connect=60, read=60, total=60)
"""Of tests that wait for no limit: a slow machine must not meet one."""


@dataclass
class Received:
    """One request as it came on the wire."""

    head: bytes
    body: bytes

    @property
    def line(self) -> bytes:
        return self.head.split(b"\r\n")[0]

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        lines = self.head.split(b"\r\n")[1:]
        return [(name, value) for name, _, value in (line.partition(b": ") for line in lines if line)]

    def all(self, name: bytes) -> list[bytes]:
        return [value for key, value in self.headers if key.lower() == name.lower()]


Handler = Callable[[Received, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Upstream:
    """A server of raw bytes."""

    port: int = 0
    scheme: str = "http"
    requests: list[Received] = field(default_factory=list)
    connections: int = 0
    ended: int = 0

    def url(self, path: str = "/") -> str:
        return f"{self.scheme}://localhost:{self.port}{path}"

    @property
    def place(self) -> str:
        return f"localhost:{self.port}"


Start = Callable[..., Awaitable[Upstream]]


async def received(reader: asyncio.StreamReader) -> Received:
    head = await reader.readuntil(b"\r\n\r\n")
    request = Received(head, b"")
    if length := request.all(b"content-length"):
        request.body = await reader.readexactly(int(length[0]))
    elif request.all(b"transfer-encoding"):
        while size := int(await reader.readline(), 16):
            request.body += await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
    return request


def answers(data: bytes, *, close: bool = False) -> Handler:
    """A handler that writes ``data`` and, if asked to, closes the connection."""

    async def handle(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        if close:
            writer.close()

    return handle


async def get(transport: Transport, url: str, limits: Limits = QUICK, **more: object) -> httpx.Response:
    return await fetch(transport, httpx.Request("GET", url, **more), limits)


async def ask(transport: Transport, request: httpx.Request | str) -> httpx.Response:
    """Send a request, or a GET, within the limits of the transport."""
    made = httpx.Request("GET", request) if isinstance(request, str) else request
    return await fetch(transport, made, transport.limits)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - the other side's state has no event to wait for
            await asyncio.sleep(0.005)


def coded(body: bytes, coding: str) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body
