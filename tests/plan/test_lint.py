"""What works and is most likely not meant is told where it stands; good files hear nothing (SEMANTICS 1.4)."""

from __future__ import annotations

import pytest
from linked_units import api, capability, rest, tool

from naftiko.plan.actions import CallAction


def lint(*parts, **variables):
    """Return what lint says, as rule, severity, line and column, and all it says."""
    found = capability("".join(parts), **variables).lint()
    return [(each.rule, each.severity.value, each.position.line, each.position.column) for each in found], found


def only(rule, *parts):
    places, found = lint(*parts)
    return [place for place in places if place[0] == rule], [each for each in found if each.rule == rule]


# --- parameters ---------------------------------------------------------------------------------------------------

CONTRADICTIONS = {
    "{name: p, in: query, enum: [a, b], default: c}": ("default", "must be one of: a, b"),
    "{name: p, in: query, type: integer, default: many}": ("default", "must be an integer"),
    "{name: p, in: query, type: boolean, default: maybe}": ("default", "must be true or false"),
    "{name: p, in: query, type: array, default: a}": ("default", "must be an array"),
    "{name: p, in: query, type: string, default: {a: 1}}": ("default", "must be a string"),
    "{name: p, in: query, pattern: '^[0-9]+$', default: x}": ("default", "must match"),
    "{name: p, in: query, type: integer, minimum: 1, default: 0}": ("default", "at least 1"),
    "{name: p, in: query, type: number, maximum: 1, default: 1.5}": ("default", "at most 1"),
    "{name: p, in: query, maxLength: 2, default: abc}": ("default", "at most 2 characters"),
    "{name: p, in: query, minLength: 4, default: abc}": ("default", "at least 4 characters"),
    "{name: p, in: query, type: integer, minimum: 5, maximum: 1}": ("maximum", "no value is from 5"),
    "{name: p, in: query, minLength: 5, maxLength: 1}": ("maxLength", "no value is from 5 to 1"),
    "{name: p, in: query, type: integer, enum: [1, two]}": ("two", "is of type integer"),
    "{name: p, in: query, type: array, items: {type: integer, enum: [x]}}": ("x]", "an element is of type integer"),
}
PLACES = ("consumes", "resource", "operation", "adapter", "route-resource", "route", "tool", "function")


def with_parameter(place, written):
    """Return a file with an input parameter in one of all places that may declare one."""
    key = f"inputParameters: [{written}]"
    keys = {name: f"{key}\n" if name == place else "x-note: n\n" for name in PLACES}
    return (
        f"consumes:\n- namespace: a\n  baseUri: http://h\n  {keys['consumes']}  resources:\n  - path: /r\n    {keys['resource']}"
        f"    operations:\n    - name: o\n      method: GET\n      {keys['operation']}"
        f"aggregates:\n- namespace: g\n  functions:\n  - name: f\n    call: a.o\n    {keys['function']}"
        f"exposes:\n- type: rest\n  namespace: web\n  {keys['adapter']}  resources:\n  - path: /r\n    {keys['route-resource']}"
        f"    operations:\n    - method: GET\n      call: a.o\n      {keys['route']}"
        f"- type: mcp\n  namespace: m\n  tools:\n  - name: t\n    call: a.o\n    {keys['tool']}"
    )


@pytest.mark.parametrize("written", CONTRADICTIONS)
def test_a_parameter_that_contradicts_itself_is_told(written):
    at, words = CONTRADICTIONS[written]
    text = with_parameter("operation", written)
    places, found = only("contradictory-parameter", text)
    line = next(number for number, each in enumerate(text.splitlines(), 2) if written in each)
    column = (
        text.splitlines()[line - 2].index(written) + written.rindex(f"{at}" if at in {"two", "x]"} else f"{at}:") + 1
    )
    column += 0 if at in {"two", "x]"} else len(at) + 2
    assert places == [("contradictory-parameter", "error", line, column)]
    assert words in found[0].message


@pytest.mark.parametrize("place", PLACES)
def test_a_parameter_is_checked_wherever_it_is_declared(place):
    places, _ = only("contradictory-parameter", with_parameter(place, "{name: p, in: query, enum: [a, b], default: c}"))
    assert len(places) == 1


@pytest.mark.parametrize(
    "written",
    [
        "{name: p, in: query, enum: [a, b], default: a}",
        "{name: p, in: query, type: integer, default: '10'}",
        "{name: p, in: query, type: boolean, default: 'true'}",
        "{name: p, in: query, type: string, enum: [1, 2], default: 1}",
        "{name: p, in: query, type: string, enum: [1, 2], default: '2'}",
        "{name: p, in: query, type: number, minimum: 1, default: 1}",
        "{name: p, in: query, type: array, default: [a]}",
        "{name: p, in: query, type: array, default: '[1]'}",
        "{name: p, in: query, type: [string, 'null'], enum: [a, null], default: }",
        "{name: p, in: query, pattern: '[', default: x}",
        "{name: p, in: body, type: object, default: {a: 1}}",
    ],
)
def test_a_parameter_that_agrees_with_itself_is_not_told(written):
    assert only("contradictory-parameter", with_parameter("operation", written))[0] == []


def test_numbers_in_an_enum_of_texts_are_texts():
    """A caller who gives one of them is not refused."""
    loaded = capability(
        api("") + tool("inputParameters: [{name: p, type: string, enum: [1, true, a]}]\nwith: {q: tools.p}")
    )
    (unit,) = loaded.units
    assert unit.inputs[0].schema["enum"] == ["1", "true", "a"]
    assert str(unit.request({"p": "1"}).url).endswith("?q=1")


@pytest.mark.parametrize("place", ["operation", "tool"])
def test_a_broken_pattern_checks_nothing_and_is_told(place):
    loaded = capability(with_parameter(place, "{name: p, in: query, pattern: '['}"))
    assert [found.rule for found in loaded.diagnostics if found.rule == "broken-pattern"] == ["broken-pattern"]
    unit = loaded.units[-1]
    assert isinstance(unit.plan.action, CallAction)
    unit.checked({"p": "x"})


HEADERS = [
    "{name: 'X A', in: header}",
    "{name: 'X:A', in: header}",
    "{name: 'c d', in: cookie}",
    "{name: é, in: header}",
]


@pytest.mark.parametrize(
    "written", [*HEADERS, '{name: X-A, in: header, value: "a\\nb"}', '{name: X-A, in: Header, value: "a\\rb"}']
)
def test_a_header_that_can_not_be_sent_is_told(written):
    assert [place[1] for place in only("bad-header", with_parameter("operation", written))[0]] == ["error"]


@pytest.mark.parametrize("headers", ["{'X A': v}", '{X-A: "a\\nb"}'])
def test_a_constant_header_that_can_not_be_sent_is_told(headers):
    assert len(only("bad-header", api("", consumes=f"headers: {headers}") + tool(""))[0]) == 1


@pytest.mark.parametrize(
    "written", ["{name: X-A_b.c, in: header}", "{name: 'a b', in: query}", '{name: X-A, in: header, value: "a\\n"}']
)
def test_a_header_that_can_be_sent_is_not_told(written):
    assert only("bad-header", with_parameter("operation", written))[0] == []


# --- what is served -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "severity"),
    [
        ("", "error"),
        ("info: {label: x}\n", "error"),
        ("exposes: []\n", "error"),
        ("exposes:\n", "error"),
        ("consumes: [{namespace: a}]\n", "hint"),
        ("aggregates: [{namespace: a}]\n", "hint"),
        ("binds: [{namespace: a}]\n", "hint"),
        ("exposes: [{type: rest}]\n", "error"),
        ("exposes: [{type: mcp, tools: []}]\n", "error"),
        ("exposes: [{type: mcp}, {type: rest, resources: []}]\n", "error"),
        (
            "exposes: [{type: rest}, {type: mcp, tools: [{name: t, outputParameters: [{name: a, value: b}]}]}]\n",
            "warning",
        ),
    ],
)
def test_a_file_that_serves_nothing_is_told(text, severity):
    places, _ = only("nothing-served", text)
    assert {place[1] for place in places} == {severity}


@pytest.mark.parametrize(
    "text",
    [
        "exposes: [{type: mcp, prompts: [{name: p, template: [{role: user, content: c}]}]}]\n",
        "exposes: [{type: mcp, resources: [{name: r, uri: 'x://y', location: file://./d}]}]\n",
        "exposes: [{type: rest, resources: [{path: '/{path}', forward: {targetNamespace: a}}]}]\n",
        "exposes: [{type: control, port: 9}]\n",
    ],
)
def test_a_file_that_serves_something_is_not_told(text):
    """A control adapter alone serves its operator."""
    assert only("nothing-served", text)[0] == []


def test_a_prompt_that_says_nothing_is_told():
    text = "exposes: [{type: mcp, prompts: [{name: p}, {name: q, template: [{role: user, content: c}]}]}]\n"
    assert [place[1] for place in only("nothing-served", text)[0]] == ["warning"]


def test_a_file_of_unknown_adapters_alone_serves_nothing():
    assert [place[1] for place in only("nothing-served", "exposes: [{type: rset}, {type: mpc}]\n")[0]] == ["error"]


@pytest.mark.parametrize(
    ("keys", "kind"),
    [
        ("tools: [{name: t, call: a.o}]", "mcp"),
        ("prompts: []", "mcp"),
        ("transport: http", "mcp"),
        ("resources: [{path: /r, method: GET, call: a.o}]", "rest"),
        ("paths: {/r: {get: a.o}}", "rest"),
        ("skills: []", "skill"),
        ("management: {health: true}", "control"),
    ],
)
def test_an_adapter_without_a_type_is_what_its_keys_say(keys, kind):
    loaded = capability(api("") + f"exposes:\n- namespace: n\n  {keys}\n")
    (found,) = [each for each in loaded.diagnostics if each.rule == "missing-type"]
    assert (found.severity.value, found.hint, found.position.column) == ("warning", f"add `type: {kind}`", 3)
    assert [adapter.type for adapter in loaded.document.exposes] == [kind]


def test_an_adapter_that_says_nothing_is_told():
    assert [place[1:3] for place in only("missing-type", api("") + "exposes: [{namespace: n, port: 9}]\n")[0]] == [
        ("warning", 10)
    ]


def test_a_step_without_a_type_is_what_its_keys_say():
    steps = "steps: [{name: s, call: a.o}, {name: l, index: s, match: id, lookupValue: '{{x}}'}]"
    loaded = capability(api("") + tool(steps, call="x-y: z"))
    assert [found.rule for found in loaded.diagnostics] == ["missing-type"]
    assert loaded.units[0].executable


# --- tools, lookups, variables ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("length", "words"), [(1024, None), (1025, "refuse more than 1,024"), (2049, "Claude Code cuts it")]
)
def test_a_tool_description_beyond_what_clients_take(length, words):
    text = api("") + tool("").replace("description: d", f"description: {'w' * length}")
    _, found = only("tool-description-length", text)
    assert [words in each.message for each in found] == ([True] if words else [])


OUTPUTS = {
    "[{type: array, items: {type: object, properties: {id: {type: string}, name: {type: string}}}}]": "s",
    "[{type: object, properties: {rows: {type: array, items: {type: object, properties: {id: {}, name: {}}}}}}]": "s.rows",
    "[{name: rows, type: array, value: $.data, items: {type: object, properties: {id: {}, name: {}}}}]": "$.s.rows",
    "[{type: object, properties: {id: {type: array}, name: {type: array}}}]": "s",
}


@pytest.mark.parametrize(("outputs", "index"), OUTPUTS.items())
@pytest.mark.parametrize(
    ("match", "taken", "missed"),
    [("id", "[name]", []), ("ids", "[name]", ["match"]), ("id", "[nme]", ["outputParameters"])],
)
def test_a_lookup_by_what_no_item_declares_is_told(outputs, index, match, taken, missed):
    steps = (
        "steps:\n- {type: call, name: s, call: a.o}\n"
        f"- {{type: lookup, name: l, index: {index}, match: {match}, lookupValue: x, outputParameters: {taken}}}\n"
    )
    _, found = only("unknown-field", api(f"outputParameters: {outputs}") + tool(steps, call="x-y: z"))
    hints = {"match": "did you mean `id`?", "outputParameters": "did you mean `name`?"}
    assert [each.hint for each in found] == [hints[key] for key in missed]


@pytest.mark.parametrize("outputs", ["[{type: array, mapping: $.}]", "[{name: other, value: $.x}]", "[]"])
def test_a_lookup_in_what_nobody_declares_is_not_told(outputs):
    steps = (
        "steps:\n- {type: call, name: s, call: a.o}\n- {type: lookup, name: l, index: s, match: q, lookupValue: x}\n"
    )
    assert only("unknown-field", api(f"outputParameters: {outputs}") + tool(steps, call="x-y: z"))[0] == []


@pytest.mark.parametrize(
    ("operation", "unit", "hints"),
    [
        ("inputParameters: [{name: p, in: header, value: 'Bearer ${T}'}]", "", ["write `{{T}}`"]),
        ("inputParameters: [{name: p, in: query, value: $env.Q}]", "", ["write `{{env.Q}}`"]),
        ("inputParameters: [{name: p, in: query, value: {a: ['${Q}']}}]", "", ["write `{{Q}}`"]),
        ("body: {type: json, data: {a: '${B}', b: 'hello ${name}', c: $5}}", "", ["write `{{B}}`"]),
        ("", "with: {f: '${F}', g: $top, h: '%H%', i: $.x, j: '$5'}", ["write `{{F}}`", "write `{{H}}`"]),
        ("inputParameters: [{name: p, in: query, value: $.x}]", "", []),
    ],
)
def test_a_shells_variable_where_its_text_is_sent_is_told(operation, unit, hints):
    _, found = only("shell-variable", api(operation, method="POST") + tool(unit))
    assert [each.hint for each in found] == hints


def test_what_stands_beside_a_variable_is_not_shown():
    _, found = only("shell-variable", api("inputParameters: [{name: p, in: header, value: 'hidden ${T}'}]") + tool(""))
    assert "hidden" not in found[0].message


def test_a_good_file_hears_nothing_of_all_this():
    rules = {place[0] for place in lint(api("") + tool(""))[0]} | {place[0] for place in lint(api("") + rest(""))[0]}
    assert rules <= {"missing-description", "tool-description"}
