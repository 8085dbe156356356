"""Consumed paths: placeholders, encoding, queries, fragments, complete paths (SEMANTICS 4.1)."""

from __future__ import annotations

from urllib.parse import quote, unquote, urlsplit

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from linked_units import BASE, api, only_unit, query_of, request_of, tool

from naftiko.expression.path import (
    begins_with,
    climbs,
    join,
    parse_path,
    path_text,
    placeholders,
    same_placeholder,
    shape,
)
from naftiko.expression.references import InputReference
from naftiko.expression.scope import Scope
from naftiko.ground.errors import InputError

VALUES = st.one_of(
    st.text(min_size=1),
    st.text("/?#%&=.;\\ :@+é\n", min_size=1, max_size=8),
    st.sampled_from(
        ["../..", "%2e%2e", "a/b", "?x=1", "#f", "a&b=c", "//host/x", "..%2f", "\\..\\", "a;b", "https://h/"]
    ),
)


def unit_for(path, **more):
    unit, loaded = only_unit(api("outputRawFormat: json", resource=path, **more), tool(""))
    assert not loaded.errors
    return unit


@given(value=VALUES)
def test_no_value_changes_the_structure_of_a_url(value):
    """A value is one segment, or one query value: the segments and the pairs stay what the file says."""
    assume(not climbs(quote(value, safe="")))
    parts = urlsplit(str(unit_for("/v1/{x}/end?q={x}&r=1").request({"x": value}).url))
    assert (parts.scheme, parts.netloc, parts.fragment) == ("https", "api.test", "")
    segments = parts.path.split("/")
    assert [segments[1], segments[3]] == ["v1", "end"]
    assert len(segments) == 4
    assert unquote(segments[2]) == value
    pairs = [pair.partition("=") for pair in parts.query.split("&")]
    assert [(name, unquote(text)) for name, _, text in pairs] == [("q", value), ("r", "1")]


@given(value=VALUES, extra=st.text())
def test_no_value_changes_the_pairs_of_a_query(value, extra):
    unit, _ = only_unit(api("inputParameters: [{name: 'a[b]', in: query}, {name: c, in: query}]"), tool(""))
    pairs = str(unit.request({"a[b]": value, "c": extra}).url).partition("?")[2].split("&")
    assert [unquote(part) for pair in pairs for part in pair.split("=")] == ["a[b]", value, "c", extra]


@given(value=VALUES)
def test_a_value_that_keeps_its_slashes_stays_below_its_path(value):
    assume(not climbs(quote(value)))
    unit = unit_for("/files/{+x}")
    parts = urlsplit(str(unit.request({"x": value}).url))
    assert parts.netloc == "api.test"
    assert unquote(parts.path) == f"/files/{value}"
    assert not {".", ".."} & set(parts.path.split("/"))
    assert not parts.query


@pytest.mark.parametrize(
    ("path", "inputs", "sent"),
    [
        ("/a/{x}", {"x": "v"}, "/a/v"),
        ("/a/{{x}}", {"x": "v"}, "/a/v"),
        ("/a/{{ x }}/b", {"x": "v"}, "/a/v/b"),
        ("/a/{x}-{y}.json", {"x": 1, "y": 2.0}, "/a/1-2.0.json"),
        ("/a/{x}", {"x": "a b/c?d#e%f"}, "/a/a%20b%2Fc%3Fd%23e%25f"),
        ("/a/{x+}", {"x": "d/e f"}, "/a/d/e%20f"),
        ("/a/{x*}", {"x": "d/e"}, "/a/d/e"),
        ("/a/{+x}", {"x": "d?e"}, "/a/d%3Fe"),
        ("/a/{x}", {"x": True}, "/a/true"),
        ("/a b/ü/%41/%", {}, "/a%20b/%C3%BC/%41/%25"),
        ("/a#part", {}, "/a"),
        ("/a/{x}#{y}", {"x": "v"}, "/a/v"),
        ("/a?b=1&c", {}, "/a?b=1&c"),
        ("/a?b={x}&c=2", {"x": "1&2"}, "/a?b=1%262&c=2"),
        ("/a?b={x}&c=2", {}, "/a?c=2"),
        ("a", {}, "/a"),
        ("/a/", {}, "/a/"),
        ("//a", {}, "/a"),
        ("/a:cancel/b@c", {}, "/a:cancel/b@c"),
    ],
)
def test_what_is_sent(path, inputs, sent):
    assert str(request_of(unit_for(path), **inputs).url) == BASE + sent


@pytest.mark.parametrize("value", [None, "", []])
def test_a_placeholder_without_a_value_sends_nothing(value):
    unit = unit_for("/a/{x}")
    with pytest.raises(InputError, match="x"):
        unit.request({} if value is None else {"x": value})


def test_an_array_in_a_path_is_comma_separated():
    unit, _ = only_unit(api("inputParameters: [{name: ids, in: path, type: array}]", resource="/a/{ids}"), tool(""))
    assert request_of(unit, ids=[1, "b,c"]).url.raw_path == b"/a/1%2Cb%2Cc"
    assert path_text([1.0, True]) == "1.0,true"


def test_a_fragment_is_not_sent_and_a_query_is_joined_with_parameters():
    unit, _ = only_unit(
        api(
            "inputParameters: [{name: q, in: query}]",
            resource="/a?v=1#x",
            consumes="inputParameters: [{name: k, in: query, value: kk}]",
        ),
        tool(""),
    )
    assert query_of(request_of(unit, q="s")) == [("v", "1"), ("k", "kk"), ("q", "s")]


def test_a_parameter_that_stands_in_the_paths_query_is_not_sent_twice():
    unit, _ = only_unit(api("inputParameters: [{name: q, in: query}]", resource="/a?q={q}"), tool(""))
    assert query_of(request_of(unit, q="s")) == [("q", "s")]


@pytest.mark.parametrize(
    ("resource", "operation", "full"),
    [
        ("/a", "/b", "/a/b"),
        ("/a/", "b", "/a/b"),
        ("/a", "", "/a"),
        ("/a", "?x=1", "/a?x=1"),
        ("/", "/b", "/b"),
        ("", "/b", "/b"),
    ],
)
def test_an_operations_path_is_appended(resource, operation, full):
    assert join(resource, operation, complete=False) == full
    assert join(resource, None, complete=False) == resource


def test_a_complete_path_is_not_appended():
    assert join("/a", "/a/b", complete=True) == "/a/b"
    assert join("/a", "", complete=True) == "/a"


def test_one_complete_path_says_that_all_are_complete_in_the_entry():
    text = (
        f"consumes:\n- namespace: a\n  baseUri: {BASE}\n  resources:\n"
        "  - path: /things\n    operations:\n    - {name: o, path: '/things/{id}'}\n"
        "  - path: /other\n    operations:\n    - {name: p, path: /elsewhere}\n"
    )
    unit, _ = only_unit(text, tool("", call="call: a.p"))
    assert request_of(unit).url.path == "/elsewhere"


@pytest.mark.parametrize(
    ("path", "prefix", "begins"),
    [
        ("/a/b", "/a", True),
        ("/ab", "/a", False),
        ("/a/{id}/b", "/a/{id}", True),
        ("/a", "/a/b", False),
        ("/a", "/", False),
    ],
)
def test_a_path_begins_segment_by_segment(path, prefix, begins):
    assert begins_with(path, prefix) is begins


def test_placeholders_are_found_once_each_outside_of_query_and_fragment():
    assert placeholders("/{a}/{{b}}/{a}/{+c}/{d*}?q={e}#{f}") == ("a", "b", "c", "d")
    assert shape("/{a}/x/{{b}}") == "/{}/x/{}"


@pytest.mark.parametrize(
    ("name", "candidates", "found"),
    [
        ("id", ("ID", "id"), "id"),
        ("riskDetection-id", ("x", "riskdetection_id"), "riskdetection_id"),
        ("id", ("name",), None),
    ],
)
def test_the_same_placeholder_exact_match_first(name, candidates, found):
    assert same_placeholder(name, candidates) == found


def test_a_bare_name_in_a_query_stays_bare():
    path = parse_path("/a?b&=c&&d={x}", InputReference)
    assert list(path.fill_query(Scope({"x": 1}, None))) == ["b", "=c", "d=1"]
    assert path.query_names == ("x",)
