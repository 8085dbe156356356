"""Run the official MCP conformance suite against ``naftiko serve conformance.yaml``.

Exit code 0 where nothing fails but what ``expected/`` says, and all of that does; else 1. Without npm: 2.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import yaml
from conformance_serving import served
from conformance_tools import Missing, Tools, install
from conformance_upstream import stand_in_fixtures

_EXPECTED: Final = Path(__file__).with_name("expected")
_SUITE_SECONDS: Final = 100.0
_WIRE: Final = "wire-schema-"


def expectations(*names: str) -> tuple[str, ...]:
    """Return the entries of files of expected failures."""
    return tuple(
        entry
        for name in names
        for entry in yaml.safe_load((_EXPECTED / f"{name}.yaml").read_text(encoding="utf-8"))["server"]
    )


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a suite.

    Attributes:
        name: how it is called in the report.
        arguments: what the suite is asked for.
        expected: the entries of its expected failures.
        options: of ``naftiko serve``.
        is_active: whether it is the older suite, which knows no requirement sets.
    """

    name: str
    arguments: tuple[str, ...]
    expected: tuple[str, ...]
    options: tuple[str, ...] = ()
    is_active: bool = False


RUNS: Final = (
    Run("2025-11-25", ("--requirements", "2025-11-25"), expectations("2025-11-25", "stateless")),
    Run("2025-11-25, stateful", ("--requirements", "2025-11-25"), expectations("2025-11-25"), ("--stateful",)),
    Run("2026-07-28", ("--requirements", "2026-07-28"), expectations("2026-07-28")),
    Run(
        "0.1.16 active, stateful", ("--suite", "active"), expectations("active-0.1.16"), ("--stateful",), is_active=True
    ),
)


@dataclass(slots=True)
class Outcome:
    """What came of a run.

    Attributes:
        exit_code: the suite's: 0 where only what is expected failed.
        said: what it printed.
        counts: its checks by status (``SUCCESS``, ``FAILURE``, ``WARNING``, ``SKIPPED``, ``INFO``).
        scenarios: the number of scenarios, and of those without a failure.
        wire: the failed checks of the wire's schema; there is no excuse for one.
    """

    exit_code: int
    said: str
    counts: Counter[str] = field(default_factory=Counter)
    scenarios: tuple[int, int] = (0, 0)
    wire: list[str] = field(default_factory=list)

    @property
    def is_well(self) -> bool:
        """Whether nothing failed that should not, and something passed at all."""
        return self.exit_code == 0 and not self.wire and self.counts["SUCCESS"] > 0

    def summary(self) -> str:
        """Return the figures in a line."""
        count, passed = self.scenarios
        checks = ", ".join(f"{self.counts[status]} {status.lower()}" for status in ("SUCCESS", "FAILURE", "WARNING"))
        return f"{passed} of {count} scenarios pass; checks: {checks}; {len(self.wire)} wire-schema failures"


def run(tools: Tools, wanted: Run, upstream: str) -> Outcome:
    """Serve the capability, and run the suite against it."""
    with served(upstream, *wanted.options) as url, tempfile.TemporaryDirectory() as directory:
        results, expected = Path(directory) / "results", Path(directory) / "expected.yaml"
        expected.write_text(yaml.safe_dump({"server": list(wanted.expected)}), encoding="utf-8")
        given = ("server", "--url", url, *wanted.arguments, "--expected-failures", str(expected), "-o", str(results))
        suite = tools.conformance_active if wanted.is_active else tools.conformance
        done = tools.run(suite, *given, seconds=_SUITE_SECONDS)
        return _outcome(done.returncode, done.stdout + done.stderr, results)


def _outcome(exit_code: int, said: str, results: Path) -> Outcome:
    outcome = Outcome(exit_code, said)
    passed = 0
    files = sorted(results.glob("*/checks.json"))
    for file in files:
        checks = json.loads(file.read_text(encoding="utf-8"))
        statuses = Counter(check["status"] for check in checks)
        outcome.counts.update(statuses)
        passed += not statuses["FAILURE"]
        outcome.wire.extend(
            f"{file.parent.name}: {check.get('errorMessage')}"
            for check in checks
            if check["id"].startswith(_WIRE) and check["status"] == "FAILURE"
        )
    outcome.scenarios = (len(files), passed)
    return outcome


def run_all(tools: Tools) -> dict[str, Outcome]:
    """Run everything at once: most of the time is waiting for progress."""
    with stand_in_fixtures() as upstream, ThreadPoolExecutor(len(RUNS)) as threads:
        started = {wanted.name: threads.submit(run, tools, wanted, upstream.url) for wanted in RUNS}
        return {name: future.result() for name, future in started.items()}


def main() -> int:
    """Run all, and tell."""
    try:
        tools = install()
    except Missing as missing:
        sys.stderr.write(f"the conformance suite can't run: {missing}\n")
        return 2
    outcomes = run_all(tools)
    for name, outcome in outcomes.items():
        if not outcome.is_well:
            sys.stdout.write("\n".join((outcome.said, *outcome.wire, "")))
        sys.stdout.write(f"{'ok  ' if outcome.is_well else 'FAIL'} {name}: {outcome.summary()}\n")
    return 0 if all(outcome.is_well for outcome in outcomes.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
