"""An API that fails as it is told, in the loop of the test, so that waits take no time; and a capability that calls it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import naftiko
from naftiko.engine.capability import Capability
from naftiko.observe.observer import Exchange, Observer, PolicyAct

OK = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n{"n": 1}'
HALF = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 800\r\n\r\n{"n": 1'
RESET = b""
SLOW = None


def status(code: int, headers: Mapping[str, str] | None = None) -> bytes:
    """Return an answer."""
    lines = [f"HTTP/1.1 {code} X", "Content-Type: application/json", "Content-Length: 2"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return ("\r\n".join(lines) + "\r\n\r\n{}").encode()


@dataclass
class Asked:
    """A request that came."""

    at: float
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class World:
    """The API.

    Attributes:
        answers: what comes next, ``None`` for nothing at all; when none is left, ``usual``.
        asked: the requests that came.
        under_way: how many are being answered.
    """

    answers: list[bytes | None] = field(default_factory=list)
    usual: bytes | None = OK
    asked: list[Asked] = field(default_factory=list)
    pause: float = 0.0
    under_way: int = 0
    most: int = 0
    url: str = ""
    answer: Callable[[Asked], bytes | None] | None = None
    serving: dict[asyncio.Task[None], asyncio.StreamWriter] = field(default_factory=dict)

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.serving[asyncio.ensure_future(self._serve(reader, writer))] = writer

    async def close(self) -> None:
        """End what is still open."""
        for task, writer in self.serving.items():
            task.cancel()
            writer.transport.abort()
        await asyncio.gather(*self.serving, return_exceptions=True)
        await asyncio.sleep(0.005)  # an aborted connection closes its socket one turn later

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:])}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                if headers.get("transfer-encoding") == "chunked":
                    body = await _chunks(reader)
                method, path, _ = head[0].split(" ")
                asked = Asked(asyncio.get_running_loop().time(), method, path, headers, body)
                self.asked.append(asked)
                if not await self._reply(asked, reader, writer):
                    break
        writer.transport.abort()

    async def _reply(self, asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            if self.pause:
                await asyncio.sleep(self.pause)
            answer = self.answer(asked) if self.answer else self.answers.pop(0) if self.answers else self.usual
            if answer is SLOW:
                await reader.read(1)  # until the caller leaves
                return False
            writer.write(answer)
            await writer.drain()
            return answer not in (HALF, RESET)
        finally:
            self.under_way -= 1

    @property
    def gaps(self) -> list[float]:
        """The seconds between requests."""
        return [later.at - first.at for first, later in zip(self.asked, self.asked[1:], strict=False)]


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int((await reader.readline()).strip(), 16):
        body += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return body


class Seen(Observer):
    """What policies did, and which requests were tried."""

    def __init__(self) -> None:
        self.acts: list[PolicyAct] = []
        self.attempts: list[int] = []

    def exchange(self, exchange: Exchange) -> contextlib.AbstractContextManager[Any]:
        self.attempts.append(exchange.attempt)
        return contextlib.nullcontext()

    def acted(self, act: PolicyAct) -> None:
        self.acts.append(act)

    @property
    def outcomes(self) -> list[tuple[str, str]]:
        return [(act.policy, act.outcome) for act in self.acts]


@contextlib.asynccontextmanager
async def world(*answers: bytes | None) -> AsyncIterator[World]:
    """Serve an API in this loop."""
    loop = asyncio.get_running_loop()

    async def addresses(host: str, port: int, **_: Any) -> Sequence[Any]:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port))
        ]  # no thread: it would be late in virtual time

    loop.getaddrinfo = addresses  # type: ignore[assignment,method-assign]
    made = World(list(answers))
    server = await asyncio.start_server(made.accept, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield made
    finally:
        await asyncio.sleep(0.005)  # what was connected last is accepted
        server.close()
        await made.close()


def capability(url: str, *, api: str = "", operations: Mapping[str, str] | None = None, **settings: Any) -> Capability:
    """Return a capability with the operations ``get``, ``post`` and ``put`` and a tool of each; policies are flow YAML.

    Args:
        url: of the API.
        api: policies of the API.
        operations: policies by operation.
        settings: of ``Settings``.
    """
    own = {**dict.fromkeys(("get", "post", "put"), "{}"), **(operations or {})}
    methods = {"get": "GET", "post": "POST", "put": "PUT"}
    lines = [
        "naftiko: 1.0.0-alpha2",
        "consumes:",
        f"- {{type: http, namespace: up, baseUri: {json.dumps(url)}, resiliency: {api or '{}'},",
        "   resources: [{path: /things, operations: [",
        *(
            f"     {{name: {name}, method: {methods[name]}, resiliency: {own[name]}"
            + (', body: {type: json, data: {n: "{{n}}"}}' if name != "get" else "")
            + "},"
            for name in own
        ),
        "   ]}]}",
        "exposes:",
        "- {type: mcp, namespace: mcp, tools: [",
        *(f"   {{name: {name}, description: A thing, call: up.{name}}}," for name in own),
        "  ]}",
        "- {type: rest, namespace: rest, port: 8080, resources: [",
        "   {path: /get, operations: [{method: GET, name: get, call: up.get}]},",
        "   {path: /post, operations: [{method: POST, name: post, call: up.post, inputParameters: [{name: n, in: body}]}]},",
        '   {path: "/forward/{path}", forward: {targetNamespace: up, trustedHeaders: [idempotency-key]}}]}',
    ]
    made = naftiko.loads("\n".join(lines), settings=naftiko.Settings(environment={}, **settings))
    assert not made.errors, made.errors
    return made
