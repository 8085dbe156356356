"""Exposed paths: their queries, the inputs that they have lost, second ones of the same kind (SEMANTICS 3.3 and 6)."""

from __future__ import annotations

from urllib.parse import parse_qs, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from linked_units import BASE, api, capability, only_unit, query_of, request_of, rest, rules

from naftiko.ground.errors import InputError
from naftiko.plan.routes import parse_route

Q = "inputParameters: [{name: q, in: query, required: true}]"


def shown(unit):
    return [(given.name, given.location, given.required) for given in unit.inputs]


def adapter(*resources, inputs=""):
    head = f"exposes:\n- type: rest\n  namespace: web\n  port: 1\n  inputParameters: [{inputs}]\n  resources:\n"
    return head + "".join(f"  - {{{one}}}\n" for one in resources)


# The query of an exposed path.


@pytest.mark.parametrize(
    ("text", "query", "fits"),
    [
        ("/x", "", True),
        ("/x", "a=1", True),
        ("/x?a=1", "a=1", True),
        ("/x?a=1", "b=2&a=1", True),
        ("/x?a=1", "a=2", False),
        ("/x?a=1", "", False),
        ("/x?a=1", "a=2&a=1", True),
        ("/x?a=1&a=2", "a=2&a=1", True),
        ("/x?a=1&a=1", "a=1", False),
        ("/x?a=", "a=", True),
        ("/x?a=", "a=1", False),
        ("/x?acl", "acl", True),
        ("/x?acl", "acl=", True),
        ("/x?acl", "", False),
        ("/x?a=b%20c", "a=b+c", True),
        ("/x?%61=1", "a=1", True),
        ("/x?a={v}", "a=1", True),
        ("/x?a={{v}}", "", True),
        ("/x?&", "", True),
        ("/x#part?a=1", "", True),
    ],
)
def test_a_query_is_a_condition(text, query, fits):
    route = parse_route(text)
    assert route.path == "/x"
    assert (route.fit(parse_qs(query, keep_blank_values=True)) is not None) is fits


def test_the_more_pairs_fit_the_better():
    texts = ["/x?v={v}", "/x", "/x?a=1&v={v}", "/x?a=1", "/x?a=1&b=2"]
    query = parse_qs("a=1&b=2")
    ranked = sorted(texts, key=lambda text: parse_route(text).fit(query))
    assert ranked == ["/x?v={v}", "/x", "/x?a=1&v={v}", "/x?a=1", "/x?a=1&b=2"]
    assert parse_route("/x?v={v}").fit({"v": ["1"]}) > parse_route("/x").fit({"v": ["1"]})


PAIRS = st.lists(st.tuples(st.text(min_size=1, max_size=4), st.text("xyz{}&=+%? é", max_size=4)), max_size=4)


@given(PAIRS, PAIRS)
def test_a_request_that_has_all_pairs_fits(pairs, others):
    """Whatever stands in them, and whatever else the request has."""
    text = "/x?" + "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in pairs)
    query = "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in (*others, *pairs))
    route = parse_route(text)
    assert route.fit(parse_qs(query, keep_blank_values=True)) == (True, len(pairs), True)
    assert pairs == [] or route.fit({}) is None


def test_a_placeholder_of_the_query_is_a_required_input():
    for inputs in ("", "inputParameters: [{name: id, in: path}, {name: v, in: path, type: integer}]"):
        unit, loaded = only_unit(
            api("inputParameters: [{name: v, in: query}]", resource="/r/{id}"), rest(inputs, path="/x/{id}?view={v}")
        )
        assert shown(unit) == [("id", "path", True), ("v", "query", True)]
        assert [given.wire_name for given in unit.inputs] == ["id", "view"]
        assert query_of(request_of(unit, id="7", v="1")) == [("v", "1")]
        assert not list(loaded.diagnostics)


def test_what_the_query_fixes_need_not_be_given():
    """`naftiko call` names the route; a request has the pair anyway."""
    unit, _ = only_unit(api("inputParameters: [{name: q, in: query, required: true}]"), rest("", path="/x?q=all"))
    assert shown(unit) == [("q", "query", False)]
    assert query_of(request_of(unit)) == [("q", "all")]


def test_the_path_of_an_operation_goes_before_its_resources_query():
    text = adapter(
        "path: '/x?a=1', operations: [{method: GET, path: '/y', call: a.o}, {method: PUT, path: '?b=2', call: a.o}]"
    )
    assert [unit.path for unit in capability(api("") + text).units] == ["/x/y?a=1", "/x?a=1&b=2"]


def test_a_query_or_a_fragment_is_no_error():
    for path in ("/x?a=1", "/x#part"):
        _, loaded = only_unit(api(""), rest("", path=path))
        assert not list(loaded.diagnostics)


# Second routes.


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("/x/{a}", "/x/{{b}}", True),
        ("/x?a=1&b=2", "/x?b=2&a=1", True),
        ("/x?a=1", "/x?a=2", False),
        ("/x?a=1", "/x", False),
        ("/x?a={b}", "/x?a={c}", True),
        ("/x#one", "/x#other", True),
    ],
)
def test_routes_that_answer_the_same_requests_are_told(one, other, same):
    operation = "operations: [{method: GET, call: a.o}]"
    loaded = capability(api("") + adapter(f"path: '{one}', {operation}", f"path: '{other}', {operation}"))
    told = [found for found in loaded.diagnostics if found.rule == "duplicate-route"]
    assert len(told) == same
    assert all("required inputs" in found.message for found in told)


# Inputs of the path that it has lost.


@pytest.mark.parametrize("path", ["/weather/:city", "/weather/<City>", "/weather/[city]", "/weather/{city"])
@pytest.mark.parametrize(
    "inputs",
    [
        "inputParameters: [{name: city, in: path}]\nwith: {q: rest.city}",
        "with: {q: rest.city}",
        "with: {q: '{{city}}'}",
    ],
)
def test_what_seems_to_be_in_the_path_and_is_not_is_an_error(path, inputs):
    unit, loaded = only_unit(api(Q), rest(inputs, path=path))
    assert not unit.executable
    assert unit.reason.startswith(f"the path `{path}` holds `city`")
    error = loaded.errors[-1]
    assert (error.rule, error.hint) == ("lost-placeholder", "did you mean `/weather/{city}`?")


@pytest.mark.parametrize("path", ["/x/{y", "/{city}}", "/x?a={b"])
def test_no_request_has_a_path_with_a_brace_alone(path):
    unit, loaded = only_unit(api(""), rest("", path=path))
    assert not unit.executable
    assert rules(loaded) == ["broken-template"]


def test_several_are_told_at_once():
    unit, loaded = only_unit(api("", resource="/r/{from}/{to}"), rest("", path="/flights/:from/:to"))
    assert loaded.errors[0].hint == "did you mean `/flights/{from}/{to}`?"
    assert not unit.executable


@pytest.mark.parametrize("path", ["/x/city", "/x/all:city", "/x/$city", "/x/{y}:city", "/cities"])
def test_words_of_an_api_are_no_placeholders(path):
    unit, loaded = only_unit(api(Q), rest("with: {q: rest.city}", path=path))
    assert unit.executable
    assert not loaded.errors


@pytest.mark.parametrize("path", ["/x", "/x/city"])
def test_another_one_comes_in_the_query(path):
    """What a route has lost can be given all the same (SEMANTICS 3.3)."""
    unit, loaded = only_unit(api(Q), rest("inputParameters: [{name: city, in: path}]\nwith: {q: rest.city}", path=path))
    assert shown(unit) == [("city", "query", True)]
    assert query_of(request_of(unit, city="Oslo")) == [("q", "Oslo")]
    (found,) = loaded.diagnostics
    assert (found.rule, found.severity.value) == ("lost-placeholder", "warning")
    assert found.hint == f"write `{path}/{{city}}`, or declare it `in: query`"
    with pytest.raises(InputError):
        unit.request({})


def test_one_that_says_that_it_is_optional_is():
    unit, _ = only_unit(
        api(Q), rest("inputParameters: [{name: city, in: path, required: false}]\nwith: {q: rest.city}")
    )
    assert shown(unit) == [("city", "query", False)]


LIST_AND_GET = (
    "path: /x, inputParameters: [{name: id, in: path}], operations: ["
    "{method: GET, name: list, call: a.list}, {method: GET, name: get, path: '/{id}', call: a.get}]"
)
TWO = (
    f"consumes:\n- namespace: a\n  baseUri: {BASE}\n  resources:\n  - path: /r\n    operations:\n"
    "    - {name: list, inputParameters: [{name: q, in: query}]}\n    - {name: get, path: '/{id}'}\n"
)


def test_a_path_input_of_other_routes_is_theirs():
    """The list neither wants an id nor is kept from its own inputs."""
    loaded = capability(TWO + adapter(LIST_AND_GET))
    assert [shown(unit) for unit in loaded.units] == [[("q", "query", False)], [("id", "path", True)]]
    assert not list(loaded.diagnostics)


def test_also_where_the_consumed_paths_have_the_same_form():
    two = TWO.replace("- path: /r\n", "- path: /r\n    inputParameters: [{name: id, in: path}]\n")
    loaded = capability(two + adapter(LIST_AND_GET))
    assert str(request_of(loaded.units[0]).url) == f"{BASE}/r"
    assert str(request_of(loaded.units[1], id="7").url) == f"{BASE}/r/7"
    assert not list(loaded.diagnostics)


def test_a_route_that_uses_it_takes_it_in_the_query():
    loaded = capability(TWO + adapter(LIST_AND_GET.replace("call: a.list", "call: a.list, with: {q: rest.id}")))
    assert shown(loaded.units[0]) == [("id", "query", False)]
    assert query_of(request_of(loaded.units[0], id="7")) == [("q", "7")]


def test_the_adapters_own_inputs_are_seen_in_all_its_routes():
    resources = [
        "path: /x, operations: [{method: GET, call: a.list}]",
        "path: '/x/{id}', operations: [{method: GET, call: a.get}]",
    ]
    loaded = capability(TWO + adapter(*resources, inputs="{name: id, in: path}, {name: q, in: query}"))
    assert [shown(unit) for unit in loaded.units] == [
        [("q", "query", False)],
        [("id", "path", True), ("q", "query", False)],
    ]


def test_an_input_that_is_in_no_route_of_its_level_is_lost_in_all():
    loaded = capability(
        TWO + adapter("path: /x, operations: [{method: GET, call: a.list}]", inputs="{name: id, in: path}")
    )
    assert shown(loaded.units[0]) == [("id", "query", True)]
    assert rules(loaded) == ["lost-placeholder"]
