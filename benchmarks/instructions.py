"""How many instructions a call takes of the process that serves it, its share of the kernel's left out.

    python benchmarks/instructions.py [VARIANT=PATH ...] [--calls 1000] [--connections 8] [--keep FOLDER]

valgrind's callgrind counts what the server executes between two marks, with a fixed number of calls between them over a
fixed number of connections: unlike time, that hardly depends on what else the machine does, so a change of one per cent
can be seen. It sees no system calls, no waiting for memory and no locks: those need a quiet machine and ``run.py``.

VARIANT is one of ``run.py``. ``--keep`` keeps callgrind's files, for ``callgrind_annotate``.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from allocations import call_often
from harness import cpu_seconds, start, stop, upstream, wait_for
from run import command_of

PORT = 18170
WARM = 300
"""Calls before the first mark: what is made once, and what the interpreter learns."""
CALLS = {
    "REST passed on": ("naftiko", "/small"),
    "REST passed on, metrics": ("naftiko-metrics", "/small"),
    "REST passed on, access log in JSON": ("naftiko-access", "/small"),
    "REST passed on, one trace in ten": ("naftiko-traces", "/small"),
    "REST mapped to twenty fields": ("naftiko", "/mapped"),
    "MCP tools/call": ("naftiko-mcp", "/mcp"),
    "MCP tools/call, metrics": ("naftiko-mcp-metrics", "/mcp"),
    "MCP tools/call, access log in JSON": ("naftiko-mcp-access", "/mcp"),
    "MCP tools/call, one trace in ten": ("naftiko-mcp-traces", "/mcp"),
}


def counted(variant: str, path: str, calls: int, connections: int, folder: Path) -> int:
    """Return the instructions of a number of calls."""
    files = folder / f"callgrind.{variant}{path.replace('/', '.')}"
    process = start(
        [
            *("valgrind", "--tool=callgrind", "--instr-atstart=no", "--trace-children=yes"),
            f"--callgrind-out-file={files}",
            *command_of(variant, PORT, folder),
        ],
        {"PYTHONHASHSEED": "0"},
    )
    url = f"http://127.0.0.1:{PORT}"
    try:
        wait_for(f"{url}/small", 120)
        pid = process.pid
        settle(pid)
        control(pid, "--instr=on")
        call(url, path, WARM, connections)
        control(pid, "--zero")
        call(url, path, calls, connections)
        control(pid, "--dump")
    finally:
        stop(process)
    dump = min(folder.glob(f"{files.name}.*"), key=lambda each: int(each.suffix[1:]))
    return int(re.search(r"^(?:totals|summary): (\d+)", dump.read_text(), re.MULTILINE)[1])


def settle(pid: int) -> None:
    """Wait until a server has done what it does in idle turns after its start."""
    before = -1.0
    while (now := cpu_seconds(pid)) > before + 0.02:
        before = now
        time.sleep(2)


def control(pid: int, order: str) -> None:
    subprocess.run(["callgrind_control", order, str(pid)], check=True, capture_output=True)


def call(url: str, path: str, calls: int, connections: int) -> None:
    """Call a server over some connections at the same time."""
    with ThreadPoolExecutor(connections) as threads:
        done = [threads.submit(call_often, url, path, calls // connections) for _ in range(connections)]
    for each in done:
        each.result()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("variants", nargs="*", metavar="VARIANT=PATH")
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--keep", type=Path, help="a folder for callgrind's files")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    given = parser.parse_args()
    chosen = {each: tuple(each.split("=", 1)) for each in given.variants} or CALLS
    figures: dict[str, float] = {}
    with upstream(), tempfile.TemporaryDirectory() as name:
        folder = given.keep or Path(name)
        folder.mkdir(exist_ok=True, parents=True)
        for label, (variant, path) in chosen.items():
            total = counted(variant, path, given.calls, given.connections, folder)
            figures[label] = round(total / given.calls / 1000, 1)
            print(f"{label:<40} {figures[label]:>8,} thousand instructions a call", flush=True)
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
