"""Processes that come and go behind a real nginx, under load: no call is lost.

    python benchmarks/rolling.py                     # every way, 64 callers
    python benchmarks/rolling.py --way drain --callers 16 --seconds 5

nginx has the configuration of ``examples/operate/nginx.conf`` with other ports: it keeps connections to two
processes, and says what --forwarded-allow-ips believes. Callers call over REST and MCP, by GET and POST. The ways:
``stop`` is SIGTERM and a new start, ``drain`` is PUT /lifecycle and a new start, ``hup`` is SIGHUP to processes with
two workers each. Each is done to one process after the other, over and over. It needs ``nginx``.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from harness import HERE, free_ports, stop, until_ready
from reloads_callers import Api, Caller, Tally
from reloads_files import Files

EXAMPLE = HERE.parent / "examples" / "operate" / "nginx.conf"
SEEN = re.compile(r".*?\*\d+ (.*?),? (while [^,]*),.*")
KINDS = ("mapped", "tool", "passed", "tool of 2026", "steps", "tool")


class Process:
    """One ``naftiko serve`` of the two."""

    def __init__(self, files: Files, workers: int) -> None:
        self.rest, self.mcp, self.control = free_ports(3)
        self.command = [sys.executable, "-m", "naftiko", "serve", str(files.path), "--control", str(self.control)]
        self.command += ["--port", f"rest={self.rest}", "--port", f"mcp={self.mcp}", "--workers", str(workers)]
        self.command += [
            "--root-path",
            "/shop",
            "--forwarded-allow-ips",
            "127.0.0.1",
            "--allow-host",
            "shop.example.com",
        ]
        self.command += ["--env-file", str(files.folder / "secrets.env"), "--upstream-max-concurrent-calls", "100"]
        self.log = files.folder / f"{self.rest}.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log)

    async def ready(self) -> None:
        await until_ready(self.control, self.log)

    async def go(self, way: str) -> int:
        """Leave in one way; return the exit code once another one serves."""
        assert self.process is not None
        if way == "hup":
            told = self.log.read_text().count("all workers are restarted")
            self.process.send_signal(signal.SIGHUP)
            while self.log.read_text().count("all workers are restarted") == told:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            return 0
        if way == "stop":
            self.process.send_signal(signal.SIGTERM)
        else:
            url = f"http://127.0.0.1:{self.control}/lifecycle"
            asked = urllib.request.Request(
                url, b'{"state": "drain"}', {"Content-Type": "application/json"}, method="PUT"
            )
            await asyncio.to_thread(lambda: urllib.request.urlopen(asked, timeout=60).read())
        code = await asyncio.to_thread(self.process.wait, 60)
        self.start()
        await self.ready()
        return code

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            stop(self.process, 60)


def configuration(port: int, processes: tuple[Process, Process], folder: Path) -> str:
    """Return the example as a whole configuration, with other ports."""
    text = EXAMPLE.read_text()
    one, other = processes
    text = re.sub(r"^ *#.*$", "", text, flags=re.MULTILINE)
    ports = {"8080": one.rest, "8081": other.rest, "9090": one.mcp, "9091": other.mcp}
    text = re.sub(r"127\.0\.0\.1:(\d+)", lambda found: f"127.0.0.1:{ports[found[1]]}", text)
    text = text.replace("listen 80;", f"listen 127.0.0.1:{port};")
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return (
        f"daemon off;\nmaster_process off;\npid {folder}/nginx.pid;\nerror_log {folder}/error.log info;\n"
        f"events {{ worker_connections 4096; }}\nhttp {{ access_log {folder}/access.log;\n{temporary}{text}\n}}\n"
    )


@contextlib.asynccontextmanager
async def nginx(port: int, processes: tuple[Process, Process], folder: Path) -> AsyncIterator[None]:
    """Run nginx in front of two processes."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        sys.exit("it needs nginx: apt-get install nginx-light")
    conf = folder / "nginx.conf"
    conf.write_text(configuration(port, processes, folder))
    command = [program, "-c", str(conf), "-p", str(folder), "-e", str(folder / "error.log")]
    process = await asyncio.to_thread(subprocess.Popen, command, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                break
            await asyncio.sleep(0.05)
        yield
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, 15)


class Behind(Caller):
    """A caller who calls what nginx shows."""

    def request(self, number: str) -> bytes:
        return (
            super()
            .request(number)
            .replace(b" /", b" /shop/", 1)
            .replace(b"Host: 127.0.0.1\r\n", b"Host: shop.example.com\r\n", 1)
        )


async def rolled(options: argparse.Namespace, way: str, folder: Path) -> dict[str, Any]:
    """Run one way; return the figures."""
    upstream, port, *others = free_ports(5)
    files = Files(folder, *others, upstream)
    files.first()
    tally, api, end = Tally(lambda: files.version), Api(files), asyncio.Event()
    processes = Process(files, 2 if way == "hup" else 1), Process(files, 2 if way == "hup" else 1)
    codes: list[int] = []
    try:
        for each in processes:
            each.start()
        async with api.serving():
            for each in processes:
                await each.ready()
            async with nginx(port, processes, folder):
                callers = [
                    asyncio.create_task(Behind(KINDS[at % len(KINDS)], port, tally, options.pause).run(end))
                    for at in range(options.callers)
                ]
                await asyncio.sleep(1)
                until = time.monotonic() + options.seconds
                for each in itertools.cycle(processes):
                    codes.append(await each.go(way))
                    await asyncio.sleep(0.5)
                    if time.monotonic() > until:
                        break
                end.set()
                await asyncio.gather(*callers)
    finally:
        for each in processes:
            each.end()
    errors = (folder / "error.log").read_text().splitlines()
    return {
        "way": way,
        "times": len(codes),
        "exit codes": sorted(set(codes)),
        **tally.summary(),
        "seen by nginx": sorted({SEEN.sub(r"\1 \2", line)[:160] for line in errors if "upstream" in line}),
        "tracebacks": sum(each.log.read_text().count("Traceback") for each in processes),
    }


def main() -> int:
    """Run it, print the figures; 1 if a call was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--callers", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--pause", type=float, default=0.1, help="seconds between two calls of one connection")
    parser.add_argument("--way", choices=("stop", "drain", "hup"), action="append")
    parser.add_argument("--log", help="a folder to keep logs in")
    options = parser.parse_args()
    bad = False
    everything = []
    for way in options.way or ("stop", "drain", "hup"):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(options.log or name) / way
            folder.mkdir(parents=True)
            Path(name).chmod(0o755)
            figures = asyncio.run(rolled(options, way, folder))
        print(json.dumps(figures, indent=2), flush=True)
        everything.append(figures)
        wrong = figures["failed"] or figures["of a plan that was never valid"] or figures["tracebacks"]
        bad = bad or bool(wrong) or figures["exit codes"] != [0]
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    (results / "rolling.json").write_text(json.dumps(everything, indent=2) + "\n")
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
