"""The gate over the benchmarks lets good figures through, and no worse ones."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

CHECK = Path(__file__).parents[1] / "benchmarks" / "check.py"


def _gates():
    spec = importlib.util.spec_from_file_location("bench_check", CHECK)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


GATES = _gates().GATES


def figures():
    """Figures in which each ratio is exactly what the gate holds: what is measured by is 1000 of everything."""
    results = {}
    for name, variant, count in {place for gate in GATES for place in (gate.of, gate.against)}:
        results.setdefault(name, {})[f"{variant}@{count}"] = {"cpu": 1000, "rps": 1000, "p50": 1000, "failed": 0}
    for _ in GATES:  # a figure may be what another one is measured by
        for gate in GATES:
            results[gate.of[0]][f"{gate.of[1]}@{gate.of[2]}"][gate.figure] = (
                gate.held * results[gate.against[0]][f"{gate.against[1]}@{gate.against[2]}"][gate.figure]
            )
    return results


def checked(results, tmp_path):
    file = tmp_path / "results.json"
    file.write_text(json.dumps({"about": {}, "results": results}))
    return subprocess.run([sys.executable, CHECK, "--results", file], capture_output=True, text=True, check=False)


def test_what_is_as_it_was_passes(tmp_path):
    ended = checked(figures(), tmp_path)

    assert (ended.returncode, ended.stdout.count("\nok"), "BROKEN" in ended.stdout) == (0, len(GATES) - 1, False)


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.name)
def test_a_figure_that_is_worse_than_its_tolerance_is_told(gate, tmp_path):
    results = figures()
    own = results[gate.of[0]][f"{gate.of[1]}@{gate.of[2]}"]
    worse = 1 + gate.tolerance + 0.05
    own[gate.figure] *= worse if gate.is_better_smaller else 1 / worse

    ended = checked(results, tmp_path)

    [line] = [line for line in ended.stdout.splitlines() if f"  {gate.name}  " in line]
    assert ended.returncode == 1
    assert line.startswith("BROKEN")


def test_a_request_that_failed_and_a_figure_that_is_missing_are_told(tmp_path):
    failing, lacking = figures(), figures()
    failing["rest-identity-1kb"]["naftiko@32"]["failed"] = 1
    del lacking["mcp-call-2026"]["fastmcp-openapi@1"]

    for results in (failing, lacking):
        ended = checked(results, tmp_path)
        assert ended.returncode == 1
        assert "not measured" in ended.stdout
