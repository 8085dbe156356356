"""The gate: whether speed is still what it was, as ratios against the baselines of the same run.

    python benchmarks/check.py                      # measure what the gate looks at, three rounds, about three minutes
    python benchmarks/check.py --results FILE       # look at the results of `run.py` instead

Exit code 1 where a ratio is worse than it was by more than its tolerance, or a figure is missing; 0 otherwise.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
Results = dict[str, dict[str, dict[str, float]]]
"""By scenario, then by ``variant@connections``: the figures of a ``Sample``."""


@dataclass(frozen=True)
class Gate:
    """A ratio that must not get worse.

    Attributes:
        name: what it says.
        figure: of a ``Sample``: ``cpu`` and ``p50`` are better where they are smaller, ``rps`` where it is larger.
        of: scenario, variant and connections.
        against: the same of what it is measured by, in the same run.
        held: what the ratio was on the day it was written down.
        tolerance: how much worse it may be, as a part of it. Throughput on shared cores varies more than CPU.
    """

    name: str
    figure: str
    of: tuple[str, str, int]
    against: tuple[str, str, int]
    held: float
    tolerance: float

    @property
    def is_better_smaller(self) -> bool:
        return self.figure != "rps"

    @property
    def bound(self) -> float:
        """The worst ratio that is let through."""
        return self.held * (1 + self.tolerance) if self.is_better_smaller else self.held / (1 + self.tolerance)

    def ratio(self, results: Results) -> float | None:
        """Return the ratio; ``None`` where it wasn't measured, or something failed."""
        own, other = (
            results.get(name, {}).get(f"{variant}@{count}") for name, variant, count in (self.of, self.against)
        )
        if not own or not other or not other.get(self.figure) or own.get("failed", 1):
            return None
        return own[self.figure] / other[self.figure]

    def holds(self, ratio: float | None) -> bool:
        if ratio is None:
            return False
        return ratio <= self.bound if self.is_better_smaller else ratio >= self.bound


PASSED, MAPPED, TOOL, TWO = "rest-identity-1kb", "rest-mapped-1kb", "mcp-call-2026", "rest-workers"
SEEN = "telemetry-rest"
GATES = (
    Gate("REST passed on: CPU", "cpu", (PASSED, "naftiko", 32), (PASSED, "asgi-aiohttp", 32), 1.11, 0.12),
    Gate("REST passed on, one connection: p50", "p50", (PASSED, "naftiko", 1), (PASSED, "asgi-aiohttp", 1), 1.2, 0.15),
    Gate(
        "REST passed on, 256 connections: no collapse",
        "rps",
        (PASSED, "naftiko", 256),
        (PASSED, "naftiko", 32),
        0.9,
        0.15,
    ),
    Gate("REST mapped: CPU against passed on", "cpu", (MAPPED, "naftiko", 32), (PASSED, "naftiko", 32), 1.4, 0.12),
    Gate(
        "tools/call: CPU against REST passed on", "cpu", (TOOL, "naftiko-mcp", 32), (PASSED, "naftiko", 32), 1.6, 0.12
    ),
    Gate(
        "tools/call: against FastMCP from_openapi",
        "rps",
        (TOOL, "naftiko-mcp", 32),
        (TOOL, "fastmcp-openapi", 32),
        8.0,
        0.2,
    ),
    Gate(
        "tools/call, one connection: against FastMCP",
        "rps",
        (TOOL, "naftiko-mcp", 1),
        (TOOL, "fastmcp-openapi", 1),
        3.4,
        0.2,
    ),
    Gate("two workers: CPU a request against one", "cpu", (TWO, "naftiko-2w", 256), (TWO, "naftiko", 256), 1.0, 0.1),
    Gate("metrics on: CPU against all off", "cpu", (SEEN, "naftiko-metrics", 32), (SEEN, "naftiko", 32), 1.0, 0.05),
    Gate("access log in JSON: likewise", "cpu", (SEEN, "naftiko-access", 32), (SEEN, "naftiko", 32), 1.0, 0.10),
    Gate("one trace in ten: likewise", "cpu", (SEEN, "naftiko-traces", 32), (SEEN, "naftiko", 32), 1.0, 0.10),
)


def told(results: Results, gates: tuple[Gate, ...] = GATES) -> tuple[list[str], bool]:
    """Return a line for each gate, and whether all hold."""
    lines, good = [], True
    for gate in gates:
        ratio = gate.ratio(results)
        holds = gate.holds(ratio)
        good &= holds
        said = "not measured" if ratio is None else f"{ratio:.2f}"
        word = "at most" if gate.is_better_smaller else "at least"
        bound = f"{word} {gate.bound:.2f} ({gate.held:.2f}, tolerance {gate.tolerance:.0%})"
        lines.append(f"{'ok    ' if holds else 'BROKEN'}  {gate.name:<46} {said:>12}  {bound}")
    return lines, good


def measured() -> Any:
    """Measure what the gates look at."""
    names = {name for gate in GATES for name, _, _ in (gate.of, gate.against)}
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(HERE / "run.py"), "--rounds", "3", "--seconds", "2", "--output", folder]
        command += [part for name in sorted(names) for part in ("--only", name)]
        subprocess.run([*command, "--connections", "1", "32", "256"], check=True)
        return json.loads((Path(folder) / "results.json").read_text())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, help="results.json of a run, instead of a run now")
    given = parser.parse_args()
    found = json.loads(given.results.read_text()) if given.results else measured()
    lines, good = told(found["results"])
    print("\n".join(lines))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
