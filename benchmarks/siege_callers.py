"""Good callers: one call after the other over REST and MCP, each with a number that its answer must have."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterator

from siege_upstream import SECRETS, spellings

_SPELLED = [text for secret in SECRETS for text in spellings(secret).values()]
PATIENCE = 60.0
"""Seconds that an answer is waited for."""


class Tally:
    """What became of the calls."""

    def __init__(self) -> None:
        self.latencies: list[float] = []
        self.lost: Counter[str] = Counter()
        self.mixed_up = 0
        self.leaked = 0
        self.refused = 0

    def p99(self) -> float:
        """Return milliseconds that 99 of 100 good calls took at most."""
        ordered = sorted(self.latencies)
        return ordered[int(len(ordered) * 0.99)] if ordered else float("inf")

    def summary(self) -> dict[str, object]:
        """Return the figures; times in milliseconds."""
        ordered = sorted(self.latencies)
        return {
            "answered": len(ordered),
            "p50": round(ordered[len(ordered) // 2], 1) if ordered else None,
            "p99": round(self.p99(), 1),
            "lost": sum(self.lost.values()),
            "why": dict(self.lost.most_common(8)),
            "mixed up": self.mixed_up,
            "leaked": self.leaked,
            "connections refused": self.refused,
        }

    def __str__(self) -> str:
        return json.dumps(self.summary())


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, bytes, bytes]:
    """Read one answer: its status, head and body.

    Raises:
        OSError, EOFError: the connection ended before the answer did.
    """
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head[9:12])
    fields = {k.lower(): v.strip() for k, _, v in (line.partition(b":") for line in head.split(b"\r\n")[1:])}
    if b"content-length" in fields:
        body = await reader.readexactly(int(fields[b"content-length"]))
    elif fields.get(b"transfer-encoding") == b"chunked":
        body = b""
        while size := int(await reader.readline(), 16):
            body += await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
    else:
        body = await reader.read()
    return status, head, body


class Caller:
    """One good caller with a connection of its own, which it opens anew when the server closed it in good order."""

    def __init__(self, rest: int, mcp: int, numbers: Iterator[int], tally: Tally) -> None:
        self._rest = rest
        self._mcp = mcp
        self._numbers = numbers
        self._tally = tally

    async def run(self, at: int, end: float) -> None:
        """Call until a time (of ``time.monotonic``)."""
        kind = ("mapped", "mapped", "passed", "posted", "tool")[at % 5]
        port = self._mcp if kind == "tool" else self._rest
        while time.monotonic() < end:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
            except ConnectionRefusedError:  # nobody listens any more: nothing was taken, so nothing is lost
                self._tally.refused += 1
                await asyncio.sleep(0.1)
                continue
            except OSError as error:
                self._tally.lost[f"connect: {type(error).__name__}"] += 1
                await asyncio.sleep(0.1)
                continue
            try:
                while time.monotonic() < end and await self._call(kind, reader, writer):
                    pass
            finally:
                writer.close()

    async def _call(self, kind: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Make one call; return whether the connection goes on."""
        number = f"n{next(self._numbers)}"
        started = time.monotonic()
        try:
            writer.write(_request(kind, number))
            status, head, body = await asyncio.wait_for(read_answer(reader), PATIENCE)
        except TimeoutError:
            self._tally.lost[f"{kind}: no answer in {PATIENCE:.0f} s"] += 1
            return False
        except (OSError, EOFError, ValueError) as error:
            self._tally.lost[f"{kind}: {type(error).__name__}"] += 1
            return False
        if status != 200:
            self._tally.lost[f"{kind}: {status} {body[:160].decode('utf-8', 'replace')}"] += 1
        elif number.encode() not in body:
            self._tally.mixed_up += 1
        else:
            self._tally.latencies.append((time.monotonic() - started) * 1000)
        if any(text in body or text in head for text in _SPELLED):
            self._tally.leaked += 1
        return b"connection: close" not in head.lower()


def _request(kind: str, number: str) -> bytes:
    if kind == "posted":
        body = json.dumps({"id": number, "note": "é" * 200}).encode()
        return post("/posted", body)
    if kind == "tool":
        call = {"jsonrpc": "2.0", "id": number, "method": "tools/call"}
        params = {"name": "get-good", "arguments": {"id": number}}
        return post(
            "/mcp", json.dumps({**call, "params": params}).encode(), "Accept: application/json, text/event-stream\r\n"
        )
    return f"GET /{kind}/{number} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


def post(path: str, body: bytes, more: str = "") -> bytes:
    """Return a POST of JSON on a connection that goes on."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n{more}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
