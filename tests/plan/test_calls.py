"""Which argument comes from where: ``with``, the same name, the same placeholder, an input of its own (SEMANTICS 3.1 to 3.4)."""

from __future__ import annotations

import pytest
from linked_units import api, capability, only_unit, query_of, request_of, rest, rules, tool

QUERY = (
    "inputParameters: [{name: q, in: query, type: integer, description: Which, required: true}, {name: s, in: query}]"
)


def shown(unit):
    return [(given.name, given.location, given.type, given.required) for given in unit.inputs]


def test_with_is_first():
    unit, loaded = only_unit(api(QUERY), rest("with: {q: rest.number, s: fixed}"))
    assert shown(unit) == [("number", "query", "integer", True)]
    assert query_of(request_of(unit, number="5")) == [("q", "5"), ("s", "fixed")]
    assert not list(loaded.diagnostics)


def test_the_callers_input_of_the_same_name_is_second():
    unit, _ = only_unit(api(QUERY), rest(""))
    assert shown(unit) == [("q", "query", "integer", True), ("s", "query", "string", False)]
    assert query_of(request_of(unit, q=5)) == [("q", "5")]


@pytest.mark.parametrize(
    ("path", "wire"),
    [("/x/{riskDetection-id}", "riskDetection-id"), ("/x/{riskdetection-id}/{riskDetection_ID}", "riskdetection-id")],
)
def test_the_exposed_placeholder_that_is_equal_after_folding_is_third(path, wire):
    unit, _ = only_unit(api("", resource="/r/{riskDetection_id}"), rest("", path=path))
    assert [(given.location, given.wire_name) for given in unit.inputs] == [("path", wire)]
    assert request_of(unit, **{unit.inputs[0].name: "v"}).url.path == "/r/v"


def test_an_exact_placeholder_comes_before_a_folded_one():
    unit, _ = only_unit(api("", resource="/r/{id}"), rest("", path="/x/{ID}/{id}"))
    assert [(given.name, given.wire_name) for given in unit.inputs] == [("id", "id")]


def test_a_placeholder_that_the_route_lost_is_a_required_query_parameter():
    unit, _ = only_unit(api("", resource="/r/{id}"), rest(""))
    assert shown(unit) == [("id", "query", "string", True)]


def test_declared_inputs_win_and_are_not_added_to():
    optional = QUERY.replace("required: true", "required: false")
    unit, loaded = only_unit(api(optional), rest("inputParameters: [{name: s, in: query}]"))
    assert [given.name for given in unit.inputs] == ["s"]
    assert query_of(request_of(unit, s="v")) == [("s", "v")]
    assert not loaded.errors


def test_but_for_what_a_path_can_not_do_without():
    unit, _ = only_unit(api("", resource="/r/{id}"), rest("inputParameters: [{name: s, in: query}]"))
    assert [given.name for given in unit.inputs] == ["s", "id"]


def test_a_declared_input_is_the_path_placeholder_after_folding():
    unit, _ = only_unit(api("", resource="/r/{shipImo}"), tool("inputParameters: [{name: ship_imo, type: string}]"))
    assert request_of(unit, ship_imo="9").url.path == "/r/9"


def test_an_undeclared_name_in_with_is_told():
    optional = QUERY.replace("required: true", "required: false")
    unit, loaded = only_unit(
        api(optional), tool("inputParameters: [{name: number, type: integer}]\nwith: {q: '{{nmber}}', s: tools.other}")
    )
    assert [(found.rule, found.hint) for found in loaded.diagnostics] == [
        ("undeclared-input", "did you mean `number`?"),
        ("undeclared-input", "declared: number"),
    ]
    assert query_of(request_of(unit, number=1)) == []


def test_a_flat_name_with_dots_and_brackets_is_one_name():
    unit, _ = only_unit(api(QUERY), rest("with: {q: rest.body.tty_size.height, s: 'rest.page[token]'}"))
    assert [given.name for given in unit.inputs] == ["body.tty_size.height", "page[token]"]
    assert query_of(unit.request({"body.tty_size.height": 5, "page[token]": "t"})) == [("q", "5"), ("s", "t")]


def test_header_names_in_with_have_no_case():
    unit, loaded = only_unit(
        api("inputParameters: [{name: X-Api-Version, in: header}]"), tool("with: {x-api-version: '2'}")
    )
    assert request_of(unit).headers["x-api-version"] == "2"
    assert unit.inputs == ()
    assert not list(loaded.diagnostics)


def test_a_with_key_for_a_path_may_be_spelt_otherwise():
    unit, loaded = only_unit(api("", resource="/r/{ship-imo}"), tool("with: {shipImo: tools.imo}"))
    assert [given.name for given in unit.inputs] == ["imo"]
    assert not list(loaded.diagnostics)


def test_a_null_in_with_maps_nothing():
    unit, _ = only_unit(api(QUERY), tool("with: {q: , s: x}"))
    assert [given.name for given in unit.inputs] == ["q"]


@pytest.mark.parametrize(
    ("key", "told"), [("q", "fixed-parameter"), ("host", None), ("content-type", "unknown-argument")]
)
def test_with_keys_that_can_not_be_arguments(key, told):
    unit, loaded = only_unit(api("inputParameters: [{name: q, in: query, value: '1'}]"), tool(f"with: {{{key}: v}}"))
    assert rules(loaded) == ([told] if told else [])
    request = request_of(unit)
    assert query_of(request) == [("q", "1")]
    assert request.headers["host"] == "api.test"
    assert request.headers.get("content-type") == ("v" if key == "content-type" else None)


@pytest.mark.parametrize(
    ("call", "hint"),
    [
        ("a.zzz", "known: o"),
        ("aa.oo", "known: a"),
        ("zz.y", "known: a"),
        ("oops", "known: a.o"),
        ("kv.get", ""),
    ],
)
def test_a_call_to_nothing_stops_only_its_unit(call, hint):
    text = (
        api("")
        + "- {namespace: kv, type: workers-kv}\nexposes:\n- type: mcp\n  tools:\n"
        + f"  - {{name: bad, call: {call}}}\n  - {{name: good, call: a.o}}\n"
    )
    loaded = capability(text)
    bad, good = loaded.units
    assert (bad.executable, good.executable) == (False, True)
    assert bad.reason
    (error,) = loaded.errors
    assert (error.rule, error.hint) == ("unknown-call", hint)


def test_a_thousand_wrong_calls_are_told_without_a_thousand_searches():
    """Looking for near names is quadratic; it stops after some, the calls are told all the same."""
    names = [f"operation-number-{n}" for n in range(600)]
    operations = ", ".join(f"{{name: {name}}}" for name in names)
    tools = "".join(f"  - {{name: t{n}, call: a.{name}x}}\n" for n, name in enumerate(names))
    text = f"consumes:\n- {{namespace: a, resources: [{{path: /r, operations: [{operations}]}}]}}\n"
    loaded = capability(f"{text}exposes:\n- type: mcp\n  tools:\n{tools}")
    assert len(loaded.errors) == 600
    assert loaded.errors[0].hint == "did you mean `a.operation-number-0`?"
    assert loaded.errors[-1].hint.startswith("known: ")


def test_a_call_may_name_the_resource_and_namespaces_may_hold_dots():
    text = (
        "consumes:\n- namespace: a.b\n  baseUri: http://h\n  resources:\n"
        "  - {name: r, path: /r, operations: [{name: get}]}\n  - {name: s, path: /s, operations: [{name: get}]}\n"
        "exposes:\n- type: mcp\n  tools: [{name: t, call: a.b.s.get}, {name: u, call: ' a.b.get '}]\n"
    )
    loaded = capability(text)
    assert [str(unit.request().url) for unit in loaded.units] == ["http://h/s", "http://h/r"]


def test_inputs_that_stand_in_a_structure_have_no_type_of_their_own():
    unit, _ = only_unit(
        api(
            "inputParameters: [{name: payload, in: body, type: object, required: true, description: All}]",
            method="POST",
        ),
        rest("with: {payload: {a: rest.x, b: ['{{y}}'], c: 'n {{z}}'}}", method="POST"),
    )
    assert [(given.name, given.location, given.type, given.whole_body) for given in unit.inputs] == [
        (name, "body", None, False) for name in "xyz"
    ]
    assert not any(given.required or given.description for given in unit.inputs)
    assert request_of(unit, x=1, y={"k": 2}, z=3).content == b'{"a":1,"b":[{"k":2}],"c":"n 3"}'


def test_an_input_written_into_a_text_is_text():
    unit, _ = only_unit(api(QUERY), tool("with: {q: 'id:{{id}}'}"))
    assert shown(unit)[0] == ("id", "argument", "string", True)
    assert query_of(request_of(unit, id=5)) == [("q", "id:5")]


def test_an_input_that_fills_two_parameters_is_one_input():
    unit, _ = only_unit(api(QUERY), tool("with: {q: tools.n, s: tools.n}"))
    assert shown(unit) == [("n", "argument", "integer", True)]
    assert query_of(request_of(unit, n=5)) == [("q", "5"), ("s", "5")]
