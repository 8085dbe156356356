"""How long a start takes, and how much memory it needs.

    python benchmarks/startup.py [--files DIRECTORY] [--runs 5] [--json FILE]

Cold starts from exec to the first answer, over REST and over MCP, beside the bare import of the core packages in the
same run; all figures are medians. The bytecode is there, as after an installation. What is installed beside counts:
``httpx`` imports `rich` where it is, which no image has.

Memory is what is resident in the process that serves, after calls; of a worker, with the process that waits for large
documents, what is its own: the pages that it shares with nobody. ``--files`` serves a directory as well.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
CAPABILITY = ROOT / "capabilities" / "koyeb-instances.yaml"
NAFTIKO = Path(sys.executable).with_name("naftiko")
REST_CORE = "import yaml, pydantic, httpx, starlette.applications, uvicorn, click, orjson, aiohttp, uvloop, httptools"
MCP_CORE = f"{REST_CORE}, jsonschema, mcp.server.lowlevel, mcp.server.streamable_http_manager"
LIMIT = 120.0
CALLS = 100
"""Of each protocol, before memory is looked at."""
WORKERS = 4
ALL_TOGETHER = 3
"""Slashes in ``http://host:port/mcp``, the server of all tools; those of each capability have one more."""


def timed(action: Callable[[], object]) -> float:
    """Milliseconds of wall-clock."""
    started = time.perf_counter()
    action()
    return (time.perf_counter() - started) * 1000


def run(*command: str | Path) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=LIMIT)


def memory(pid: int) -> float:
    """Resident MB of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    [kilobytes] = [line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(kilobytes) / 1024


def family(pid: int) -> list[int]:
    """Return a process and those below it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(each for child in children for each in family(int(child)))]


def own_memory(pid: int) -> float:
    """MB of a process and of those below it that they share with nobody (proc(5), smaps_rollup)."""
    total = 0
    for each in family(pid):
        lines = Path(f"/proc/{each}/smaps_rollup").read_text().splitlines()
        total += sum(int(line.split()[1]) for line in lines if line.startswith(("Private_Clean:", "Private_Dirty:")))
    return total / 1024


def get(url: str) -> None:
    with urllib.request.urlopen(url, timeout=LIMIT) as answer:
        answer.read()


def list_tools(url: str) -> None:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).encode()
    headers = {
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": "2025-06-18",
    }
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=LIMIT) as answer:
        assert json.load(answer)["result"]["tools"]


@contextmanager
def serving(*arguments: str | Path):
    """A process that serves, and the lines that say where; everything that it says to stderr is dropped."""
    command = [NAFTIKO, "serve", *arguments, "--mock", "--log-format", "json", "--log-level", "error"]
    unwanted = ("NAFTIKO_", "PYTHONDONTWRITEBYTECODE")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.communicate(timeout=LIMIT)


def adapter(process: subprocess.Popen[str], kind: str) -> dict[str, object]:
    """Read on to the line of an adapter of a kind."""
    while line := process.stdout.readline():
        said = json.loads(line)
        if said.get("adapter") == kind:
            return said
    raise SystemExit("it did not start")


def one_capability(figures: dict[str, list[float]]) -> None:
    started = time.perf_counter()
    with serving(CAPABILITY, "--port", "rest=0", "--port", "mcp=0") as process:
        rest, mcp = adapter(process, "rest")["url"], adapter(process, "mcp")["url"]
        get(f"{rest}/v1/v1/instances")
        figures["first REST answer, ms"].append((time.perf_counter() - started) * 1000)
        list_tools(mcp)
        figures["first MCP answer, ms"].append((time.perf_counter() - started) * 1000)
        call_all(rest, mcp, CALLS)
        figures["memory, MB"].append(memory(process.pid))


def call_all(rest: str, mcp: str, calls: int) -> None:
    """Call over REST and MCP, and again when what is put off at the start has been done."""
    for pause in (1.0, 0.0):
        for _ in range(calls):
            get(f"{rest}/v1/v1/instances")
            list_tools(mcp)
        time.sleep(pause)


def workers(figures: dict[str, list[float]]) -> None:
    with serving(CAPABILITY, "--port", "rest=0", "--port", "mcp=0", "--workers", str(WORKERS)) as process:
        rest, mcp = adapter(process, "rest")["url"], adapter(process, "mcp")["url"]
        get(f"{rest}/v1/v1/instances")
        call_all(rest, mcp, CALLS * WORKERS)
        below = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        each = [own_memory(int(pid)) for pid in below]
        figures["own memory of one of four workers, MB"].append(statistics.mean(each))


def directory(files: Path, figures: dict[str, list[float]]) -> None:
    started = time.perf_counter()
    with serving(files, "--port", "rest=0", "--port", "mcp=0") as process:
        adapter(process, "rest")
        figures["directory: listening, ms"].append((time.perf_counter() - started) * 1000)
        url = ""
        while not url.endswith("/mcp") or url.count("/") > ALL_TOGETHER:
            url = str(adapter(process, "mcp")["url"])
        list_tools(url)
        figures["directory: first MCP answer, ms"].append((time.perf_counter() - started) * 1000)
        time.sleep(1)
        figures["directory: memory, MB"].append(memory(process.pid))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=Path, help="a directory of capabilities to serve as well")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    given = parser.parse_args()
    names = ["python, ms", "naftiko --version, ms", "import for REST, ms", "import for MCP, ms"]
    names += ["first REST answer, ms", "first MCP answer, ms", "memory, MB", "own memory of one of four workers, MB"]
    if given.files:
        names += ["directory: listening, ms", "directory: first MCP answer, ms", "directory: memory, MB"]
    figures: dict[str, list[float]] = {name: [] for name in names}
    with serving(CAPABILITY, "--port", "rest=0", "--port", "mcp=0") as process:  # writes the bytecode
        list_tools(adapter(process, "mcp")["url"])
    for _ in range(given.runs):
        # Side by side in each round, so that a busy moment of the machine meets them all.
        figures["python, ms"].append(timed(lambda: run(sys.executable, "-c", "pass")))
        figures["naftiko --version, ms"].append(timed(lambda: run(NAFTIKO, "--version")))
        figures["import for REST, ms"].append(timed(lambda: run(sys.executable, "-c", REST_CORE)))
        figures["import for MCP, ms"].append(timed(lambda: run(sys.executable, "-c", MCP_CORE)))
        one_capability(figures)
        workers(figures)
        if given.files:
            directory(given.files, figures)
    medians = {name: round(statistics.median(values), 1) for name, values in figures.items()}
    medians["first REST answer / import for REST"] = round(
        medians["first REST answer, ms"] / medians["import for REST, ms"], 2
    )
    medians["first MCP answer / import for MCP"] = round(
        medians["first MCP answer, ms"] / medians["import for MCP, ms"], 2
    )
    width = max(map(len, medians))
    for name, value in medians.items():
        print(f"{name:<{width}}  {value:>10,.1f}" if "/" not in name else f"{name:<{width}}  {value:>10.2f}")
    if given.json:
        given.json.write_text(json.dumps(medians, indent=2) + "\n")
    else:
        print(json.dumps(medians))


if __name__ == "__main__":
    main()
