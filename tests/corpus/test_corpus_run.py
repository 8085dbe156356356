"""Every exposed unit of every real capability file, over REST and MCP, against the independent oracle."""

from __future__ import annotations

import pytest
from corpus_report import Report
from corpus_run import PARTS, capability_files, run_file

import naftiko
from public_files import CORPUS

pytestmark = pytest.mark.corpus


@pytest.mark.parametrize("part", range(PARTS))
async def test_every_unit_sends_what_its_file_says(part, record_property):
    """Every unit matches the oracle, or says truly why it can't be executed."""
    report = Report()
    for path in capability_files(CORPUS, part):
        await run_file(path, report)
    counts = report.counts
    record_property("corpus", {**counts, "differences": len(report.differences)})
    assert not report.differences, "\n".join(report.differences[:20])
    assert counts["files"] >= 700 // PARTS
    assert counts["tools"] > 2000 // PARTS
    assert counts["answers judged"] >= 5600 // PARTS
    assert counts["match without optional"] >= 1600 // PARTS
    assert counts["refused without required"] >= 2000 // PARTS


def test_the_same_file_shows_the_same_names_in_every_load():
    path = max(capability_files(CORPUS), key=lambda each: each.stat().st_size)
    first, second = naftiko.load(path), naftiko.load(path)
    assert [unit.alias for unit in first.units] == [unit.alias for unit in second.units]
    assert [given.alias for unit in first.units for given in unit.inputs] == [
        given.alias for unit in second.units for given in unit.inputs
    ]
