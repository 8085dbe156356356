"""docs/security.md names tests: each must be there, or a promise has lost what holds it."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "security.md").read_text()
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", TEXT)))
ROWS = re.findall(r"^\| ([^|]+?) \| .* \| (\d+) \| (.+) \|$", TEXT, re.MULTILINE)


def test_tests_and_rows_are_found():
    assert len(NAMED) > 30
    assert len(ROWS) > 15


@pytest.mark.parametrize(("file", "name"), NAMED, ids=lambda text: text.rpartition("/")[2])
def test_what_holds_a_promise_is_there(file, name):
    source = (ROOT / file).read_text()
    assert not name or re.search(rf"^(async )?def {name}\(", source, re.MULTILINE)


def test_the_cases_are_counted_right(request):
    """A run of all files knows how many there are, but for the rows of tests that it leaves out."""
    if request.config.option.keyword or [*request.config.args] != request.config.getini("testpaths"):
        pytest.skip("only a run of all files knows how many there are")
    cases = Counter(item.nodeid.partition("[")[0] for item in request.session.items)
    rows = {row: (int(said), re.findall(r"`(tests/[\w/]+\.py::\w+)`", tests)) for row, said, tests in ROWS}
    whole = {row: (said, names) for row, (said, names) in rows.items() if all(cases[name] for name in names)}
    assert len(whole) > 30
    assert {row: sum(cases[name] for name in names) for row, (_, names) in whole.items()} == {
        row: said for row, (said, _) in whole.items()
    }
