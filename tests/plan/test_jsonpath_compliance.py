"""The JSONPath compliance test suite, the RFC's own measure (tests/fixtures/jsonpath; BSD-2, see LICENSE there)."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from naftiko.expression.jsonpath import JSONPathError, parse
from naftiko.ground.types import ABSENT

SUITE = Path(__file__).parents[1] / "fixtures" / "jsonpath" / "cts.json"
CASES = json.loads(SUITE.read_text(encoding="utf-8"))["tests"]
VALID = [case for case in CASES if not case.get("invalid_selector")]
BROKEN = [case for case in CASES if case.get("invalid_selector")]

WRITTEN_BY_PEOPLE = {
    *(" $", "$ "),  # blanks around a path
    *("$.&", "$.1"),  # dotted names that the RFC wants quoted
    *(f"$.{blank}a" for blank in " \n\t\r"),  # blanks around a name
    *(f"$..{blank}a" for blank in " \n\t\r"),
}
"""What the RFC refuses and we read on purpose (SEMANTICS 5.3)."""


NAMES_AT_THE_END = re.compile(r"""\[\s*(['"])\w+\1\s*(,\s*(['"])\w+\3\s*)+\]$""")
"""A union of names at the end of a path is one object of them, as the reference engine has it: 11 cases."""


def by_name(case):
    return case["name"]


def test_the_suite_is_whole():
    assert (len(VALID), len(BROKEN)) == (442, 245)


@pytest.mark.parametrize("case", VALID, ids=by_name)
def test_a_valid_expression_finds_what_the_rfc_says(case):
    path = parse(case["selector"])
    found = path(case["document"])
    values = found if not path.definite else [] if found is ABSENT else [found]
    accepted = case.get("results", [case.get("result")])
    if NAMES_AT_THE_END.search(case["selector"]):
        values = [member for merged in values for member in merged.values()]
    assert json.dumps(values) in map(json.dumps, accepted)


def test_few_expressions_end_in_a_union_of_names():
    assert sum(bool(NAMES_AT_THE_END.search(case["selector"])) for case in VALID) == 11


@pytest.mark.parametrize("case", BROKEN, ids=by_name)
def test_a_broken_expression_is_refused_but_for_what_people_write(case):
    text = case["selector"]
    if text in WRITTEN_BY_PEOPLE:
        parse(text)
        return
    with pytest.raises(JSONPathError) as raised:
        parse(text)
    assert 0 <= raised.value.column < max(len(text), 1)
