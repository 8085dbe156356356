"""Names that clients accept: valid, unique, stable (SEMANTICS 3.8)."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naftiko.plan.names import property_names, tool_names

VALID = {property_names: re.compile(r"[a-zA-Z0-9_.-]{1,64}"), tool_names: re.compile(r"[a-zA-Z0-9_-]{1,64}")}
NAMES = st.lists(
    st.one_of(st.text(max_size=90), st.text("ab_$[].-", max_size=6), st.from_regex(r"[a-z]{60,80}")), max_size=12
)


@pytest.mark.parametrize("make", VALID)
@given(names=NAMES)
def test_aliases_are_valid_and_unique(make, names):
    made = make(names)
    assert made.keys() == set(names)
    assert all(VALID[make].fullmatch(alias) for alias in made.values())
    assert len(set(made.values())) == len(made)


@pytest.mark.parametrize("make", VALID)
@given(names=NAMES)
def test_aliases_are_stable(make, names):
    """They follow from the names alone: not from the run, nor from the order, nor from names given twice."""
    assert make(names) == make([*reversed(names), *names])


@pytest.mark.parametrize(
    ("name", "alias"),
    [
        ("limit", "limit"),
        ("a.b-c_D9", "a.b-c_D9"),
        ("$orderby", "orderby"),
        ("page[token]", "page_token"),
        ("filter[a][b]", "filter_a_b"),
        ("x" * 64, "x" * 64),
    ],
)
def test_a_property_name(name, alias):
    assert property_names([name]) == {name: alias}


def test_a_dot_is_no_part_of_a_tool_name():
    assert tool_names(["a.b", "list-ships"]) == {"a.b": "a_b", "list-ships": "list-ships"}


@pytest.mark.parametrize("make", VALID)
def test_a_long_name_is_shortened_the_same_way_in_every_run(make):
    long = "list-" + "x" * 80
    assert make([long])[long] == f"{long[:55]}_b7a34b3e"
    assert make([long, "other"])[long] == make([long])[long]


def test_names_that_would_be_the_same_are_told_apart_by_their_own_text():
    made = property_names(["$id", "id", "[id]"])
    assert made["id"] == "id"
    assert made["$id"].startswith("id_")
    assert made["[id]"].startswith("id_")


@pytest.mark.parametrize("make", VALID)
@pytest.mark.parametrize("name", ["", "$", "日本"])
def test_a_name_without_any_safe_character_gets_one(make, name):
    assert make([name])[name].startswith("input_")
