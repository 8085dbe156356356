"""Those who mean harm: slow, huge, malformed, cross-site and prying callers, each bounded and from 127.0.0.2."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable

from siege_callers import read_answer
from siege_upstream import SECRETS, spellings

Attack = Callable[[int, int, float], Awaitable[dict[str, int]]]
FROM = ("127.0.0.2", 0)
FAULTS = ["hang-up", "cut", "stall", "garbage", "status", "header", "echo", "html", "deep"]
_SPELLED = [(name, text) for secret in SECRETS for name, text in spellings(secret).items()]


async def connect(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect as the attacker."""
    return await asyncio.open_connection("127.0.0.1", port, local_addr=FROM, limit=1 << 26)


async def one(port: int, data: bytes, seconds: float = 30) -> tuple[str, bytes]:
    """Send bytes on a new connection; return the status, or how it ended, and what came."""
    try:
        reader, writer = await connect(port)
    except OSError as error:
        return type(error).__name__, b""
    try:
        writer.write(data)
        status, head, body = await asyncio.wait_for(read_answer(reader), seconds)
        return str(status), head + body
    except TimeoutError:
        return "no answer", b""
    except (OSError, EOFError, ValueError) as error:
        return type(error).__name__, b""
    finally:
        writer.close()


def get(path: str, more: str = "") -> bytes:
    """Return a GET that closes."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{more}Connection: close\r\n\r\n".encode("latin-1")


def post(path: str, body: bytes, kind: str = "application/json", more: str = "") -> bytes:
    """Return a POST that closes."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\n{more}"
    return f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode("latin-1") + body


def tool(name: str, arguments: object) -> bytes:
    """Return a tool call."""
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": arguments}}
    return post("/mcp", json.dumps(call).encode(), more="Accept: application/json, text/event-stream\r\n")


def repeating(make: Callable[[int, int], tuple[int, bytes]], together: int, pause: float = 0.0) -> Attack:
    """Return an attack that sends what ``make`` makes, so many at once, and counts the answers and what leaked."""

    async def attacker(rest: int, mcp: int, end: float, seen: Counter[str]) -> None:
        while time.monotonic() < end:
            port, data = make(rest, mcp)
            status, text = await one(port, data)
            seen[status] += 1
            seen.update(f"LEAKED: {name}" for name, spelled in _SPELLED if spelled in text)
            await asyncio.sleep(pause)

    async def attack(rest: int, mcp: int, end: float) -> dict[str, int]:
        seen: Counter[str] = Counter()
        await asyncio.gather(*(attacker(rest, mcp, end, seen) for _ in range(together)))
        return dict(seen)

    return attack


def holding(begin: bytes, drip: bytes, together: int, *, on_mcp: bool = False, read: bool = True) -> Attack:
    """Return an attack that holds connections: it sends a beginning and then drips, until the server ends it."""

    async def hold(port: int, end: float, seen: Counter[str]) -> None:
        while time.monotonic() < end:
            with contextlib.suppress(OSError):
                reader, writer = await connect(port)
                seen["connections"] += 1
                writer.write(begin)
                if not read:
                    writer.transport.pause_reading()  # type: ignore[attr-defined]
                while time.monotonic() < end and not reader.at_eof():
                    await asyncio.sleep(1 + random.random())
                    try:
                        writer.write(drip)
                        await asyncio.wait_for(writer.drain(), 1)
                        if read and await asyncio.wait_for(reader.read(65536), 0.01):
                            seen["answered"] += 1
                            break
                    except TimeoutError:
                        continue
                    except OSError:
                        break
                writer.transport.abort()
            await asyncio.sleep(0.2)

    async def attack(rest: int, mcp: int, end: float) -> dict[str, int]:
        seen: Counter[str] = Counter()
        await asyncio.gather(*(hold(mcp if on_mcp else rest, end, seen) for _ in range(together)))
        return dict(seen)

    return attack


def _faults(rest: int, mcp: int) -> tuple[int, bytes]:
    kind = random.choice(FAULTS)
    place = random.randrange(4)
    if place == 0:
        return mcp, tool(random.choice(["fault", "keyed"]), {"kind": kind})
    return rest, get(f"/{('fault', 'keyed', 'large')[place - 1]}/{kind}")


def _malformed(rest: int, mcp: int) -> tuple[int, bytes]:
    return random.choice([rest, mcp]), random.choice(
        [
            b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            b"POST /posted HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"POST /posted HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
            b"POST /posted HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
            b"GET /\x00\xff HTTP/1.1\r\nHost: a\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n",
            random.randbytes(500) + b"\r\n\r\n",
            get("/passed/..%2f..%2fadmin"),
            get("/passed/%252e%252e"),
            get("/openapi.json", "Range: bytes=0-1,2-3\r\n"),
        ]
    )


_JUNK = [
    {"jsonrpc": "2.0", "id": None, "method": "tools/call"},
    [{"jsonrpc": "2.0", "id": 1, "method": "ping"}] * 100,
    {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "x" * 100_000}},
    {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": {"a": []}}},
]


def _junk(rest: int, mcp: int) -> tuple[int, bytes]:
    del rest
    return mcp, post(
        "/mcp", json.dumps(random.choice(_JUNK)).encode(), more="Accept: application/json, text/event-stream\r\n"
    )


def _arguments(rest: int, mcp: int) -> tuple[int, bytes]:
    del rest
    return mcp, tool(
        "check",
        random.choice(
            [
                {"list": [f"{at}b" for at in range(20_000)]},
                {"list": ["a" * 30 + "!"] * 50},
                {f"name {at}": at for at in range(50_000)},
            ]
        ),
    )


_LARGE_POST = (
    "POST /posted HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 9900000\r\n\r\n"
)

ATTACKS: dict[str, Attack] = {
    "faults of the upstream": repeating(_faults, 20),
    "large mapped answers": repeating(lambda rest, _: (rest, get("/large/large")), 2, 0.2),
    "heads of 3.9 MB": repeating(lambda rest, _: (rest, get("/passed/a", "X-Long: a\r\n" * 355_000)), 1, 0.5),
    "one header of 1 MB": repeating(lambda _, mcp: (mcp, get("/mcp", f"X-Long: {'a' * 1_000_000}\r\n")), 1, 0.5),
    "long paths of three placeholders": repeating(lambda rest, _: (rest, get(f"/three/{'-a' * 10_000}/y")), 2, 0.05),
    "malformed requests": repeating(_malformed, 5, 0.01),
    "JSON-RPC that is none": repeating(_junk, 4, 0.05),
    "costly arguments": repeating(_arguments, 2, 0.2),
    "cross-site posts": repeating(
        lambda rest, _: (
            rest,
            post("/posted", b"a=1", "text/plain", "Origin: https://evil.example\r\nSec-Fetch-Site: cross-site\r\n"),
        ),
        2,
        0.05,
    ),
    "half a head": holding(b"GET /passed/a HTTP/1.1\r\nHost: a\r\n", b"X-A: b\r\n", 50),
    "silence": holding(b"", b"", 50, on_mcp=True),
    "dripped bodies": holding(_LARGE_POST.encode(), b"1", 20),
    "bodies that stop at 5 MB": holding(_LARGE_POST.encode() + b" " * 5_000_000, b"", 8),
    "who doesn't read": holding(get("/large/large"), b"", 8, read=False),
}
