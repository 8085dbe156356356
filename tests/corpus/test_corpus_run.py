"""Every exposed unit of every real capability file, over REST and MCP, against the independent oracle."""

from __future__ import annotations

from pathlib import Path

import pytest
from corpus_run import Report, capability_files, run_file

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of public capability files is not beside the project"),
]


async def test_every_unit_sends_what_its_file_says(capsys: pytest.CaptureFixture[str]):
    """Every unit matches the oracle, or says truly why it can't be executed; at least 99.9 % of those that resolve run."""
    report = Report()
    for path in capability_files(CORPUS):
        await run_file(path, report)
    counts = report.counts
    with capsys.disabled():
        print(f"\ncorpus: {dict(counts)}, {len(report.differences)} differences")  # noqa: T201  # the figures
    assert not report.differences, "\n".join(report.differences[:20])
    assert counts["files"] >= 700
    assert counts["answers judged"] >= 5000
    assert counts["executable"] >= 0.999 * counts["resolve"]
