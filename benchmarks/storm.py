"""A thousand callers of an API that is down, beside those of another one: what reaches it, and what the others notice.

    python benchmarks/storm.py [--callers 1000]

One process of naftiko serves two APIs. One is down; its callers come all at once, again and again. The callers of the
other come at a steady pace, and the script measures what their calls take before, during and after. It says how many
requests reach the API that is down, when the breaker opens and closes, and how exactly a deadline is kept.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

_FILE = """
naftiko: 1.0.0-alpha2
consumes:
- type: http
  namespace: down
  baseUri: DOWN
  resources:
  - path: /x
    operations:
    - name: budget
      method: GET
      resiliency: {timeLimiter: 30s, retry: {maxAttempts: 4, waitDuration: 50ms}}
    - name: breaker
      method: GET
      resiliency:
        timeLimiter: 30s
        retry: {maxAttempts: 4, waitDuration: 50ms}
        circuitBreaker: {slidingWindowSize: 50, waitDurationInOpenState: 2s, permittedCallsInHalfOpenState: 3}
    - {name: slow, method: GET, path: /slow, resiliency: {timeLimiter: 300ms}}
- {type: http, namespace: other, baseUri: OTHER, resources: [{path: /x, operations: [{name: other, method: GET}]}]}
exposes:
- type: rest
  namespace: rest
  port: 18230
  resources:
  - {path: /budget, operations: [{method: GET, name: budget, call: down.budget}]}
  - {path: /breaker, operations: [{method: GET, name: breaker, call: down.breaker}]}
  - {path: /slow, operations: [{method: GET, name: slow, call: down.slow}]}
  - {path: /other, operations: [{method: GET, name: other, call: other.other}]}
"""
_PORT = 18230
_WINDOW = 50
_OPEN = 2.0


class Api:
    """An API that answers as it is told, 5 ms after it is asked."""

    def __init__(self) -> None:
        self.status = 200
        self.asked = 0
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        # A task that ends cancelled is told on stderr by the server of the standard library.
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.asked += 1
                await asyncio.sleep(60 if b"slow HTTP" in head else 0.005)
                body = b'{"n": 1}'
                writer.write(
                    b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
                    % (self.status, len(body), body)
                )
        writer.close()


@contextlib.asynccontextmanager
async def api() -> AsyncIterator[Api]:
    """Serve an API."""
    made = Api()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0, backlog=4096)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield made


@contextlib.asynccontextmanager
async def api_apart() -> AsyncIterator[str]:
    """Serve an API in a process of its own, so that nothing here keeps it from answering; the block gets its URL."""
    process = await asyncio.create_subprocess_exec(sys.executable, __file__, "--api", stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.terminate()
        await process.wait()


async def serve_api() -> None:
    """Serve an API until this process is ended, and say where."""
    async with api() as made:
        print(made.url, flush=True)
        await asyncio.Event().wait()


async def get(path: str) -> tuple[int, float]:
    """Return the status of an answer, and the seconds that it took."""
    began = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", _PORT)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{_PORT}\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    return int(answer.split(b" ", 2)[1]), time.perf_counter() - began


def percentile(seconds: Sequence[float], part: float) -> float:
    """Return a percentile in milliseconds."""
    ordered = sorted(seconds)
    return 1000 * ordered[min(len(ordered) - 1, int(len(ordered) * part))]


async def others(seconds: float) -> list[float]:
    """Call the other API at a steady pace, from a process of its own; return what each call took.

    So what a call takes is not what the crowd's own process does meanwhile.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, __file__, "--others", str(seconds), stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    if process.returncode != 0:
        sys.exit("the calls of the other API failed")
    found: list[float] = json.loads(said)
    return found


async def calls_of_another(seconds: float, every: float = 0.01) -> list[float]:
    """Call the other API at a steady pace; return what each call took."""
    found: list[float] = []

    async def one() -> None:
        status, took = await get("/other")
        if status != 200:
            sys.exit(f"the other API answered {status}")
        found.append(took)

    tasks = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        tasks.append(asyncio.create_task(one()))
        await asyncio.sleep(every)
    await asyncio.gather(*tasks)
    return found


def told(name: str, took: Sequence[float]) -> None:
    """Write what calls of the other API took."""
    print(f"  other API, {name}: p50 {percentile(took, 0.5):.1f} ms, p99 {percentile(took, 0.99):.1f} ms")


async def crowd(path: str, callers: int) -> dict[int, int]:
    """Call at once; return how many got which status."""
    found = await asyncio.gather(*(get(path) for _ in range(callers)))
    statuses = [status for status, _ in found]
    return {status: statuses.count(status) for status in sorted(set(statuses))}


async def pace(path: str, rate: int, seconds: float) -> int:
    """Call at a steady pace, a hundredth of a second's calls together; return how many calls that were."""
    calls = 0
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        began = time.perf_counter()
        await crowd(path, max(1, rate // 100))
        calls += max(1, rate // 100)
        await asyncio.sleep(max(0.0, began + 0.01 - time.perf_counter()))
    return calls


async def measured(down: Api, callers: int) -> None:
    """Measure everything, and write it."""
    await others(1.0)
    print(f"{callers} callers at once of an API that answers 503")
    told("before", await others(3.0))
    down.status, down.asked = 503, 0
    got = await crowd("/budget", callers)
    print(
        f"  retries alone: {down.asked} requests reach it, {down.asked / callers:.2f} times the calls; answered {got}"
    )
    down.asked = 0
    got = await crowd("/breaker", callers)
    print(f"  with a breaker: {down.asked} requests reach it (window {_WINDOW}, 50 connections); answered {got}")
    before = down.asked
    got = await crowd("/breaker", callers)
    print(f"  once it is open: {down.asked - before} more; answered {got}")
    await asyncio.sleep(1)  # the connections of the crowd are closed
    storm = asyncio.create_task(pace("/breaker", 200, 4.0))
    took = await others(3.0)
    calls = await storm
    told(f"beside {calls / 4:.0f} calls a second of the one that is down", took)
    down.status = 200
    began = time.perf_counter()
    await until_good("/breaker")
    for _ in range(3):
        await get("/breaker")
    print(f"  closed {time.perf_counter() - began:.2f} s after it works again (it rests for {_OPEN:g} s at a time)")
    told("afterwards", await others(3.0))
    late = [took - 0.3 for _, took in [await get("/slow") for _ in range(30)]]
    print(f"  a deadline of 300 ms: kept within {1000 * max(late):.1f} ms (p50 {percentile(late, 0.5):.1f} ms)")


async def until_good(path: str) -> None:
    """Wait until a path is answered with 200."""
    for _ in range(3000):
        with contextlib.suppress(OSError):
            if (await get(path))[0] == 200:
                return
        await asyncio.sleep(0.02)
    sys.exit(f"{path} is never answered with 200")


async def main() -> None:
    """Start everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--callers", type=int, default=1000)
    parser.add_argument("--others", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--api", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.others is not None:
        print(json.dumps(await calls_of_another(arguments.others)))
        return
    if arguments.api:
        await serve_api()
    callers = arguments.callers
    async with api() as down, api_apart() as other:
        with tempfile.TemporaryDirectory() as name:
            file = Path(name) / "storm.yaml"
            file.write_text(_FILE.replace("DOWN", json.dumps(down.url)).replace("OTHER", json.dumps(other)))
            server = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "naftiko", "serve", str(file), "--log-level", "error"),
                stdout=asyncio.subprocess.DEVNULL,
            )
            try:
                await until_good("/other")
                await measured(down, callers)
            finally:
                server.terminate()
                await server.wait()


if __name__ == "__main__":
    asyncio.run(main())
