"""No value of any input climbs the upstream's path with our credential (SEMANTICS 4.1)."""

from __future__ import annotations

from urllib.parse import quote, unquote

import httpx
import pytest
from consuming import consuming, inputs, request_of
from hypothesis import given, settings
from hypothesis import strategies as st
from normalising import CLIMBING, HARMLESS, climbs_somewhere

from naftiko.ground.errors import InputError, NotExecutable, UnusableVariable

ONE = ["/x/{v}", "/{v}/x", "/x/{{v}}/y", "{v}", "/x/{+v}", "/x/{v+}/y", "/x/{v*}"]
"""Paths whose one segment, or several, a value is."""
TEXT = st.text(st.sampled_from("..//\\%2e5fFcC;a?#&=+ é"), min_size=1, max_size=8)
PATHS = {path: consuming({"inputParameters": inputs("v", location="path")}, path=path) for path in ONE}
PAIRS = {
    path: consuming({"inputParameters": inputs("a", "b", location="path")}, path=path)
    for path in ("/x/{a}{b}/y", "/x/{a}.{b}", "/x/.{a}/{+b}", "/x/{a};{b}", "/{a}%2e{b}", "/x/{b*}{a}", "/{a}/{b}")
}


def refused(capability, given=None):
    """Assert that nothing can be made of these inputs, and that the caller learns which one is at fault."""
    with pytest.raises(InputError) as caught:
        request_of(capability, given)
    assert all(problem.location == "path" for problem in caught.value.problems)
    return [problem.name for problem in caught.value.problems]


@pytest.mark.parametrize("path", ONE)
@pytest.mark.parametrize("value", CLIMBING)
def test_a_value_that_some_server_climbs_by_is_refused(path, value):
    """Encoded once more it would be the same segment to a proxy that decodes."""
    assert refused(PATHS[path], {"v": value}) == ["v"]


@pytest.mark.parametrize("path", ["/x/{v+}/y", "/x/{v}"])
@pytest.mark.parametrize("value", HARMLESS)
def test_a_harmless_value_arrives_as_it_is(path, value):
    """Dots are no danger where they are not all of a segment."""
    raw = request_of(PATHS[path], {"v": value}).url.raw_path.decode()
    sent = raw.removeprefix("/v1/x/").removesuffix("/y")
    assert unquote(sent) == value


@pytest.mark.parametrize(
    ("path", "given", "blamed"),
    [
        ("/x/{a}{b}/y", {"a": ".", "b": "."}, ["a", "b"]),
        ("/x/{a}{b}/y", {"a": ".", "b": ";v"}, ["a"]),
        ("/x/{a}.{b}", {"a": ";", "b": "/.."}, ["b"]),
        ("/x/{a}.{b}", {"a": ".", "b": ";"}, ["a"]),
        ("/x/{a}.{b}", {"a": "x/", "b": "/"}, ["a", "b"]),
        ("/x/.{a}/{+b}", {"a": ".", "b": "c"}, ["a"]),
        ("/x/.{a}/{+b}", {"a": ";c", "b": "d"}, ["a", "b"]),
        ("/x/.{a}/{+b}", {"a": "\\c", "b": "d"}, ["a", "b"]),
        ("/x/{a};{b}", {"a": "..", "b": "c"}, ["a"]),
        ("/{a}%2e{b}", {"a": "a\\", "b": "/"}, ["a", "b"]),
        ("/x/{b*}{a}", {"b": "c/.", "a": "."}, ["b", "a"]),
    ],
)
def test_dots_that_come_of_joining_are_refused(path, given, blamed):
    """Two values, or a value and the file's own text; the one that does it alone is named, else both."""
    assert refused(PAIRS[path], given) == blamed


@given(path=st.sampled_from(sorted(PATHS)), value=TEXT)
@settings(max_examples=600, deadline=None)
def test_no_value_climbs(path, value):
    """It is refused, or no server climbs and it arrives unchanged."""
    try:
        raw = request_of(PATHS[path], {"v": value}).url.raw_path.decode()
    except InputError:
        keeps = "/" if "+" in path or "*" in path else ""
        assert climbs_somewhere(f"/{quote(value, safe=keeps)}/")
        return
    assert not climbs_somewhere(raw.partition("?")[0])
    head, _, tail = path.replace("{{v}}", "{v}").partition("{")
    sent = raw.removeprefix("/v1/").removeprefix(head.removeprefix("/")).removesuffix(tail.partition("}")[2])
    assert unquote(sent) == value


@given(path=st.sampled_from(sorted(PAIRS)), a=TEXT, b=TEXT)
@settings(max_examples=600, deadline=None)
def test_no_two_values_climb_together(path, a, b):
    """Whatever they are, and whatever stands between them."""
    try:
        raw = request_of(PAIRS[path], {"a": a, "b": b}).url.raw_path.decode()
    except InputError:
        filled = path
        for name, value in (("{a}", a), ("{b}", b), ("{+b}", b), ("{b*}", b)):
            filled = filled.replace(name, quote(value, safe="" if len(name) == 3 else "/"))
        assert climbs_somewhere(filled)
        return
    assert not climbs_somewhere(raw.partition("?")[0])


@pytest.mark.parametrize(
    ("with_", "value", "named"),
    [
        ({"id": "tools.ref"}, "..", "ref"),
        ({"id": "{{ref}}"}, "..", "ref"),
        ({"id": "$this.tools.ref"}, "..", "ref"),
        ({"id": ".{{ref}}"}, ".", "id"),
    ],
)
def test_the_callers_input_is_named(with_, value, named):
    """By the name that the caller knows, where the value is the input as it is."""
    tool = {"with": with_, "inputParameters": [{"name": "ref", "type": "string"}]}
    assert refused(consuming(path="/x/{id}", tool=tool), {"ref": value}) == [named]


@pytest.mark.parametrize("value", CLIMBING)
def test_in_a_query_dots_are_only_dots(value):
    """Whether the query stands in the path or is a parameter."""
    capability = consuming({"inputParameters": inputs("q")}, path="/x?r={r}")
    assert dict(request_of(capability, {"q": value, "r": value}).url.params) == {"q": value, "r": value}


def test_a_list_is_its_elements_and_commas():
    """``.,.`` is no dot segment; a list of one is its element."""
    capability = consuming({"inputParameters": inputs(ids="array", location="path")}, path="/x/{ids}")
    assert request_of(capability, {"ids": [".", "."]}).url.raw_path == b"/v1/x/.%2C."
    assert refused(capability, {"ids": [".."]}) == ["ids"]


def test_a_value_in_the_base_uri():
    """A placeholder of its path that ``with`` fills, alone or with the text around it."""
    for base, value in (
        ("https://h.example/{t}/v1", ".."),
        ("https://h.example/a/.{t}", "."),
        ("https://h.example/{t}", "%2e"),
    ):
        capability = consuming(
            api={"baseUri": base}, tool={"with": {"t": "tools.tenant"}, "inputParameters": [{"name": "tenant"}]}
        )
        assert refused(capability, {"tenant": value}) == ["tenant"]
        assert f"h.example/{'a/.' if '.{' in base else ''}a..b" in str(request_of(capability, {"tenant": "a..b"}).url)


@pytest.mark.parametrize(
    ("path", "api"),
    [
        ("/x/{{V}}", {}),
        ("/x/{id}", {"inputParameters": [{"name": "id", "in": "path", "value": "{{V}}"}]}),
        ("/x", {"baseUri": "https://h.example/{V}/x"}),
        ("/x", {"baseUri": "https://h.example/{{env.V}}/x"}),
    ],
)
def test_a_variable_that_makes_one_is_the_operators_fault(path, api):
    """503 that names the variable and not its value."""
    capability = consuming(path=path, api=api, environment={"V": "a/%2e%2e"})
    with pytest.raises(UnusableVariable, match="V") as caught:
        request_of(capability)
    assert "%2e" not in caught.value.detail


def test_a_credential_that_makes_one_is_the_operators_fault():
    """A key in the path is no input of the caller's."""
    key = {"type": "apikey", "key": "k", "value": "{{env.K}}", "placement": "path"}
    capability = consuming(path="/bot{k}/x", api={"authentication": key}, environment={"K": "a/../.."})
    with pytest.raises(UnusableVariable, match="the credential of `api`") as caught:
        request_of(capability)
    assert "a/.." not in caught.value.detail


@pytest.mark.parametrize(
    "path", ["/../x", "/x/./y", "/x/..", "x/../{id}", "/%2e%2e/x", "/x/%252E/y", "/..;v=1/x", "/x\\..\\y"]
)
def test_a_literal_dot_segment_of_the_file(path):
    """It is an error where it stands; the operation is not executable, and nothing is sent."""
    capability = consuming(path=path)
    told = {found.rule: found for found in capability.errors}
    assert set(told) == {"dot-segment", "blocked-call"}
    assert path in told["dot-segment"].message
    assert not capability.units[0].executable
    with pytest.raises(NotExecutable, match="segment"):
        request_of(capability, {})


@pytest.mark.parametrize(
    "base", ["https://h.example/a/../b", "https://h.example/..", "h.example/%2e/x", "https://{h}/{t}/../x"]
)
def test_a_literal_dot_segment_of_a_base_uri(base):
    """Nothing of that API is called, whoever gave the base URI."""
    for capability in (consuming(api={"baseUri": base}), consuming(base_uris={"api": base})):
        assert "dot-segment" in {found.rule for found in capability.errors}
        assert "base URI" in capability.units[0].reason


@pytest.mark.parametrize(
    "path", ["/v1.0/a..b/.well-known/...", "/x/{id}.json", "/x/.{id}", "/x/...", "/a?b=..&c=/../d#/../e"]
)
def test_other_dots_of_a_file_are_fine(path):
    """Only the segments of the path count: not its query, not its fragment."""
    assert not consuming(path=path).errors


async def test_nothing_is_sent():
    """Not by a call, not by a step."""
    seen = []
    capability = consuming(
        path="/x/{id}",
        tool={"call": None, "steps": [{"name": "s", "type": "call", "call": "api.do", "with": {"id": "{{id}}"}}]},
        handler=lambda request: seen.append(request) or httpx.Response(200, json={}),
    )
    with pytest.raises(InputError, match="segment") as caught:
        await capability.units[0].run({"id": "%2e%2e"})
    assert caught.value.step == "s"
    assert not seen
