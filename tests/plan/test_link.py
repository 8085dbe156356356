"""Linking whole files: aggregates, refs, routes, resources, forwards, and what stops only a unit (SEMANTICS 1.4, 5.7, 6)."""

from __future__ import annotations

import time

import pytest
from linked_units import answering, api, capability, only_unit, query_of, request_of, rest, rules, run, tool

from naftiko.ground.errors import InputError
from naftiko.plan.actions import FunctionAction
from naftiko.plan.forward import ForwardAction

OPERATION = "inputParameters: [{name: q, in: query, type: integer, description: Which, required: true}, {name: status, in: query}]"
FUNCTION = """\
aggregates:
- namespace: desk
  functions:
  - name: find
    label: Find
    description: Finds things
    semantics: {safe: true, idempotent: true}
    inputParameters: [{name: limit, type: integer, description: How many}, {name: state, type: string, required: false}]
    call: a.o
    with: {q: desk.limit, status: "{{state}}"}
    outputParameters: [{name: n, mapping: $.n}]
"""


def test_a_unit_takes_from_its_function_what_it_does_not_set_itself():
    unit, loaded = only_unit(api(OPERATION), FUNCTION, "exposes:\n- {type: mcp, tools: [{ref: desk.find}]}\n")
    assert not list(loaded.diagnostics)
    assert (unit.name, unit.plan.label, unit.description) == ("find", "Find", "Finds things")
    assert [(given.name, given.type, given.required) for given in unit.inputs] == [
        ("limit", "integer", True),
        ("state", "string", False),
    ]
    hints = unit.plan.hints
    assert (hints.read_only, hints.destructive, hints.idempotent, hints.open_world) == (True, False, True, None)
    assert query_of(request_of(unit, limit=5)) == [("q", "5")]


def test_what_the_unit_sets_itself_wins():
    own = "exposes:\n- {type: mcp, tools: [{name: mine, description: d, ref: desk.find, hints: {readOnly: false, destructive: true}, outputParameters: [{name: m, mapping: $.m}]}]}\n"
    unit = answering({"/r": {"n": 1, "m": 2}}, api(OPERATION), FUNCTION, own)
    assert (unit.name, unit.description) == ("mine", "d")
    assert (unit.plan.hints.read_only, unit.plan.hints.destructive) == (False, True)
    assert run(unit, limit=1) == {"m": 2}


def test_a_functions_inputs_are_required_as_what_they_feed_is_in_rest_too():
    unit, _ = only_unit(api(OPERATION), FUNCTION, rest("", call="ref: desk.find"))
    assert [(given.name, given.location, given.required) for given in unit.inputs] == [
        ("limit", "query", True),
        ("state", "query", False),
    ]
    with pytest.raises(InputError, match="limit"):
        unit.request({})


def test_a_ref_with_inputs_of_its_own_fills_the_functions_by_name():
    unit, _ = only_unit(
        api(OPERATION),
        FUNCTION,
        tool("inputParameters: [{name: limit, type: integer, maximum: 5}]", call="ref: desk.find"),
    )
    assert isinstance(unit.plan.action, FunctionAction)
    assert [given.name for given in unit.inputs] == ["limit"]
    assert query_of(request_of(unit, limit=5)) == [("q", "5")]
    with pytest.raises(InputError):
        unit.request({"limit": 6})


def test_a_ref_with_with_maps_the_functions_inputs_and_asks_for_the_others_as_the_function_does():
    unit, loaded = only_unit(api(OPERATION), FUNCTION, tool("with: {state: open}", call="ref: desk.find"))
    (given,) = unit.inputs
    assert (given.name, given.type, given.description, given.required) == ("limit", "integer", "How many", True)
    assert query_of(request_of(unit, limit="7")) == [("q", "7"), ("status", "open")]
    assert not list(loaded.diagnostics)


def test_a_ref_whose_with_names_an_input_of_its_own():
    unit, _ = only_unit(
        api(OPERATION), FUNCTION, rest("with: {limit: rest.n, state: 's-{{s}}'}", call="ref: desk.find")
    )
    assert [(given.name, given.type, given.location) for given in unit.inputs] == [
        ("n", "integer", "query"),
        ("s", "string", "query"),
    ]
    assert query_of(request_of(unit, n=1, s="x")) == [("q", "1"), ("status", "s-x")]


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ("{limt: 5}", "unknown-argument"),
        ("{limit: '{{}}'}", "broken-template"),
        ("{limit: '$.a[?'}", "broken-jsonpath"),
    ],
)
def test_wrong_arguments_of_a_function_are_told(value, rule):
    _, loaded = only_unit(api(OPERATION), FUNCTION, tool(f"with: {value}", call="ref: desk.find"))
    assert rules(loaded) == [rule]


@pytest.mark.parametrize(
    ("ref", "hint"),
    [
        ("desk.fnd", "did you mean `desk.find`?"),
        ("dsk.fnd", "did you mean `desk`?"),
        ("fnd", "did you mean `desk.find`?"),
    ],
)
def test_a_ref_to_nothing_stops_only_its_unit(ref, hint):
    text = (
        api(OPERATION)
        + FUNCTION
        + f"exposes:\n- type: mcp\n  tools: [{{name: bad, ref: {ref}}}, {{name: good, ref: desk.find}}]\n"
    )
    loaded = capability(text)
    assert [unit.executable for unit in loaded.units] == [False, True]
    assert [(found.rule, found.hint) for found in loaded.diagnostics] == [("unknown-ref", hint)]


def test_functions_without_a_name_and_of_the_same_name_are_told():
    text = (
        api("")
        + "aggregates:\n- namespace: n\n  functions: [{call: a.o}, {name: f, call: a.o}, {name: f, call: a.o}]\n"
    )
    loaded = capability(text + "exposes:\n- {type: mcp, tools: [{ref: n.f}]}\n")
    assert rules(loaded) == ["missing-name", "duplicate-function", "ambiguous-call"]
    assert not loaded.errors


def test_a_function_with_steps_or_of_mock_values():
    text = (
        "aggregates:\n- namespace: n\n  functions:\n  - {name: m, outputParameters: [{name: x, value: '{{w}}'}]}\n"
        "  - name: s\n    steps: [{name: one, call: a.o, with: {q: n.limit}}]\n    outputParameters: [{name: n, mapping: $.n}]\n"
    )
    unit = answering({"/r": {"n": 1}}, api(OPERATION), text, tool("", call="ref: n.s"))
    assert run(unit, limit=5) == {"n": 1}
    unit = answering({}, api(OPERATION), text, tool("", call="ref: n.m"))
    assert run(unit, w="v") == {"x": "v"}


def test_a_tool_with_a_schema_and_no_call_is_listed_and_not_executable():
    unit, loaded = only_unit(
        api(""), tool("inputSchema: {type: object, properties: {x: {type: string}}}", call="tags: []")
    )
    assert not unit.executable
    assert [given.name for given in unit.inputs] == ["x"]
    assert rules(loaded) == ["nothing-to-execute"]


def test_a_unit_without_a_call_is_answered_with_the_near_operation():
    text = api("").replace("name: o", "name: list-ships")
    loaded = capability(
        text + "exposes:\n- {type: mcp, tools: [{name: list_shps}, {name: lists-ships}, {name: zzz}]}\n"
    )
    assert [found.hint for found in loaded.errors] == [
        "did you mean `call: a.list-ships`?",
        "did you mean `call: a.list-ships`?",
        "add `call: namespace.operation`",
    ]


@pytest.mark.parametrize(
    ("resource", "operation", "route"),
    [
        ("/x", "y", "/x/y"),
        ("/x/", "/y", "/x/y"),
        ("/x", "/x/y", "/x/y"),
        ("/x", "/xy", "/x/xy"),
        ("/", "/y", "/y"),
        ("x", "", "/x"),
    ],
)
def test_routes(resource, operation, route):
    unit, _ = only_unit(api(""), rest(f"path: '{operation}'", path=resource))
    assert unit.path == route


def test_the_second_of_two_same_routes_is_told():
    text = (
        "exposes:\n- type: rest\n  resources:\n"
        "  - {path: '/x/{a}', operations: [{method: GET, call: a.o}, {method: get, call: a.o}, {method: POST, call: a.o}]}\n"
        "  - {path: '/x/{{b}}', operations: [{method: GET, call: a.o}]}\n  - {path: '/x/{a}/y', operations: [{method: GET, call: a.o}]}\n"
    )
    loaded = capability(api("") + text)
    assert rules(loaded) == ["duplicate-route", "duplicate-route"]
    assert loaded.diagnostics[0].related


def test_names_of_units_without_one():
    text = "exposes:\n- {type: rest, resources: [{path: /x, operations: [{call: a.o}, {method: POST, outputParameters: [{const: 1}]}]}]}\n- {type: mcp, tools: [{call: a.o}, {outputParameters: [{const: 1}]}]}\n"
    loaded = capability(api("") + text)
    assert [unit.name for unit in loaded.units] == ["o", "post-/x", "o", "tool-"]


def test_a_forward():
    text = "exposes:\n- type: rest\n  resources:\n  - {path: '/all/{path}', forward: {targetNamespace: a, trustedHeaders: [X-A]}}\n  - {path: /none, forward: {targetNamespace: b}}\n"
    loaded = capability(api("") + text)
    good, bad = loaded.units
    assert good.plan.action == ForwardAction("a", frozenset({"x-a"}), "path")
    assert (bad.executable, rules(loaded)) == (False, ["unknown-namespace"])


def test_resources_of_an_mcp_adapter():
    text = (
        "exposes:\n- type: mcp\n  resources:\n  - {name: r, uri: 'ship://{imo}', call: a.o, with: {q: mcp.imo}}\n"
        "  - {uri: 'docs://all', location: 'file://./docs'}\n  - {name: none}\n"
    )
    loaded = capability(api(OPERATION) + text)
    dynamic, static = loaded.plan.adapters[0].resources
    assert (dynamic.variables, dynamic.unit.inputs.inputs[0].name, static.directory, static.name) == (
        ("imo",), "imo", "file://./docs", "docs://all",
    )  # fmt: skip


def test_secrets_of_an_adapter_and_the_variables_they_need():
    binds = "binds:\n- {namespace: env, keys: {KEY: KEY}}\n"
    loaded = capability(
        binds
        + api("")
        + tool("")
        + "  authentication: {type: apikey, key: X-K, value: '{{KEY}}', headers: {A: '{{env.KEY}}'}}\n"
    )
    (adapter,) = loaded.plan.adapters
    assert set(adapter.secrets) == {"key", "value", "headers.A"}
    assert set(adapter.variables) == {"KEY", "env.KEY"}


def test_everything_wrong_is_told_in_one_go_and_the_rest_is_served():
    text = (
        "consumes:\n- namespace: a\n  baseUri: http://h\n  oops: 1\n  resources:\n  - path: /r\n    operations:\n"
        "    - {name: o}\n    - {name: broken, body: {data: '{{#x}}'}}\n"
        "exposes:\n- type: mcp\n  tools:\n  - {name: t1, call: a.gone}\n  - {name: t2, ref: b.gone}\n  - {name: t3}\n  - {name: t4, call: a.o}\n"
        "  - {name: t5, steps: [{type: lookup, index: gone, match: m, lookupValue: v}]}\n"
    )
    loaded = capability(text)
    assert [unit.executable for unit in loaded.units] == [False, False, False, True, False]
    assert sorted(rules(loaded)) == sorted(
        ["unknown-key", "broken-template", "unknown-call", "unknown-ref", "nothing-to-execute", "unknown-step"]
    )
    assert all(found.position.line > 1 for found in loaded.diagnostics)


def large(count):
    names = [f"get-thing-{n}" for n in range(count)]
    operations = "".join(
        f"  - path: /things/{{thingId{n}}}\n    operations:\n    - name: {name}\n      method: GET\n      inputParameters:\n"
        f"      - {{name: thingId{n}, in: path}}\n      - {{name: $filter, in: query, description: Filters}}\n"
        for n, name in enumerate(names)
    )
    routes = "".join(
        f"  - path: /v1/{{thingid{n}}}/x{n}\n    operations:\n    - {{method: GET, name: {name}, call: a.{name}, with: {{thingId{n}: rest.thingid{n}}}}}\n"
        for n, name in enumerate(names)
    )
    tools = "".join(f"  - {{name: {name}, call: a.{name}}}\n" for name in names)
    return (
        f"consumes:\n- namespace: a\n  baseUri: http://h\n  resources:\n{operations}"
        f"exposes:\n- type: rest\n  namespace: w\n  resources:\n{routes}- type: mcp\n  namespace: m\n  tools:\n{tools}"
    )


def test_linking_takes_time_in_proportion_to_the_file():
    """Four times the operations take about four times the time; a quadratic step would take sixteen."""

    def seconds(count):
        text = large(count)
        began = time.process_time()
        loaded = capability(text)
        spent = time.process_time() - began
        assert len(loaded.units) == 2 * count
        assert not list(loaded.diagnostics)
        return spent

    # The least of several: the collector and other processes take their time now and then.
    few, many = (min(seconds(count) for _ in range(3)) for count in (100, 400))
    assert many < 10 * few


def test_a_unit_knows_the_variables_that_it_needs():
    """Those of ``with``, of outputs, of what it calls; not those that an argument or an input of the same name fills."""
    operation = (
        "inputParameters: [{name: k, in: header, value: '{{API_KEY}}'}, {name: z, in: query, value: 'z-{{zone}}'}, "
        "{name: q, in: query}, {name: e, in: query, value: '{{env.HOME}}'}]"
    )
    outputs = "outputParameters: [{name: r, value: '{{REGION}}'}]\n"
    unit, _ = only_unit(api(operation), tool("with: {q: 'x {{TOKEN}}'}\n" + outputs))
    assert set(unit.plan.variables) == {"API_KEY", "zone", "TOKEN", "REGION", "env.HOME"}
    unit, _ = only_unit(api(operation), tool("with: {zone: eu, q: tools.q}"))
    assert set(unit.plan.variables) == {"API_KEY", "env.HOME"}
    unit, _ = only_unit(api(operation), tool("inputParameters: [{name: zone}, {name: API_KEY}]"))
    assert set(unit.plan.variables) == {"env.HOME"}


def test_steps_and_functions_need_the_variables_of_what_they_call():
    operation = "inputParameters: [{name: k, in: header, value: '{{API_KEY}}'}]"
    unit, _ = only_unit(api(operation), tool("steps: [{name: s, call: a.o}]", call="tags: []"))
    assert unit.plan.variables == ("API_KEY",)
    function = "aggregates:\n- {namespace: n, functions: [{name: f, call: a.o, inputParameters: [{name: x}]}]}\n"
    unit, _ = only_unit(api(operation), function, tool("with: {x: 1}", call="ref: n.f"))
    assert unit.plan.variables == ("API_KEY",)


def test_a_resource_without_an_address_is_told():
    loaded = capability(api("") + "exposes:\n- {type: mcp, resources: [{name: none, call: a.o}]}\n")
    assert rules(loaded) == ["missing-name"]
