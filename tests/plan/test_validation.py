"""Checks of inputs take a bounded time and tell a bounded number of problems, whatever the schema and the value."""

from __future__ import annotations

import time

import pytest

from naftiko.ground.errors import InputError, TakesLong
from naftiko.plan import deadline as patience
from naftiko.plan.inputs import Input, InputSet
from naftiko.plan.problems import MOST

TREE = {
    "$ref": "#/$defs/node",
    "$defs": {
        "node": {
            "anyOf": [
                {"properties": {"next": {"$ref": "#/$defs/node"}}, "required": ["never"]},
                {"properties": {"next": {"$ref": "#/$defs/node"}}, "required": ["other"]},
            ]
        }
    },
}
"""Each level of a value is looked at twice as often as the one above it."""


def checked(value, **schema):
    kind = schema.get("type")
    given = Input("n", "n", "argument", kind, required=False, schema=schema, wire_name="n")
    return InputSet([given]).check({"n": value})["n"]


def told(value, **schema):
    with pytest.raises(InputError) as caught:
        checked(value, **schema)
    return [problem.message for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("items", "same"),
    [
        ([1, 1.0], True),
        ([1, True], False),
        ([0, False], False),
        ([10, 1e1, 2], True),
        ([0, -0.0], True),
        (["1", 1], False),
        ([[1, 2], [2, 1]], False),
        ([{"a": 1, "b": [2]}, {"b": [2.0], "a": 1}], True),
        ([{"a": 1}, [["a", 1]]], False),
        ([None, "None"], False),
        ([None, None], True),
        ([], False),
    ],
)
def test_items_are_unique_as_json_schema_understands_it(items, same):
    if same:
        assert "are the same" in told(items, type="array", uniqueItems=True)[0]
    else:
        assert checked(items, type="array", uniqueItems=True) == items


def test_unique_items_take_linear_time():
    """Objects can't be sorted: each would be compared with each."""

    def seconds(count):
        items = [{"a": at} for at in range(count)]
        began = time.process_time()
        checked(items, type="array", uniqueItems=True)
        return time.process_time() - began

    # The least of several: on a busy machine the caches are somebody else's now and then.
    few, many = (min(seconds(count) for _ in range(5)) for count in (2_000, 20_000))
    assert many < 40 * few  # quadratic: 100 times


def test_patterns_have_a_time_together():
    began = time.process_time()
    messages = told(["a" * 5000 + "!"] * 200, type="array", items={"type": "string", "pattern": "^(a|a)*$"})
    assert time.process_time() - began < 2
    assert "[0]" in messages[0]
    assert "does not match" in messages[0]


def test_names_are_matched_within_the_same_time():
    names = {"a" * 40 + f"!{at}": 1 for at in range(200)}
    began = time.process_time()
    assert told(names, type="object", patternProperties={"^(a|a)*$": {}}, additionalProperties=False)
    assert checked(names, type="object", patternProperties={"^(a|a)*$": {"type": "string"}}) == names
    assert time.process_time() - began < 3


def test_properties_of_patterns_and_additional_ones_mean_what_they_say():
    rules = {"properties": {"id": {}}, "patternProperties": {"^x-": {"type": "integer"}}}
    assert checked({"id": 1, "x-a": 2}, type="object", additionalProperties=False, **rules) == {"id": 1, "x-a": 2}
    assert "'other' was unexpected" in told({"other": 1}, type="object", additionalProperties=False, **rules)[0]
    assert "n.x-a" in told({"x-a": "b"}, type="object", **rules)[0]
    assert "n.other" in told({"other": "b"}, type="object", additionalProperties={"type": "integer"}, **rules)[0]


def test_a_schema_that_doubles_with_each_level_ends(monkeypatch):
    """Otherwise a value of 60 levels would be looked at 10^18 times."""
    monkeypatch.setattr(patience.CHECK_LIMIT, "seconds", 0.2)
    value = {}
    for _ in range(60):
        value = {"next": value}
    with pytest.raises(TakesLong, match="take more than"):
        checked(value, type="object", **TREE)


def test_no_more_problems_are_told_than_anybody_reads():
    with pytest.raises(InputError) as caught:
        InputSet([Input("alpha", "alpha", "argument", "string", required=False)]).check(
            {f"unknown{at}": 1 for at in range(20_000)}
        )
    problems = caught.value.problems
    assert len(problems) == MOST + 1
    assert problems[-1].message == f"and {20_000 - MOST:,} more problems"
    assert len(str(caught.value)) < 10_000
    assert len(told([1] * 5000, type="array", items={"type": "object", "required": ["x"]})) <= MOST + 1


def test_a_long_unknown_name_is_cut():
    with pytest.raises(InputError) as caught:
        InputSet([Input("alpha", "alpha", "argument", "string", required=False)]).check({"beta" * 100_000: 1})
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("first", ["unevaluatedProperties", "patternProperties"])
def test_patterns_that_backtrack_end_beside_unevaluated_properties_too(first):
    names = {"a" * 200 + "!": "x"}
    keywords = {"patternProperties": {"^(a|a)*$": {}}, "unevaluatedProperties": False}
    ordered = {first: keywords[first], **keywords}
    assert "Unevaluated properties are not allowed" in told(names, type="object", **ordered)[-1]


def test_unevaluated_members_and_items_are_counted_and_not_all_told(monkeypatch):
    monkeypatch.setattr(patience.CHECK_LIMIT, "seconds", 300.0)  # a busy machine takes longer than a check may
    names = {f"name {at}": at for at in range(20_000)}
    message = told(names, type="object", properties={"a": {}}, unevaluatedProperties=False)[0]
    assert "and 19,990 more were unexpected" in message
    assert len(message) < 1000
    items = [*range(20_000)]
    message = told(items, type="array", prefixItems=[{}], contains={"const": 5}, unevaluatedItems=False)[0]
    assert "and 19,988 more were unexpected" in message
    assert len(message) < 1000


KNOWN = {
    "allOf": [{"properties": {"a": {}}}, {"patternProperties": {"^b": {}}}],
    "if": {"required": ["a"]},
    "then": {"properties": {"c": {"type": "integer"}}},
    "else": {"properties": {"d": {}}},
    "dependentSchemas": {"b": {"properties": {"e": {}}}},
    "unevaluatedProperties": {"type": "string"},
}


@pytest.mark.parametrize(
    ("members", "wrong"),
    [
        ({"a": 1, "b": 2, "c": 3, "e": 4}, ""),
        ({"a": 1, "d": 2}, "'d' was"),
        ({"d": 1}, ""),
        ({"d": 1, "c": "text"}, ""),
        ({"d": 1, "e": 2}, "'e' was"),
        ({"a": 1, "x": 1, "y": 1}, "'x', 'y' were"),
    ],
)
def test_what_applies_in_place_has_evaluated_members(members, wrong):
    if wrong:
        assert f"({wrong} unevaluated and invalid)" in told(members, type="object", **KNOWN)[0]
    else:
        assert checked(members, type="object", **KNOWN) == members


@pytest.mark.parametrize(
    ("items", "wrong"),
    [([1, 2, "a"], ""), (["a", 1], ""), ([1, 2, None], "None was"), ([None, 2, None, None], "None, None were")],
)
def test_what_applies_in_place_has_evaluated_items(items, wrong):
    schema = {
        "anyOf": [{"prefixItems": [True, {"type": "integer"}]}, {"prefixItems": [{"type": "string"}]}],
        "contains": {"type": ["integer", "string"]},
        "unevaluatedItems": False,
    }
    if wrong:
        assert f"({wrong} unexpected)" in told(items, type="array", **schema)[0]
    else:
        assert checked(items, type="array", **schema) == items
