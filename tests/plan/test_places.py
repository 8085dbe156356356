"""``rest.path.x``, ``rest.query.x``, ``rest.header.x``, ``rest.body.x``: x in that place (SEMANTICS 3.1)."""

from __future__ import annotations

import pytest
from linked_units import api, only_unit, query_of, request_of, rest, rules, tool

CONSUMED = "inputParameters: [{name: id, in: path}, {name: a, in: query}, {name: b, in: query, type: integer}]"
IN_QUERY = "inputParameters: [{name: a, in: query}]"
PREFIXES = ["rest", "web", "$this.web", "$this.rest"]


def shown(unit):
    return [(given.name, given.location, given.wire_name, given.required) for given in unit.inputs]


@pytest.mark.parametrize("prefix", PREFIXES)
def test_nothing_is_declared(prefix):
    """The name after the place is the input's, which is inferred there."""
    with_ = f"with: {{id: {prefix}.path.id, a: {prefix}.header.a, b: '{{{{{prefix}.query.b}}}}'}}"
    unit, loaded = only_unit(api(CONSUMED, resource="/r/{id}"), rest(with_, path="/x/{id}"))
    assert not loaded.diagnostics
    assert shown(unit) == [("id", "path", "id", True), ("a", "header", "a", False), ("b", "query", "b", False)]
    assert unit.inputs[2].type == "integer"
    request = request_of(unit, id="7", a="h", b=5)
    assert (request.url.path, query_of(request)) == ("/r/7", [("a", "h"), ("b", "5")])


@pytest.mark.parametrize("prefix", ["tools", "mcp", "agents", "$this.agents"])
def test_a_tools_arguments_have_one_place(prefix):
    """In MCP the place says nothing, and the name is no other one for it."""
    unit, loaded = only_unit(
        api(CONSUMED, resource="/r/{id}"), tool(f"with: {{id: {prefix}.path.id, a: {prefix}.body.a}}")
    )
    assert not loaded.diagnostics
    assert shown(unit) == [("id", "argument", "id", True), ("a", "argument", "a", False), ("b", "argument", "b", False)]
    assert request_of(unit, id="7", a="v").url.path == "/r/7"


def test_a_field_of_the_body():
    unit, _ = only_unit(
        api("inputParameters: [{name: name, in: body}, {name: price, in: body}]", method="POST"),
        rest("with: {name: rest.body.name, price: rest.body.price}", method="POST"),
    )
    assert [(given.name, given.location, given.whole_body) for given in unit.inputs] == [
        ("name", "body", False),
        ("price", "body", False),
    ]


def test_a_placeholder_of_the_route_under_another_key():
    """The consumed parameter has another name; the route's is found as every placeholder is."""
    unit, loaded = only_unit(
        api(CONSUMED, resource="/r/{id}"), rest("with: {id: rest.path.ship_imo}", path="/x/{shipImo}")
    )
    assert not loaded.diagnostics
    assert shown(unit)[0] == ("ship_imo", "path", "shipImo", True)
    assert request_of(unit, ship_imo="9").url.path == "/r/9"


def test_the_query_has_another_value_of_the_routes_name():
    unit, _ = only_unit(
        api(CONSUMED, resource="/r/{id}"), rest("with: {id: rest.path.id, a: rest.query.id}", path="/x/{id}")
    )
    assert shown(unit) == [("id", "path", "id", True), ("query.id", "query", "id", False), ("b", "query", "b", False)]
    request = unit.request({"id": "7", "query.id": "other"})
    assert (request.url.path, query_of(request)) == ("/r/7", [("a", "other")])


@pytest.mark.parametrize(
    ("declared", "reference", "name"),
    [
        ("{name: a, in: query}", "rest.query.a", "a"),
        ("{name: a, in: query}", "tools.query.a", "a"),
        ("{name: X-Trace, in: header}", "rest.header.x-trace", "X-Trace"),
        ("{name: shipImo, in: path}", "rest.path.ship_imo", "shipImo"),
        ("{name: size, in: body}", "web.body.size", "size"),
        ("{name: query.a, in: query}", "rest.query.a", "query.a"),
    ],
)
def test_a_declared_input(declared, reference, name):
    """By its own name if that is the reference verbatim, else in its place."""
    unit, loaded = only_unit(
        api(IN_QUERY), rest(f"inputParameters: [{declared}]\nwith: {{a: {reference}}}", path="/x/{shipImo}")
    )
    assert "undeclared-input" not in rules(loaded)
    assert query_of(unit.request({name: "v"})) == [("a", "v")]


def test_a_placeholder_that_is_not_declared():
    """A path variable is there whether or not the unit declares it, whatever the consumed parameter is."""
    unit, loaded = only_unit(
        api("inputParameters: [{name: q, in: query}, {name: s, in: query}]"),
        rest("inputParameters: [{name: s, in: query}]\nwith: {q: rest.path.id}", path="/x/{id}"),
    )
    assert not loaded.diagnostics
    assert query_of(request_of(unit, id="7", s="t")) == [("q", "7"), ("s", "t")]


@pytest.mark.parametrize(("place", "name"), [("header", "X-Q"), ("query", "other"), ("body", "field")])
def test_another_name_than_the_consumed_parameters(place, name):
    """No input is called ``header.X-Q``, so it is the header that is meant."""
    unit, loaded = only_unit(api(IN_QUERY), rest(f"with: {{a: rest.{place}.{name}}}", method="POST"))
    assert not loaded.diagnostics
    assert shown(unit) == [(name, place, name, False)]


@pytest.mark.parametrize("place", ["header", "query", "body"])
def test_a_consumed_parameter_that_is_called_so(place):
    unit, _ = only_unit(
        api(f"inputParameters: [{{name: {place}.x, in: query}}]"), rest(f"with: {{{place}.x: rest.{place}.x}}")
    )
    assert shown(unit) == [(f"{place}.x", "query", f"{place}.x", False)]


@pytest.mark.parametrize("reference", ["rest.body.tty_size.height", "rest.cookie.a"])
def test_all_other_names_are_verbatim(reference):
    """What is neither the key, nor declared, nor in the route: a name that happens to have a dot."""
    unit, _ = only_unit(api(IN_QUERY), rest(f"with: {{a: {reference}}}"))
    assert [given.name for given in unit.inputs] == [reference.partition(".")[2]]
    consumed = "inputParameters: [{name: body.tty_size.height, in: body}]"
    unit, _ = only_unit(
        api(consumed, method="POST"), rest("with: {body.tty_size.height: rest.body.tty_size.height}", method="POST")
    )
    assert [given.name for given in unit.inputs] == ["body.tty_size.height"]


def test_in_a_map_the_key_is_the_inner_one():
    unit, _ = only_unit(
        api("inputParameters: [{name: f, in: query, type: object}]"), rest("with: {f: {since: rest.query.since}}")
    )
    assert [(given.name, given.location) for given in unit.inputs] == [("since", "query")]
