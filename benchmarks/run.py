"""Measure naftiko and every baseline in one run; write a table, the raw figures and a plot.

See the README of this folder.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from harness import HERE, UPSTREAM, Sample, load, start, stop, upstream, wait_for
from many_routes import write_many_routes, write_many_tools
from report import write_report
from telemetry import KINDS
from telemetry import command_of as seen_command

PYTHON = sys.executable
FIRST_PORT = 18200


@dataclass(frozen=True)
class Scenario:
    """What is asked of which variants.

    Attributes:
        paths: the path to load, by variant.
        script: a wrk script.
        connections: of the full run.
    """

    name: str
    paths: dict[str, str]
    script: str | None = None
    connections: tuple[int, ...] = (1, 32)
    quick: bool = False


def rest(path: str, *baselines: str, upstream_path: str | None = None) -> dict[str, str]:
    return {"naftiko": path, **dict.fromkeys(baselines, upstream_path or path)}


CURVE = (1, 8, 32, 128, 256, 1000)
"""Connections of the scenarios that are drawn."""
QUICK = frozenset({1, 32})
"""Those of a quick run."""
ALL_REST = ("direct", "starlette-httpx", "asgi-aiohttp")
SCENARIOS = [
    Scenario("rest-identity-1kb", rest("/small", *ALL_REST), connections=CURVE, quick=True),
    Scenario("rest-identity-1mb", rest("/large", *ALL_REST), connections=(1, 16), quick=True),
    Scenario("rest-mapped-1kb", rest("/mapped", *ALL_REST, upstream_path="/small"), connections=CURVE, quick=True),
    Scenario("rest-mapped-1mb", rest("/mapped-large", "asgi-aiohttp", upstream_path="/large"), connections=(1, 16)),
    Scenario("rest-inputs", rest("/things/abc%2Fdef?limit=5&tags=a&tags=b")),
    Scenario("rest-post-template", rest("/echo", "asgi-aiohttp"), script="post.lua"),
    Scenario("rest-three-steps", rest("/steps")),
    Scenario(
        "rest-forward-100mb", rest("/forward/stream.bin", "direct", upstream_path="/stream.bin"), connections=(1,)
    ),
    Scenario("rest-upstream-404", rest("/missing", "asgi-aiohttp")),
    Scenario("rest-2000-routes", {"naftiko": "/small", "naftiko-2000": "/r1999/small"}, connections=(32,)),
    Scenario("rest-workers", {"naftiko": "/small", "naftiko-2w": "/small"}, connections=(32, 256)),
    Scenario(
        "mcp-call-2026",
        {"naftiko-mcp": "/mcp", "fastmcp-openapi": "/mcp", "sdk-noop": "/mcp"},
        script="mcp-call-2026.lua",
        connections=CURVE,
        quick=True,
    ),
    Scenario(
        "mcp-call-2025",
        {"naftiko-mcp": "/mcp", "fastmcp-openapi": "/mcp", "sdk-noop": "/mcp"},
        script="mcp-call-2025.lua",
    ),
    Scenario(
        "telemetry-rest",
        dict.fromkeys(("naftiko", *(f"naftiko-{kind}" for kind in KINDS)), "/small"),
        connections=(32,),
    ),
    Scenario(
        "telemetry-mcp",
        dict.fromkeys(("naftiko-mcp", *(f"naftiko-mcp-{kind}" for kind in KINDS)), "/mcp"),
        script="mcp-call-2026.lua",
        connections=(32,),
    ),
    Scenario("mcp-list-4", {"naftiko-mcp": "/mcp", "sdk-noop": "/mcp"}, script="mcp-list-2026.lua", connections=(1, 8)),
    Scenario("mcp-list-500", {"naftiko-mcp-500": "/mcp"}, script="mcp-list-2026.lua", connections=(1, 8)),
]


@dataclass
class Running:
    """A variant that runs, and its process."""

    url: str
    pid: int


def serve_arguments(file: Path, kind: str, port: int, *more: str) -> list[str]:
    other = "mcp" if kind == "rest" else "rest"
    ports = ["--port", f"{kind}={port}", "--port", f"{other}=0"]
    return [
        PYTHON,
        "-m",
        "naftiko",
        "serve",
        str(file),
        *ports,
        "--base-uri",
        f"up={UPSTREAM}",
        "--log-level",
        "error",
        *more,
    ]


def uvicorn_arguments(module: str, port: int) -> list[str]:
    return [
        *(PYTHON, "-m", "uvicorn", f"{module}:app", "--port", str(port), "--log-level", "error", "--no-access-log"),
        *("--backlog", "4096", "--loop", "uvloop", "--http", "httptools"),
    ]


def command_of(variant: str, port: int, folder: Path) -> list[str] | None:
    bench = HERE / "capabilities" / "bench.yaml"
    plain, _, kind = variant.rpartition("-")
    if kind in KINDS:
        return seen_command(
            kind, port, folder, partial(serve_arguments, bench, "mcp" if "mcp" in plain else "rest", port)
        )
    return {
        "direct": lambda: None,
        "starlette-httpx": lambda: uvicorn_arguments("starlette_httpx", port),
        "asgi-aiohttp": lambda: uvicorn_arguments("asgi_aiohttp", port),
        "sdk-noop": lambda: uvicorn_arguments("sdk_noop", port),
        "fastmcp-openapi": lambda: uvicorn_arguments("fastmcp_openapi", port),
        "naftiko": lambda: serve_arguments(bench, "rest", port),
        "naftiko-2w": lambda: serve_arguments(bench, "rest", port, "--workers", "2"),
        "naftiko-2000": lambda: serve_arguments(write_many_routes(folder, bench), "rest", port),
        "naftiko-mcp": lambda: serve_arguments(bench, "mcp", port),
        "naftiko-mcp-500": lambda: serve_arguments(write_many_tools(folder, bench), "mcp", port),
    }[variant]()


@contextmanager
def running(variants: list[str], folder: Path, upstream_pid: int) -> Iterator[dict[str, Running]]:
    """Run each variant in a process of its own, all of them idle but the one that is loaded."""
    with ExitStack() as stack:
        started: dict[str, Running] = {}
        for at, variant in enumerate(variants):
            port = FIRST_PORT + at
            command = command_of(variant, port, folder)
            if command is None:
                started[variant] = Running(UPSTREAM, upstream_pid)
                continue
            process = start(command)
            stack.callback(stop, process)
            started[variant] = Running(f"http://127.0.0.1:{port}", process.pid)
        for each in started.values():
            wait_for(f"{each.url}/small")
        yield started


def measure(
    scenario: Scenario, options: argparse.Namespace, folder: Path, upstream_pid: int
) -> dict[str, list[Sample]]:
    """Measure a scenario: every variant once a round at every number of connections."""
    counts = options.connections or [
        count for count in scenario.connections if not options.quick or count in QUICK or len(scenario.connections) < 3
    ]
    samples: dict[str, list[Sample]] = {}
    with running(list(scenario.paths), folder, upstream_pid) as variants:
        for name, path in scenario.paths.items():  # warm up: connections, caches, the first imports
            load(variants[name].url + path, 8, 1, scenario.script, None)
        for turn in range(options.rounds):
            order = list(scenario.paths) if turn % 2 == 0 else list(reversed(scenario.paths))
            for connections in counts:
                for name in order:
                    each = variants[name]
                    url = each.url + scenario.paths[name]
                    sample = load(url, connections, options.seconds, scenario.script, each.pid)
                    samples.setdefault(f"{name}@{connections}", []).append(sample)
                    time.sleep(0.2)
    return samples


def median(samples: list[Sample]) -> Sample:
    """Return the median of each figure; failures add up."""
    rows = [asdict(sample) for sample in samples]
    figures = {key: statistics.median(row[key] for row in rows) for key in rows[0]}
    return Sample(**{**figures, "failed": sum(row["failed"] for row in rows)})


def main() -> None:
    """Run the scenarios that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the main scenarios, one round")
    parser.add_argument("--only", action="append", help="a scenario by (a part of) its name")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--connections", type=int, nargs="*")
    parser.add_argument("--output", type=Path, default=HERE / "results", help="the folder for what was measured")
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 3)
    options.seconds = options.seconds or (2 if options.quick else 4)
    chosen = [
        scenario
        for scenario in SCENARIOS
        if (not options.only or any(part in scenario.name for part in options.only))
        and (not options.quick or scenario.quick)
    ]
    results: dict[str, dict[str, Sample]] = {}
    with upstream() as upstream_pid, ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for scenario in chosen:
            print(f"{scenario.name} …", flush=True)
            samples = measure(scenario, options, folder, upstream_pid)
            results[scenario.name] = {key: median(found) for key, found in samples.items()}
            for key, sample in results[scenario.name].items():
                print(
                    f"  {key:24} {sample.rps:9.0f} rps  p50 {sample.p50:8.2f} ms  p99 {sample.p99:8.2f} ms"
                    f"  cpu {sample.cpu:7.0f} µs  rss {sample.rss:6.0f} MiB  failed {sample.failed}",
                    flush=True,
                )
    about = {
        "when": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "machine": platform.processor() or platform.machine(),
        "rounds": options.rounds,
        "seconds": options.seconds,
    }
    folder = options.output
    folder.mkdir(exist_ok=True, parents=True)
    raw = {name: {key: asdict(sample) for key, sample in found.items()} for name, found in results.items()}
    (folder / "results.json").write_text(json.dumps({"about": about, "results": raw}, indent=2) + "\n")
    write_report(folder, about, results)
    print(f"written to {folder}")


if __name__ == "__main__":
    main()
