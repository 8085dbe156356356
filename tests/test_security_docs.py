"""docs/security.md names tests: each must be there, or a promise has lost what holds it."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from left_out import LEFT_OUT

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "security.md"
TEXT = PAGE.read_text("utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", TEXT)))
ROW = r"^\| ([^|]+?) \| .* \| (\d+) \| (.+) \|$"
ROWS = re.findall(ROW, TEXT, re.MULTILINE)


def test_tests_and_rows_are_found():
    assert len(NAMED) > 30
    assert len(ROWS) > 15


@pytest.mark.parametrize(("file", "name"), NAMED, ids=lambda text: text.rpartition("/")[2])
def test_what_holds_a_promise_is_there(file, name):
    source = (ROOT / file).read_text()
    assert not name or re.search(rf"^(async )?def {name}\(", source, re.MULTILINE)


def test_the_cases_are_counted_right(request):
    """A run of all files knows how many there are, those too that it was told to leave out.

    ``UPDATE_DOCS=1 pytest tests/test_security_docs.py`` can't write the numbers, ``UPDATE_DOCS=1 pytest`` does.
    """
    if request.config.option.keyword or [*request.config.args] != request.config.getini("testpaths"):
        pytest.skip("only a run of all files knows how many there are")
    left_out = request.config.stash.get(LEFT_OUT, [])
    cases = Counter(name.partition("[")[0] for name in (*(item.nodeid for item in request.session.items), *left_out))
    rows = {row: (int(said), re.findall(r"`(tests/[\w/]+\.py::\w+)`", tests)) for row, said, tests in ROWS}
    whole = {row: (said, names) for row, (said, names) in rows.items() if all(cases[name] for name in names)}
    assert len(whole) > 30
    counted = {row: sum(cases[name] for name in names) for row, (_, names) in whole.items()}
    if os.environ.get("UPDATE_DOCS"):
        PAGE.write_text(re.sub(ROW, lambda found: _counted(found, counted), TEXT, flags=re.MULTILINE))
        return
    assert counted == {row: said for row, (said, _) in whole.items()}


def _counted(found: re.Match[str], counted: Mapping[str, int]) -> str:
    row, said = found[1], found[2]
    at = found.start(2) - found.start()
    return found[0] if row not in counted else f"{found[0][:at]}{counted[row]}{found[0][at + len(said) :]}"
