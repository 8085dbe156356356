"""Good callers beside attackers: nothing good is lost or mixed up, nothing leaks, and memory stays where it was.

    python benchmarks/siege.py --minutes 10                # the whole siege
    python benchmarks/siege.py --minutes 1 --callers 200   # a short one

First the good callers alone, then beside mixed faults, slow callers and attackers, all on loopback and bounded in
time; then a worker is killed, the server reloaded and stopped under load. Attackers come from 127.0.0.2, as they would
come from an address of their own. The figures are printed and written to ``benchmarks/results/siege.json``.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from harness import HERE, descriptors, rss_mib, stop
from siege_attackers import ATTACKS
from siege_callers import Caller, Tally
from siege_shouting import shout
from siege_upstream import BASIC, SECRET, SECRETS, spellings_in_logs, upstream

REST_PORT, MCP_PORT, UPSTREAM_PORT = 18300, 18301, 18302
SECONDS_PER_MEGABYTE = 6
"""For which failing calls go on, at most."""
CAPABILITY = HERE / "capabilities" / "siege.yaml"


class Server:
    """A ``naftiko serve`` whose log goes to a file."""

    def __init__(self, log: Path, *options: str) -> None:
        self.log = log
        command = [sys.executable, "-m", "naftiko", "serve", str(CAPABILITY), *options]
        command += ["--port", f"rest={REST_PORT}", "--port", f"mcp={MCP_PORT}", "--log-level", "debug"]
        command += ["--base-uri", f"up=http://127.0.0.1:{UPSTREAM_PORT}"]
        # A thousand callers share an API: its operator lets them wait for their turn.
        command += ["--upstream-max-concurrent-calls", "100", "--upstream-max-wait-duration", "30"]
        command += ["--base-uri", f"keyed=http://127.0.0.1:{UPSTREAM_PORT}"]
        command += ["--base-uri", f"named=http://127.0.0.1:{UPSTREAM_PORT}"]
        names = ("SIEGE_TOKEN", "SIEGE_KEY", "SIEGE_PASSWORD")
        environment = {**os.environ, **dict(zip(names, SECRETS, strict=True))}
        self._file = log.open("ab")
        self.process = subprocess.Popen(command, env=environment, stdout=self._file, stderr=self._file)

    async def ready(self) -> None:
        """Wait until it answers."""
        for _ in range(600):
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", REST_PORT)
                writer.close()
                return
            await asyncio.sleep(0.05)
        sys.exit(f"the server didn't start: {self.log.read_text()[-2000:]}")

    def workers(self) -> list[int]:
        """Return its children, without the processes for large documents that each of them has."""
        return [
            int(child)
            for child in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        ]

    def stop(self) -> int:
        """Stop it, and return its exit code."""
        with self._file:
            return stop(self.process, 60)


async def callers(count: int, seconds: float) -> Tally:
    """Keep ``count`` good calls in flight for a time; every answer must be the caller's own."""
    tally = Tally()
    end = time.monotonic() + seconds
    numbers = itertools.count(random.randrange(1 << 40))
    await asyncio.gather(*(Caller(REST_PORT, MCP_PORT, numbers, tally).run(at, end) for at in range(count)))
    return tally


async def watch(server: Server, end: float) -> float:
    """Return the most memory in MiB that the server had."""
    most = 0.0
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            most = max(most, rss_mib(server.process.pid))
        await asyncio.sleep(0.25)
    return most


async def siege(minutes: float, count: int, log: Path) -> dict[str, object]:
    """Run the calm, then the siege beside it; return the figures."""
    server = Server(log)
    await server.ready()
    await callers(count, 5)  # warm
    await asyncio.sleep(2)
    before = {"rss": rss_mib(server.process.pid), "fds": descriptors(server.process.pid)}
    calm = await callers(count, max(15.0, minutes * 6))
    print(f"calm:   {calm}", flush=True)
    seconds = minutes * 60
    end = time.monotonic() + seconds
    attacks = {name: asyncio.create_task(attack(REST_PORT, MCP_PORT, end)) for name, attack in ATTACKS.items()}
    watching = asyncio.create_task(watch(server, end))
    besieged = await callers(count, seconds)
    done = dict(zip(attacks, await asyncio.gather(*attacks.values()), strict=True))
    most = await watching
    print(f"siege:  {besieged}", flush=True)
    await asyncio.sleep(25)  # idle connections to the upstream are closed after 15 s
    after = {"rss": rss_mib(server.process.pid), "fds": descriptors(server.process.pid)}
    alive = server.process.poll() is None
    code = server.stop()
    return {
        "calm": calm.summary(),
        "siege": besieged.summary(),
        "p99 ratio": round(besieged.p99() / calm.p99(), 2),
        "attacks": done,
        "before": before,
        "most": most,
        "after": after,
        "alive": alive,
        "exit": code,
    }


async def operations(count: int, log: Path) -> dict[str, object]:
    """Kill a worker, reload and stop under load; return the lost calls of each."""
    figures: dict[str, object] = {}
    server = Server(log, "--workers", "2")
    await server.ready()
    await callers(count, 5)
    for name, act in {
        "kill -9 of a worker": lambda: os.kill(server.workers()[-1], signal.SIGKILL),
        "SIGHUP": lambda: server.process.send_signal(signal.SIGHUP),
    }.items():
        running = asyncio.create_task(callers(count, 15))
        await asyncio.sleep(4)
        act()
        tally = await running
        figures[name] = tally.summary()
        print(f"{name}: {tally}", flush=True)
    running = asyncio.create_task(callers(count, 8))
    await asyncio.sleep(3)
    server.process.send_signal(signal.SIGTERM)
    tally = await running
    figures["SIGTERM"] = {**tally.summary(), "exit": server.stop()}
    print(f"SIGTERM: {tally}", flush=True)
    return figures


def leaks(log: Path) -> dict[str, int]:
    """Return how often a secret stands in a log, by spelling."""
    found: dict[str, int] = {}
    every = [each for secret in (*SECRETS, BASIC) for each in spellings_in_logs(secret).items()]
    longest = max(len(text) for _, text in every)
    with log.open("rb") as file:
        rest = b""
        while piece := file.read(1 << 24):
            window = rest + piece
            for name, text in every:
                if number := window.count(text):
                    found[name] = found.get(name, 0) + number
            rest = window[1 - longest :]
    return found


async def shouted(megabytes: float, log: Path, form: str) -> int:
    """Write a long log of failing calls, as ``text`` or ``json``; return how many they were."""
    everything = ("--log-repeats", "0", "--access-log", "--audit-log", "-")  # else a minute has few lines of one kind
    server = Server(log, "--log-format", form, *everything)
    await server.ready()
    await asyncio.sleep(2)
    failed = await shout(REST_PORT, MCP_PORT, log, megabytes, megabytes * SECONDS_PER_MEGABYTE)
    server.stop()
    return failed


async def run(options: argparse.Namespace, logs: Sequence[Path]) -> dict[str, object]:
    """Run everything, with a log for each of the servers."""
    async with upstream(UPSTREAM_PORT):
        figures = await siege(options.minutes, options.callers, logs[0])
        figures["operations"] = await operations(min(options.callers, 200), logs[1])
        for form, log in zip(("json", "text"), logs[2:], strict=True):
            figures[f"failed calls in a long log of {form}"] = await shouted(options.log_megabytes / 2, log, form)
    return figures


def measured(options: argparse.Namespace) -> dict[str, object]:
    """Run everything and read the logs."""
    with tempfile.TemporaryDirectory() as folder:
        logs = [Path(options.log or folder) / f"{name}.log" for name in ("siege", "operations", "shouting", "text")]
        figures = asyncio.run(run(options, logs))
        figures["log MB"] = round(sum(log.stat().st_size for log in logs) / 1e6, 1)
        found = {log.stem: leaks(log) for log in logs}
        figures["secrets in logs"] = {name: each for name, each in found.items() if each}
        figures["tracebacks in logs"] = sum(log.read_bytes().count(b"Traceback") for log in logs)
    return figures


def main() -> int:
    """Run the siege and say what it showed; 1 if something good was lost, mixed up or leaked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--callers", type=int, default=1000, help="good calls in flight")
    parser.add_argument(
        "--log-megabytes",
        type=float,
        default=100,
        help="how long the logs of failing calls get together",
    )
    parser.add_argument("--log", help="a folder to keep the logs in")
    options = parser.parse_args()
    figures = measured(options)
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    (results / "siege.json").write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))
    siege_figures = figures["siege"]
    assert isinstance(siege_figures, dict)
    bad = (
        siege_figures["lost"]
        or siege_figures["mixed up"]
        or siege_figures["leaked"]
        or siege_figures["connections refused"]
        or figures["secrets in logs"]
    )
    return 1 if bad or not figures["alive"] or SECRET in json.dumps(figures) else 0


if __name__ == "__main__":
    sys.exit(main())
