"""The callers of ``reloads.py`` and the API behind it: each answer says of which version of the files it is."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import random
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from reloads_files import BROKEN, Files
from siege_callers import post, read_answer

PATIENCE = 60.0
KINDS = ("mapped", "passed", "steps", "tool", "tool of 2026", "list", "mapped", "tool")
_MODERN = (
    "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: good\r\n",
    {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}},
)
_ACCEPT = "Accept: application/json, text/event-stream\r\n"


@dataclass
class Tally:
    """What became of the calls.

    Attributes:
        version: the last version that is written; what is newer was never there.
        floor: the version that a reload has told to be served; older answers to later calls are stale.
    """

    version: Callable[[], int]
    floor: int = 0
    answered: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    closed: int = 0
    latencies: list[float] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        ordered = sorted(self.latencies) or [0.0]
        return {
            "answered": dict(self.answered),
            "failed": dict(self.failed.most_common(12)),
            "of a plan that was never valid": dict(self.wrong.most_common(12)),
            "connections closed in good order": self.closed,
            "p50 ms": round(ordered[len(ordered) // 2], 1),
            "p99 ms": round(ordered[int(len(ordered) * 0.99)], 1),
            "slowest ms": round(ordered[-1], 1),
        }


class Caller:
    """One caller with a connection of its own."""

    numbers = itertools.count(1)

    def __init__(self, kind: str, port: int, tally: Tally, pause: float, *, may_be_closed: bool = False) -> None:
        self._kind = kind
        self._port = port
        self._tally = tally
        self._pause = pause
        self._may_be_closed = may_be_closed
        self._newest = 0

    async def run(self, end: asyncio.Event) -> None:
        """Call until told to end."""
        while not end.is_set():
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 22)
            except OSError as error:
                if not self._may_be_closed or not isinstance(error, ConnectionRefusedError):
                    self._tally.failed[f"{self._kind}: connect: {type(error).__name__}"] += 1
                await asyncio.sleep(0.05)
                continue
            self._newest = 0
            try:
                while not end.is_set() and await self._call(reader, writer):  # noqa: ASYNC110  # a pause, not a poll
                    await asyncio.sleep(random.random() * 2 * self._pause)
            finally:
                writer.close()

    def request(self, number: str) -> bytes:
        """Return a call, which its number tells from all others."""
        return request(self._kind, number)

    async def _call(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        number, floor, started = f"n{next(self.numbers)}", self._tally.floor, time.monotonic()
        try:
            writer.write(self.request(number))
            status, head, body = await asyncio.wait_for(read_answer(reader), PATIENCE)
        except TimeoutError:
            self._tally.failed[f"{self._kind}: no answer in {PATIENCE:.0f} s"] += 1
            return False
        except (OSError, EOFError, ValueError) as error:
            if not (self._may_be_closed and self._newest == 0):  # a connection of the queue of a port that is closed
                self._tally.failed[f"{self._kind}: {type(error).__name__}"] += 1
            return False
        self._tally.latencies.append((time.monotonic() - started) * 1000)
        self._tally.answered[self._kind] += 1
        if status != 200:
            self._tally.failed[f"{self._kind}: {status} {body[:200].decode('utf-8', 'replace')}"] += 1
        else:
            self._look(number, body.decode(), 0 if self._may_be_closed else floor)
        goes_on = b"connection: close" not in head.lower()
        self._tally.closed += not goes_on
        return goes_on

    def _look(self, number: str, body: str, floor: int) -> None:
        """Note what is wrong with an answer: whose it is, and of which version."""
        versions = {int(found) for found in re.findall(r"\bv(\d+)\b", body)}
        wrong = ""
        if BROKEN in body:
            wrong = "broken"
        elif number not in body and self._kind != "list":
            wrong = "somebody else's"
        elif len(versions) != 1:
            wrong = f"of {len(versions)} versions"
        elif not floor <= min(versions) <= self._tally.version():
            wrong = "stale" if min(versions) < floor else "of the future"
        elif min(versions) < self._newest:
            wrong = "older than the one before"
        if wrong:
            self._tally.wrong[f"{self._kind}: {wrong}"] += 1
            self._tally.wrong.setdefault(f"first: {floor} {self._newest} {body[:300]}", 0)
        self._newest = max(versions, default=0)


def request(kind: str, number: str) -> bytes:
    """Return a call, which its number tells from all others."""
    if kind == "list":
        return post(
            "/mcp", json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}).encode(), _ACCEPT
        )
    if kind.startswith("tool"):
        params: dict[str, Any] = {"name": "good", "arguments": {"id": number}}
        more = _ACCEPT
        if kind == "tool of 2026":
            more, params["_meta"] = _ACCEPT + _MODERN[0], _MODERN[1]
        call = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}
        return post("/mcp", json.dumps(call).encode(), more)
    return f"GET /{kind}/{number} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


class Api:
    """The API: it wants a token of the last two, and notes when which came last."""

    def __init__(self, files: Files) -> None:
        self.files = files
        self.tokens: dict[str, float] = {}
        self.refused = 0
        self.broken = 0
        self.connections = 0

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Listen on the port of the files."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", self.files.upstream, backlog=2048)
        try:
            yield
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(OSError, EOFError, asyncio.CancelledError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                await asyncio.sleep(random.random() * 0.02)
                writer.write(self._answer(head.decode("latin-1")))
        writer.close()

    def _answer(self, head: str) -> bytes:
        _, base, version, number = head.split(" ", 2)[1].partition("?")[0].split("/")
        found = re.search(r"authorization: Bearer (\S+)", head, re.IGNORECASE)
        token = found[1] if found else ""
        self.tokens[token] = time.monotonic()
        self.broken += BROKEN in (base, version)
        known = token in self.files.tokens[-2:]
        self.refused += not known
        body = json.dumps({"id": number, "version": version, "base": base}).encode()
        status = "200 OK" if known else "401 Unauthorized"
        return (
            f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
