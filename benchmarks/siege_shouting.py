"""Calls that fail with all that may not be shown: the upstream says back the credential that it got, in every spelling.

Each of them is a line of the log, so that the log becomes long.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Iterator
from pathlib import Path

from siege_attackers import connect
from siege_callers import post, read_answer

_AT_ONCE = 32
_PATH = "GET /{0}/{2} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: {1}\r\n\r\n"


async def shout(rest: int, mcp: int, log: Path, megabytes: float, seconds: float) -> int:
    """Fail until the log has so many megabytes, or the time is over; return how many calls failed."""
    numbers = itertools.count()
    end = time.monotonic() + seconds

    def goes_on() -> bool:
        return time.monotonic() < end and log.stat().st_size < megabytes * 1e6

    async def one(at: int) -> None:
        name = ("fault", "keyed", "named")[at % 3]
        kind = ("tell", "tell", "tell", "echo")[at // 4 % 4]
        by_tool = at % 4 < 3  # most: what a model is shown of an error is logged, too
        reader, writer = await connect(mcp if by_tool else rest)
        try:
            while goes_on():
                writer.write(
                    _tool(name, kind, numbers) if by_tool else _PATH.format(name, next(numbers), kind).encode()
                )
                await read_answer(reader)
        finally:
            writer.close()

    await asyncio.gather(*(one(at) for at in range(_AT_ONCE)), return_exceptions=True)
    return next(numbers)


def _tool(name: str, kind: str, numbers: Iterator[int]) -> bytes:
    params = {"name": name, "arguments": {"kind": kind}}
    body = json.dumps({"jsonrpc": "2.0", "id": next(numbers), "method": "tools/call", "params": params}).encode()
    return post("/mcp", body, "Accept: application/json\r\n")
