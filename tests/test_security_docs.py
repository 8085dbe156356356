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
    """The run knows how many there are, if it is one of the whole suite."""
    cases = Counter(item.nodeid.partition("[")[0] for item in request.session.items)
    if not all(cases[f"{file}::{name}"] for file, name in NAMED if name):
        pytest.skip("only a run of all tests knows how many there are")
    counted = {
        row: sum(cases[name] for name in re.findall(r"`(tests/[\w/]+\.py::\w+)`", tests)) for row, _, tests in ROWS
    }
    assert counted == {row: int(said) for row, said, _ in ROWS}
