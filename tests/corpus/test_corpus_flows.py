"""Public files with skills, scripts, loops, conditions or WebSockets: each unit runs, or says why it doesn't.

As a program it prints the table: ``PYTHONPATH=src:tests:tests/corpus python tests/corpus/test_corpus_flows.py``.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path

import pytest
from corpus_run import capability_files

import naftiko
from naftiko.engine.settings import Settings
from public_files import CORPUS

pytestmark = pytest.mark.corpus

MARKS = {
    "skills": r"type: *[\"']?(agent-)?skill\b",
    "script": r"type: *[\"']?script\b",
    "forEach": r"\bforEach\b|\bfor-each\b",
    "condition": r"^\s*-?\s*condition:",
    "websocket": r"websocket",
}


def files() -> dict[Path, list[str]]:
    """The files, each with what it has."""
    found = {}
    for path in capability_files(CORPUS):
        text = path.read_text(errors="replace")
        marks = [name for name, mark in MARKS.items() if re.search(mark, text, re.IGNORECASE | re.MULTILINE)]
        if marks:
            found[path] = marks
    return found


def outcomes(path: Path) -> tuple[int, Counter[str], set[str]]:
    """How many units of a file run, why the others don't, and the rules of what is told as an error."""
    loaded = naftiko.load(path, settings=Settings(environment={}))
    units = [unit for adapter in loaded.plan.adapters for unit in adapter.runnable]
    refused = Counter(unit.reason for unit in units if unit.action is None)
    errors = {found.rule for found in loaded.diagnostics if found.severity.name == "ERROR"}
    return len(units) - refused.total(), refused, errors


def test_each_unit_runs_or_says_why_it_does_not():
    running = 0
    for path in files():
        runs, refused, errors = outcomes(path)
        running += runs
        assert "" not in refused, path
        assert not any("None" in reason for reason in refused), path
        assert errors or not refused, f"{path}: refused, and nothing is told"
    assert running > 0


if __name__ == "__main__":
    sys.stdout.write("| file | has | units that run | refused |\n|---|---|---|---|\n")
    for each, has in files().items():
        number, reasons, _ = outcomes(each)
        why = "; ".join(f"{count}: {reason}" for reason, count in reasons.items()) or "-"
        sys.stdout.write(f"| {each.relative_to(CORPUS)} | {', '.join(has)} | {number} | {why} |\n")
