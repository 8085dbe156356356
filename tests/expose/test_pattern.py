"""Patterns of literals and placeholders: as a lazy regular expression has them, in linear time."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naftiko.expose.http.pattern import Pattern


@pytest.mark.parametrize(
    ("pattern", "text", "values"),
    [
        ("{id}.json", "a.json", ("a",)),
        ("{id}.json", ".json", None),
        ("{id}.json", "a.json.json", ("a.json",)),
        ("{a}-{b}", "1-2-3", ("1", "2-3")),
        ("{a}-{b}", "-2", None),
        ("{a}-{b}", "1-", None),
        ("{a}{b}", "xyz", ("x", "yz")),
        ("{a}{b}", "x", None),
        ("{{ a }}:{b}", "k:v", ("k", "v")),
        ("plain", "plain", ()),
        ("plain", "plainer", None),
        ("x{a}x", "xx", None),
        ("x{a}x", "x", None),
        ("ship://{imo}/info", "ship://7/info", ("7",)),
    ],
)
def test_patterns(pattern, text, values):
    assert Pattern.parse(pattern).match(text) == values


PIECES = st.lists(st.sampled_from(["{a}", "{b}", "-", ".", "x", "--", "-x"]), min_size=1, max_size=7)


@given(pieces=PIECES, text=st.text(alphabet="-.xy", max_size=24))
def test_it_is_the_lazy_regular_expression(pieces, text):
    written = "".join("(.+?)" if piece.startswith("{") else re.escape(piece) for piece in pieces)
    found = re.compile(written, re.DOTALL).fullmatch(text)
    assert Pattern.parse("".join(pieces)).match(text) == (found.groups() if found else None)


def test_a_text_that_fits_almost_is_refused_at_once():
    pattern = Pattern.parse("{a}-{b}-{c}-{d}x")
    assert pattern.match("-" * 1_000_000) is None
    assert Pattern.parse("{a}" * 50 + "z").match("y" * 1_000_000) is None
