"""A unit's inputs: inferred from what it calls, or declared (SEMANTICS 3.4, 3.5, 3.6, 3.8)."""

from __future__ import annotations

import pytest
from linked_units import api, capability, only_unit, request_of, rest, rules, tool

OPERATION = """\
inputParameters:
- {name: id, in: path, description: Which}
- {name: q, in: query, type: array, items: {type: integer}}
- {name: X-Trace, in: header}
- {name: session, in: cookie}
- {name: title, in: body}
- {name: count, in: body, type: integer, required: true}
"""


def inputs_of(*parts):
    unit, _ = only_unit(*parts)
    return {given.name: given for given in unit.inputs}


def test_in_rest_an_inferred_input_is_where_the_consumed_parameter_is():
    made = inputs_of(api(OPERATION, resource="/r/{id}", method="POST"), rest("", path="/x/{id}", method="POST"))
    assert {name: (given.location, given.type, given.required) for name, given in made.items()} == {
        "id": ("path", "string", True),
        "q": ("query", "array", False),
        "X-Trace": ("header", "string", False),
        "session": ("cookie", "string", False),
        "title": ("body", None, False),
        "count": ("body", "integer", True),
    }
    assert not any(given.whole_body for given in made.values())


def test_in_mcp_every_inferred_input_is_an_argument_with_its_type_and_description():
    made = inputs_of(api(OPERATION, resource="/r/{id}", method="POST"), tool(""))
    assert {given.location for given in made.values()} == {"argument"}
    assert made["id"].schema == {"type": "string", "description": "Which"}
    assert made["q"].schema == {"type": "array", "items": {"type": "integer"}}


@pytest.mark.parametrize(
    ("declared", "whole", "or_body"),
    [
        ("name: body", True, False),
        ("name: _body, type: string", True, False),
        ("name: payload, type: array", True, False),
        ("name: shipBody, type: string", True, False),
        ("name: ship, type: object", True, False),
        ("name: ship, type: string, format: binary", True, False),
        ("name: ship, type: string, contentEncoding: base64", True, False),
        ("name: ship, type: string, format: byte", False, True),
        ("name: ship", False, True),
        ("name: ship, type: string", False, True),
        ("name: ships, type: array", False, True),
        ("name: bodywork, type: string", False, True),
    ],
)
def test_one_parameter_in_the_body_is_the_whole_body_by_name_type_or_value(declared, whole, or_body):
    made = inputs_of(api(f"inputParameters: [{{in: body, {declared}}}]", method="POST"), rest("", method="POST"))
    (given,) = made.values()
    assert (given.location, given.whole_body, given.or_body) == ("body", whole, or_body)


def test_placeholders_of_a_body_are_inputs():
    made = inputs_of(api('body: {data: {a: "{{x}}", b: "n {{y}}"}}', method="POST"), rest("", method="POST"))
    assert {name: (given.location, given.required) for name, given in made.items()} == {
        "x": ("body", False),
        "y": ("body", False),
    }


def test_placeholders_of_outputs_are_inputs_too():
    made = inputs_of(api(""), tool("outputParameters: [{name: echo, value: '{{word}}'}]"))
    assert list(made) == ["word"]


def test_what_one_use_requires_is_required():
    operation = "inputParameters: [{name: a, in: query}, {name: b, in: query, required: true}]"
    made = inputs_of(api(operation), tool("with: {a: tools.n, b: tools.n}"))
    assert made["n"].required


@pytest.mark.parametrize(
    ("declared", "method", "location"),
    [
        ("{name: id}", "GET", "path"),
        ("{name: ID}", "GET", "path"),
        ("{name: n}", "GET", "query"),
        ("{name: n}", "DELETE", "query"),
        ("{name: n}", "POST", "body"),
        ("{name: n, in: query}", "POST", "query"),
        ("{name: n, in: HEADER}", "GET", "header"),
        ("{name: n, in: cookie}", "GET", "cookie"),
        ("{name: n, in: environment}", "GET", "environment"),
        ("{name: n, in: elsewhere}", "GET", "query"),
    ],
)
def test_declared_locations_in_rest(declared, method, location):
    unit, loaded = only_unit(
        api("", method=method), rest(f"inputParameters: [{declared}]", path="/x/{id}", method=method)
    )
    assert unit.inputs[0].location == location
    assert rules(loaded) == (["unknown-location"] if "elsewhere" in declared else [])


def test_a_declared_path_input_answers_to_the_routes_spelling():
    made = inputs_of(api(""), rest("inputParameters: [{name: shipImo, in: path}]", path="/x/{ship-imo}"))
    assert (made["shipImo"].wire_name, made["shipImo"].required) == ("ship-imo", True)


@pytest.mark.parametrize(
    ("declared", "in_rest", "in_mcp"),
    [
        ("{name: n}", False, True),
        ("{name: n, required: true}", True, True),
        ("{name: n, required: false}", False, False),
        ("{name: n, default: 5}", False, False),
        ("{name: n, required: true, default: 5}", False, False),
        ("{name: n, value: c}", False, False),
    ],
)
def test_what_feeds_nothing_is_required_in_mcp_unless_it_says_otherwise_and_in_rest_if_it_says_so(
    declared, in_rest, in_mcp
):
    declared = f"inputParameters: [{declared}]"
    assert inputs_of(api(""), rest(declared))["n"].required is in_rest
    assert inputs_of(api(""), tool(declared))["n"].required is in_mcp


def test_inner_levels_win_over_outer_ones():
    text = (
        "exposes:\n- type: rest\n  inputParameters: [{name: a, in: query, description: outer}, {name: b, in: query}]\n"
        "  resources:\n  - path: /x\n    inputParameters: [{name: a, in: query, description: middle}]\n    operations:\n"
        "    - {method: GET, call: a.o, inputParameters: [{name: a, in: query, description: inner}, {in: query}]}\n"
    )
    unit, loaded = only_unit(api(""), text)
    assert [(given.name, given.description) for given in unit.inputs] == [("a", "inner"), ("b", None)]
    assert rules(loaded) == ["missing-name"]


def test_a_value_is_a_constant_or_a_path_on_the_body():
    declared = "inputParameters: [{name: a, value: fixed}, {name: b, value: $.x.y}, {name: c, const: 5}, {name: d, value: '$.['}]"
    unit, loaded = only_unit(api("", method="POST"), rest(declared, method="POST"))
    made = {given.name: given for given in unit.inputs}
    assert (made["a"].constant, made["c"].constant) == ("fixed", 5)
    assert made["b"].body_path({"x": {"y": 7}}) == 7
    assert rules(loaded) == ["broken-jsonpath"]
    assert unit.plan.inputs.check({"b": 1}) == {"a": "fixed", "b": 1, "c": 5}


def test_a_broken_pattern_is_told_and_not_applied():
    unit, loaded = only_unit(api(""), tool("inputParameters: [{name: n, type: string, pattern: '('}]"))
    assert rules(loaded) == ["broken-pattern"]
    assert unit.plan.inputs.check({"n": "anything"}) == {"n": "anything"}


def test_an_older_mapping_of_an_exposed_input_is_a_with():
    operation = "inputParameters: [{name: q, in: query}]"
    unit, _ = only_unit(api(operation), rest("inputParameters: [{name: word, in: query, mapping: a.o.q}]"))
    assert str(request_of(unit, word="w").url).endswith("?q=w")


SCHEMA = """\
inputSchema:
  type: object
  required: [ship]
  properties:
    ship: {$ref: '#/$defs/Ship'}
    odd: {type: nothing, minimum: low, enum: word, pattern: '(', description: 5}
    bare: true
    far: {$ref: 'https://example.test/schema.json'}
    list: {type: array, items: {type: string, pattern: '^a+$'}}
  $defs:
    Ship: {type: object, properties: {imo: {type: string}}, required: [imo]}
"""


def test_a_tools_own_input_schema_is_taken_for_what_it_says():
    unit, loaded = only_unit(api("", method="POST"), tool(SCHEMA + "with: {body: tools.ship}\n"))
    assert not loaded.errors
    assert unit.plan.own_schema.required == {"ship"}
    assert {given.name: (given.type, given.required) for given in unit.inputs} == {
        "ship": ("object", True),
        "odd": (None, False),
        "bare": (None, False),
        "far": (None, False),
        "list": ("array", False),
    }
    given = {"ship": {"imo": "9"}, "odd": [1], "bare": 1, "far": {"x": 1}, "list": ["aa"]}
    assert unit.plan.inputs.check(given) == given


@pytest.mark.parametrize("given", [{"ship": {}}, {"ship": {"imo": 5}}, {"ship": {"imo": "9"}, "list": ["b"]}])
def test_and_is_what_arguments_are_checked_against(given):
    from naftiko.ground.errors import InputError

    unit, _ = only_unit(api("", method="POST"), tool(SCHEMA))
    with pytest.raises(InputError):
        unit.plan.inputs.check(given)


def test_an_input_schema_without_properties_leaves_the_inputs_to_be_inferred():
    unit, _ = only_unit(
        api("inputParameters: [{name: q, in: query}]"), tool("inputSchema: {type: object, properties: 5}")
    )
    assert [given.name for given in unit.inputs] == ["q"]


def test_inputs_have_names_that_clients_accept_and_answer_to_both():
    operation = "inputParameters: [{name: $orderby, in: query}, {name: 'page[token]', in: query}]"
    unit, _ = only_unit(api(operation), tool(""))
    assert [given.alias for given in unit.inputs] == ["orderby", "page_token"]
    assert all(given.answers_to(given.alias) and given.answers_to(given.name) for given in unit.inputs)
    by_alias = unit.request({"orderby": "a", "page_token": "b"}).url
    assert by_alias == unit.request({"$orderby": "a", "page[token]": "b"}).url


def test_long_tool_names_are_shortened_and_of_two_tools_the_first_is_served():
    long = "t" * 80
    loaded = capability(
        api("") + f"exposes:\n- type: mcp\n  tools:\n  - {{name: {long}, call: a.o}}\n  - {{name: x, call: a.o}}\n"
        "  - {name: x, call: a.o, description: second}\n"
    )
    assert [len(unit.alias) for unit in loaded.units] == [64, 1]
    assert rules(loaded) == ["duplicate-tool"]
