"""Files that change under load: no call is lost, none is answered by a plan that was never valid, nothing is left over.

    python benchmarks/reloads.py                                   # 200 edits in 60 s under 200 connections, every way
    python benchmarks/reloads.py --way watch --workers 2           # one of them
    python benchmarks/reloads.py --edits 20 --seconds 10 --connections 20

The ways to tell of a changed file: ``post`` is POST /config/reload after each edit, ``watch`` is --reload, ``hup`` is
SIGHUP. Edits are of every kind (``reloads_files.py``), every fourth one breaks a file. With two workers SIGHUP replaces
processes, so that several edits are one reload. The figures are printed and written to
``benchmarks/results/reloads.json``; the exit code is 1 if a call failed or something was left over.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from harness import HERE, descriptors, free_ports, rss_mib, stop, until_ready
from reloads_callers import KINDS, Api, Caller, Tally
from reloads_files import Files

QUIET = 20.0
"""Seconds after which connections to the API that nobody uses are closed, and a little more."""
GROWTH = 12.0
"""MiB that may be more than before: the allocator's, not a plan's."""
SECONDS_OF_SECRET = 1.0
"""How soon a secret must be used once its file has changed, where files are watched."""


class Server:
    """A ``naftiko serve`` of the files."""

    def __init__(self, files: Files, way: str, workers: int) -> None:
        self.log = files.folder / "log"
        self.control = free_ports(1)[0]
        command = [sys.executable, "-m", "naftiko", "serve", str(files.path), "--control", str(self.control)]
        command += ["--env-file", str(files.folder / "secrets.env"), "--upstream-max-concurrent-calls", "100"]
        command += ["--workers", str(workers), "--log-level", "info", "--log-repeats", "0"]
        command += ["--reload"] if way == "watch" else []
        self._file = self.log.open("ab")
        self.process = subprocess.Popen(command, stdout=self._file, stderr=self._file)

    @property
    def pid(self) -> int:
        return self.process.pid

    def post(self, path: str) -> dict[str, Any]:
        """POST to the control port."""
        asked = urllib.request.Request(f"http://127.0.0.1:{self.control}{path}", method="POST")
        try:
            with urllib.request.urlopen(asked, timeout=60) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return json.loads(error.read())

    async def ready(self) -> None:
        """Wait until it is."""
        await until_ready(self.control, self.log)

    def hang_up(self) -> None:
        self.process.send_signal(signal.SIGHUP)

    def stop(self) -> int:
        """Stop it; return its exit code."""
        with self._file:
            return stop(self.process, 60)


class Run:
    """One way to reload, with some workers."""

    def __init__(self, files: Files, options: argparse.Namespace, way: str, workers: int) -> None:
        self.files = files
        self.options = options
        self.way = way
        self.workers = workers
        self.server = Server(files, way, workers)
        self.tally = Tally(lambda: files.version)
        self.api = Api(files)
        self.rotations: list[tuple[str, float]] = []
        self.number = itertools.count()
        self.verdicts: dict[str, int] = {}

    async def measured(self) -> dict[str, Any]:
        """Warm up, edit under load, and return the figures."""
        async with self.api.serving():
            await self.server.ready()
            edits = self.options.edits
            await self.under_load(max(14, edits // 4), self.options.seconds / 4)
            before = await self.at_rest(None)
            self.tally = Tally(lambda: self.files.version, floor=self.tally.floor)
            began = time.monotonic()
            await self.under_load(edits, self.options.seconds)
            took = time.monotonic() - began
            after = await self.at_rest(before)
            code = await asyncio.to_thread(self.server.stop)
        log = self.server.log.read_text()
        return {
            "way": self.way,
            "workers": self.workers,
            "edits": edits,
            "seconds": round(took, 1),
            **self.tally.summary(),
            "asked of a broken file": self.api.broken,
            "credentials refused": self.api.refused,
            "verdicts": self.verdicts,
            "secret used after, seconds": self.after_rotation(),
            "before": before,
            "after": after,
            "tracebacks": log.count("Traceback"),
            "first traceback": log[log.find("Traceback") :][:4000] if "Traceback" in log else "",
            "exit": code,
        }

    async def under_load(self, edits: int, seconds: float) -> None:
        """Make some edits while callers call, and wait until the last one is served."""
        end = asyncio.Event()
        pause = self.options.pause
        tasks = []
        for at in range(self.options.connections):
            kind = KINDS[at % len(KINDS)]
            port = self.files.mcp if kind in ("tool", "tool of 2026", "list") else self.files.rest
            tasks.append(asyncio.create_task(Caller(kind, port, self.tally, pause).run(end)))
        beside = Caller("passed", self.files.beside, self.tally, pause, may_be_closed=True)
        tasks.append(asyncio.create_task(beside.run(end)))
        await asyncio.sleep(0.5)
        began = time.monotonic()
        for at in range(edits):
            await self.edit()
            await asyncio.sleep(max(0.0, began + (at + 1) * seconds / edits - time.monotonic()))
        await self.settled()
        end.set()
        await asyncio.gather(*tasks)

    async def edit(self) -> None:
        """Make the next edit, and tell of it."""
        name = self.files.edit(next(self.number))
        if name == "another secret":
            self.rotations.append((self.files.tokens[-2], time.monotonic()))
        if self.way == "hup":
            self.server.hang_up()
        if self.way == "post":
            await self.post(is_valid=not name.startswith("broken"))

    async def post(self, *, is_valid: bool) -> None:
        said = await asyncio.to_thread(self.server.post, "/config/reload")
        verdict = said.get("status", str(said)[:200])
        if verdict == "rejected" and "needs another listener" in said["reason"]:
            verdict = "rejected: needs SIGHUP"
            self.server.hang_up()
        elif (verdict == "applied") != is_valid:
            verdict = f"unexpected: {json.dumps(said)[:600]}"
        elif is_valid and self.workers == 1:  # a worker that starts just then reads the files a moment later
            self.tally.floor = self.files.version
        self.verdicts[verdict] = self.verdicts.get(verdict, 0) + 1

    async def settled(self) -> None:
        """Let the files be whole, without a listener beside, and wait until they are served."""
        self.files.said["listener"] = ""
        while self.files.edit(next(self.number)) != "a comment":
            pass
        if self.way != "watch":
            self.server.hang_up()
        for _ in range(1200):
            if await asyncio.to_thread(self._all_new):
                return
            await asyncio.sleep(0.05)
        sys.exit(f"{self.way}: version {self.files.version} is not served: {self.server.log.read_text()[-3000:]}")

    def _all_new(self) -> bool:
        url = f"http://127.0.0.1:{self.files.rest}/mapped/n0"
        said = []
        for _ in range(8 if self.workers > 1 else 1):
            with urllib.request.urlopen(url, timeout=60) as answer:
                said.append(f'"v{self.files.version}"' in answer.read().decode())
        return all(said)

    async def at_rest(self, before: dict[str, Any] | None) -> dict[str, Any]:
        """Return memory and descriptors once nobody calls and nothing goes down any more."""
        if self.options.any_machine:
            return {}
        end = time.monotonic() + QUIET * 2
        await asyncio.sleep(QUIET if before is None else QUIET / 2)
        found: dict[str, Any] = {}
        while time.monotonic() < end:
            found = {"MiB": round(rss_mib(self.server.pid), 1), "descriptors": descriptors(self.server.pid)}
            if before is None or is_back(before, found):
                break
            await asyncio.sleep(1)
        return found

    def after_rotation(self) -> dict[str, float]:
        """Return how long the tokens before were used after their file had changed."""
        late = sorted(self.api.tokens.get(token, 0.0) - at for token, at in self.rotations)
        return (
            {"most": round(max(0.0, *late, 0.0), 2), "median": round(max(0.0, late[len(late) // 2]), 2)} if late else {}
        )


def is_back(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Tell whether memory and descriptors are where they were."""
    return after["descriptors"] <= before["descriptors"] and after["MiB"] <= before["MiB"] + GROWTH


def faults(figures: dict[str, Any]) -> list[str]:
    """Return what is wrong with a run."""
    found = [f"{figures[name]} {name}" for name in ("failed", "of a plan that was never valid") if figures[name]]
    names = ["asked of a broken file", "tracebacks", "exit"]
    # Calls are told of none, but each is one more. A worker that SIGHUP replaces has the old one for seconds.
    is_late = figures["way"] == "hup" and figures["workers"] > 1
    names += ["credentials refused"] if figures["before"] and not is_late else []
    found += [f"{figures[name]} {name}" for name in names if figures[name]]
    found += [verdict for verdict in figures["verdicts"] if verdict.startswith("unexpected")]
    if not figures["before"]:
        return found
    if not is_back(figures["before"], figures["after"]):
        found.append(f"{figures['before']} → {figures['after']}")
    if figures["way"] == "watch" and figures["secret used after, seconds"].get("most", 0.0) > SECONDS_OF_SECRET:
        found.append(f"a secret was used late: {figures['secret used after, seconds']}")
    return found


def main() -> int:
    """Run it, print the figures; 1 if something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--edits", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--connections", type=int, default=200)
    parser.add_argument("--pause", type=float, default=0.25, help="seconds between two calls of one connection")
    parser.add_argument("--way", choices=("post", "watch", "hup"), action="append")
    parser.add_argument("--workers", type=int, choices=(1, 2), action="append")
    parser.add_argument("--any-machine", action="store_true", help="look at nothing that depends on it: times, memory")
    parser.add_argument("--log", help="a folder to keep files and logs in")
    options = parser.parse_args()
    everything = []
    for workers, way in itertools.product(options.workers or (1, 2), options.way or ("post", "watch", "hup")):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(options.log or name) / f"{way}-{workers}"
            folder.mkdir(parents=True, exist_ok=True)
            rest, mcp, beside, upstream = free_ports(4)
            files = Files(folder, rest, mcp, beside, upstream)
            files.first()
            figures = asyncio.run(Run(files, options, way, workers).measured())
        figures["faults"] = faults(figures)
        print(json.dumps(figures, indent=2), flush=True)
        everything.append(figures)
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    (results / "reloads.json").write_text(json.dumps(everything, indent=2) + "\n")
    return 1 if any(each["faults"] for each in everything) else 0


if __name__ == "__main__":
    sys.exit(main())
