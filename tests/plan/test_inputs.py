"""Checks and repairs of what a caller gives: all problems at once (SEMANTICS 3.6, 3.7)."""

from __future__ import annotations

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from linked_units import api, only_unit, tool

from naftiko.expression.content import Content
from naftiko.ground.errors import InputError
from naftiko.ground.types import ABSENT
from naftiko.plan.inputs import Input, InputSet, Null, fit, shorten

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
TYPES = ["string", "integer", "number", "boolean", "array", "object"]


def one(kind=None, *, required=False, location="query", **schema):
    shape = {"type": kind, **schema} if kind else dict(schema)
    return Input("n", "n", location, kind, required, schema=shape, wire_name="n")


def check(given, value, **how):
    return InputSet([given]).check({"n": value}, **how)["n"]


def problems(*inputs, **values):
    with pytest.raises(InputError) as caught:
        InputSet(inputs).check(values)
    return caught.value.problems


@pytest.mark.parametrize(
    ("kind", "given", "value"),
    [
        ("string", "a", "a"),
        ("string", 5, "5"),
        ("string", 5.0, "5.0"),
        ("string", True, "true"),
        ("string", "a\ud800b", "a\ufffdb"),
        (None, "\udc00", "\ufffd"),
        ("integer", "5", 5),
        ("integer", "-5", -5),
        ("integer", 5.0, 5),
        ("number", "5.5", 5.5),
        ("number", "1e3", 1000.0),
        ("number", 5, 5),
        ("boolean", "true", True),
        ("boolean", " FALSE ", False),
        ("array", '["a", 1]', ["a", 1]),
        ("array", [], []),
        ("object", '{"a": 1}', {"a": 1}),
        (None, {"any": 1}, {"any": 1}),
    ],
)
def test_text_that_parses_as_the_type_is_repaired(kind, given, value):
    got = check(one(kind), given)
    assert got == value
    assert isinstance(got, type(value))


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("string", {"a": 1}),
        ("string", [1]),
        ("integer", "5.5"),
        ("integer", 5.5),
        ("integer", True),
        ("integer", ""),
        ("integer", "5x"),
        ("integer", math.inf),
        ("number", "nan"),
        ("number", math.inf),
        ("number", "x"),
        ("boolean", "yes"),
        ("boolean", 1),
        ("boolean", ""),
        ("array", "a,b"),
        ("array", "[1"),
        ("array", {"a": 1}),
        ("array", 5),
        ("object", "[1]"),
        ("object", "{" * 5000),
        ("object", [1]),
    ],
)
def test_anything_else_names_the_input_what_was_expected_and_what_came(kind, given):
    (problem,) = problems(one(kind), n=given)
    assert (problem.name, problem.location, problem.expected) == ("n", "query", kind)
    assert problem.message.startswith("`n` must be ")
    assert problem.got
    problem.message.encode()


@pytest.mark.parametrize(
    ("kind", "given", "value"),
    [
        ("string", ["a", "b"], "a"),
        ("integer", ["1", "2"], 1),
        ("number", ["2.5", "1"], 2.5),
        ("boolean", "1", True),
        ("boolean", "", True),
        ("boolean", ["0", "1"], False),
        ("array", "a,b", ["a", "b"]),
        ("array", ["a,b"], ["a", "b"]),
        ("array", ["a", "b,c"], ["a", "b,c"]),
        ("array", '["a,b"]', ["a,b"]),
        ("array", "", []),
        ("object", '{"a": 1}', {"a": 1}),
        ("object", ['{"a": 1}', "x"], {"a": 1}),
    ],
)
def test_what_came_as_text_is_read_as_the_declared_type(kind, given, value):
    assert check(one(kind), given, text=frozenset({"n"})) == value


def test_the_elements_of_an_array_are_read_too():
    numbers = one("array", items={"type": "integer"})
    assert check(numbers, "1,2", text=frozenset({"n"})) == [1, 2]
    assert check(numbers, ["1", 2]) == [1, 2]
    (problem,) = problems(numbers, n=["1", "x"])
    assert (problem.message, problem.expected) == ('`n[1]` must be an integer, not "x"', "integer")
    (problem,) = problems(one("array", items={"type": "string"}), n=[None])
    assert problem.message == "`n[0]` must be a string, not null"
    (problem,) = problems(one("array", items={"type": "boolean"}), n="[true, 1]")
    assert problem.message == "`n[1]` must be true or false, not 1"
    (problem,) = problems(numbers, n={"a": 1})
    assert problem.message == '`n` must be an array, not {"a":1}'
    assert check(one("array", items={"type": "array"}), [["a"]]) == [["a"]]


@pytest.mark.parametrize("kind", [*TYPES, None, "file"])
@given(value=ANYTHING)
def test_checking_gives_a_value_or_problems_whatever_comes(kind, value):
    """Nothing but ``InputError`` is raised; what is accepted fits, and is accepted again as it is."""
    for text in (frozenset(), frozenset({"n"})):
        try:
            got = InputSet([one(kind, required=True)]).check({"n": value}, text=text)["n"]
        except InputError as error:
            str(error).encode()
            continue
        assert fit(got, kind) is not ABSENT


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"enum": ["a", "b"]}, "a", "c"),
        ({"pattern": "^a+$"}, "aa", "ab"),
        ({"maxLength": 2}, "ab", "abc"),
        ({"minLength": 2}, "ab", "a"),
        ({"minimum": 2}, 2, 1),
        ({"maximum": 2}, 2, 3),
    ],
)
def test_constraints(schema, good, bad):
    kind = "integer" if isinstance(good, int) else "string"
    assert check(one(kind, **schema), good) == good
    (problem,) = problems(one(kind, **schema), n=bad)
    assert problem.name == "n"
    assert problem.expected


@pytest.mark.parametrize(
    ("schema", "bad", "said"),
    [
        ({"minLength": 1}, "", "`n` must be at least 1 character long"),
        ({"maxLength": 1}, "ab", "`n` must be at most 1 character long"),
        ({"maxLength": 2}, "abc", "`n` must be at most 2 characters long"),
    ],
)
def test_one_character_is_no_characters(schema, bad, said):
    (problem,) = problems(one("string", **schema), n=bad)
    assert problem.message == said


def test_a_constraint_of_numbers_is_none_of_booleans():
    assert check(one("boolean", minimum=5), value=True) is True


def test_all_problems_of_a_call_come_together():
    inputs = [
        Input("a", "a", "query", "integer", required=True, schema={"type": "integer"}),
        Input("b", "b", "query", "string", required=True),
        Input("c", "c", "path", "string", required=True),
        Input("d", "d", "query", "string", required=False, schema={"maxLength": 1, "pattern": "^x", "enum": ["x"]}),
    ]
    found = problems(*inputs, a="x", c="", d="yy", zz=1)
    assert sorted(problem.name for problem in found) == ["a", "b", "c", "d", "d", "d", "zz"]


def test_an_unknown_input_is_answered_with_the_near_one():
    (problem,) = problems(one(), m=1, n=2)
    assert problem.message == "there is no input `m`; known: n"
    limit = Input("limit", "limit", "query", None, required=False)
    assert problems(limit, limt=1)[0].message == "there is no input `limt`; did you mean `limit`?"
    assert problems(xx=1)[0].message == "there is no input `xx`; it takes no inputs"


def test_null_and_absent_are_not_given_where_the_input_may_be_absent():
    inputs = InputSet([one("string"), Input("d", "d", "query", "integer", required=False, default=5)])
    assert Input("n", "n", "query", None, required=False).null is Null.ABSENT
    assert inputs.check({"n": None, "d": None}) == {"d": 5}
    assert inputs.check({"n": ABSENT}) == {"d": 5}
    (problem,) = problems(one("string", required=True), n=None)
    assert problem.message == "`n` must be a string, not null"


@pytest.mark.parametrize("required", [True, False])
def test_null_is_a_value_where_the_type_says_so(required):
    nullable = Input("n", "n", "argument", "string", required=required, schema={"type": ["string", "null"]})
    assert InputSet([nullable]).check({"n": None}) == {"n": None}


def test_a_constant_wins_and_a_default_stands_in():
    inputs = InputSet(
        [
            Input("c", "c", "query", None, required=False, constant="fixed"),
            Input("d", "d", "query", None, required=True, default=1),
        ]
    )
    assert inputs.check({"c": "other"}) == {"c": "fixed", "d": 1}


def test_inputs_are_found_by_name_alias_route_and_folded_name():
    inputs = InputSet([Input("page[token]", "page_token", "query", None, required=False, wire_name="pt")])
    for name in ("page[token]", "page_token", "pt", "PageToken"):
        assert inputs.check({name: 1}) == {"page[token]": 1}
    assert inputs.find("other") is None


def test_an_inputs_own_name_is_never_another_ones_spelling():
    first = Input("ship", "ship", "path", None, required=False, wire_name="imo")
    second = Input("imo", "imo", "query", None, required=False, wire_name="imo")
    assert InputSet([first, second]).check({"imo": 1, "ship": 2}) == {"imo": 1, "ship": 2}


def test_names_without_letters_are_no_spelling_of_one_another():
    inputs = InputSet([Input("$", "a", "query", None, required=False)])
    assert inputs.find("@") is None
    assert inputs.find("$") is not None


def test_a_body_that_came_as_bytes_is_passed_on_unchecked():
    content = Content(b"\xff", "image/png")
    assert check(one("object", required=True), content) is content
    assert not content.is_json
    assert content.text == "/w=="
    assert Content(b'{"a": 1}', "application/vnd.x+json; charset=utf-8").is_json
    assert Content(b'{"a": 1}', "application/json").decoded() == {"a": 1}
    assert Content("é".encode(), "text/plain").text == "é"


def test_a_deep_schema_is_checked_with_the_place_of_each_problem():
    ship = one("object", properties={"imo": {"type": "string"}, "tags": {"type": "array", "items": {"enum": ["a"]}}})
    found = problems(ship, n={"imo": 5, "tags": ["a", "b"]})
    assert sorted(problem.message.partition(":")[0] for problem in found) == ["`n.imo`", "`n.tags[1]`"]
    assert check(ship, {"imo": "9"}) == {"imo": "9"}


def test_a_pattern_that_backtracks_hangs_nothing():
    text = "a" * 40 + "!"
    began = time.process_time()
    problems(one("string", pattern="^(a+)+$"), n=text)
    problems(one("array", items={"type": "string", "pattern": "^(a+)+$"}), n=[text])
    problems(one("string", pattern="a"), n="b" * 20_000)
    assert time.process_time() - began < 2


def test_a_message_never_holds_a_whole_value():
    assert len(shorten("x" * 5000)) < 70
    assert shorten(object()) == "object"
    found = problems(one("object", properties={"a": {"enum": ["b"]}}), n={"a": "x" * 5000})
    assert len(found[0].message) < 300


def test_a_real_unit_tells_all_its_problems():
    operation = (
        "inputParameters: [{name: a, in: query, type: integer, required: true}, {name: b, in: query, required: true}]"
    )
    unit, _ = only_unit(api(operation), tool(""))
    with pytest.raises(InputError) as caught:
        unit.request({"a": "x", "c": 1})
    assert [problem.name for problem in caught.value.problems] == ["a", "c", "b"]
