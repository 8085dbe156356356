"""What it costs to see what runs: metrics, an access log in JSON, traces of one request in ten, against none of them.

    python benchmarks/telemetry.py [--rounds 5] [--seconds 2] [--output FOLDER]

Each is a process of its own, loaded in turn, the order reversed in each second round: CPU a request of a REST call
that is passed on and of a tool call, at 32 connections, and the ratio to the process that has none. ``run.py`` has the
same scenarios (``--only telemetry``), and ``check.py`` holds the ratios.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

HERE = Path(__file__).parent
KINDS = ("metrics", "access", "traces")
"""What is on, as variants are named: ``naftiko-metrics`` and so on."""
_ONE_IN_TEN = ("env", "OTEL_TRACES_SAMPLER=parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG=0.1")


def command_of(kind: str, port: int, folder: Path, serve: Callable[..., list[str]]) -> list[str]:
    """Return how a variant is started.

    Args:
        kind: of ``KINDS``.
        port: of its adapter; the port of probes, which metrics need, is another.
        folder: for its files.
        serve: makes the command of options that come last.
    """
    if kind == "metrics":
        return serve("--probe-port", str(port + 500))
    if kind == "traces":
        return [*_ONE_IN_TEN, *serve("--trace-file", str(folder / f"traces-{port}.jsonl"))]
    log = str(folder / f"access-{port}.jsonl")
    # Lines go where those of a service go; the shell is gone once it has opened the file.
    return ["sh", "-c", 'exec "$@" 2>"$0"', log, *serve("--access-log", "--log-format", "json", "--log-level", "info")]


def told(results: dict[str, dict[str, dict[str, float]]], base: Sequence[tuple[str, str]]) -> list[str]:
    """Return a line for each scenario and variant, with its ratios to the one without."""
    lines = []
    for name, own in base:
        samples = results[name]
        without = samples[f"{own}@32"]
        for variant in (own, *(f"{own}-{kind}" for kind in KINDS)):
            sample = samples[f"{variant}@32"]
            cpu, rps = sample["cpu"] / without["cpu"], sample["rps"] / without["rps"]
            figures = f"{sample['cpu']:7.0f} µs, {cpu:.2f} of it   {sample['rps']:8.0f} requests/s, {rps:.2f} of them"
            lines.append(f"{name:16} {variant:20} {figures}")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--output", type=Path, help="the folder for what was measured")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = given.output or Path(name)
        command = [sys.executable, str(HERE / "run.py"), "--only", "telemetry", "--connections", "32"]
        command += ["--rounds", str(given.rounds), "--seconds", str(given.seconds), "--output", str(folder)]
        subprocess.run(command, check=True)
        results = json.loads((folder / "results.json").read_text())["results"]
    print("\n".join(told(results, (("telemetry-rest", "naftiko"), ("telemetry-mcp", "naftiko-mcp")))))


if __name__ == "__main__":
    main()
