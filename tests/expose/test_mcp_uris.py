"""URI templates of resources: what they match, in linear time."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naftiko.expose.mcp.uris import UriTemplate


@pytest.mark.parametrize(
    ("template", "uri", "values"),
    [
        ("data://users/{id}/profile", "data://users/7/profile", {"id": "7"}),
        ("data://users/{id}/profile", "data://users/a%2Fb/profile", {"id": "a/b"}),
        ("data://users/{id}/profile", "data://users/a/b/profile", None),
        ("data://users/{id}/profile", "data://users//profile", None),
        ("data://users/{id}", "data://users/7?x=1", None),
        ("data://users/{id}", "data://users/7#x", None),
        ("data://users/{id}?x={x}", "data://users/7?x=1", {"id": "7", "x": "1"}),
        ("data://{a}-{b}", "data://1-2-3", {"a": "1", "b": "2-3"}),
        ("data://{a}-{b}", "data://1-2/3", None),
        ("data://{a}/{b}", "data://1/2", {"a": "1", "b": "2"}),
        ("data://{a}/x/{a}", "data://1/x/1", {"a": "1"}),
        ("data://{a}/x/{a}", "data://1/x/%31", {"a": "1"}),
        ("data://{a}/x/{a}", "data://1/x/2", None),
        ("data://{{ a }}/{ b }", "data://1/2", {"a": "1", "b": "2"}),
        ("data://all", "data://all", {}),
        ("data://all", "data://all/", None),
        ("data://a.b", "data://axb", None),
    ],
)
def test_templates(template, uri, values):
    assert UriTemplate(template).match(uri) == values


PIECES = st.lists(st.sampled_from(["{a}", "{b}", "-", "/", "x", "--", "/x", "?"]), min_size=1, max_size=7)


@given(pieces=PIECES, uri=st.text(alphabet="-/?xy", max_size=20))
def test_it_matches_what_a_regular_expression_would(pieces, uri):
    """Whether one matches, whatever the names; a lazy one gives the same values."""
    named = [f"{{v{at}}}" if piece.startswith("{") else piece for at, piece in enumerate(pieces)]
    written = "".join("([^/?#]+?)" if piece.startswith("{") else re.escape(piece) for piece in pieces)
    found = re.compile(written).fullmatch(uri)
    matched = UriTemplate("".join(named)).match(uri)
    assert (None if matched is None else tuple(matched.values())) == (found.groups() if found else None)


@pytest.mark.parametrize("length", [200_000, 2_000_000])
def test_a_long_uri_is_refused_at_once(length):
    """Backtracking over 2,000,000 characters would take days."""
    template = UriTemplate("data://{a}-{b}-{c}-{d}x")
    started = time.process_time()
    assert template.match("data://" + "-" * length) is None
    assert template.match("data://" + "a-" * (length // 2)) is None
    assert time.process_time() - started < 5
