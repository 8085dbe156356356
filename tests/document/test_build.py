"""The typed model out of YAML: every shape of a value, and everything wrong told with its place (SEMANTICS 1.3, 1.4)."""

from __future__ import annotations

from pathlib import Path

import pytest

from naftiko.document.load import parse_document
from naftiko.document.model import (
    CallStep,
    ConsumesHttp,
    Import,
    LookupStep,
    McpAdapter,
    RestAdapter,
    ScriptStep,
    SkillAdapter,
    UnknownAdapter,
    UnknownAuthentication,
    UnknownConsumes,
    UnknownStep,
)

HEAD = "naftiko: 1.0.0-alpha2\n"


def load(text):
    return parse_document(HEAD + text, Path("f.yaml"))


def told(loaded):
    return [(found.rule, found.position.line) for found in loaded.findings]


def consumed(text):
    loaded = load(f"consumes:\n- namespace: a\n{text}")
    return loaded.document.consumes[0], loaded


def test_unknown_keys_never_stop_a_file_and_say_which_key_was_meant():
    loaded = load("consumes:\n- namespace: a\n  baseUrri: http://h\n  x-mine: 1\n  zzzz: 1\n")
    assert told(loaded) == [("unknown-key", 4), ("unknown-key", 6)]
    first, second = loaded.findings
    assert first.hint == "did you mean `baseUri`?"
    assert second.hint.startswith("known keys: ")
    assert loaded.document.consumes[0].namespace == "a"


UNITS = "[{type: rest, resources: [{path: /r, operations: [{method: GET, call: a.o}]}]}]"
API = "[{namespace: a, resources: [{path: /r, operations: [{name: o, method: GET}]}]}]"


@pytest.mark.parametrize(
    ("text", "line", "key", "meant"),
    [
        (f"expose: {UNITS}\nconsumes: {API}\n", 2, "expose", "exposes"),
        (f"exposed: {UNITS}\n", 2, "exposed", "exposes"),
        (f"Exposes: {UNITS}\n", 2, "Exposes", "exposes"),
        (f"consume: {API}\n", 2, "consume", "consumes"),
        (f"capabilty:\n  exposes: {UNITS}\n", 2, "capabilty", "capability"),
        (f"capability:\n  expose: {UNITS}\n", 3, "expose", "exposes"),
        ("exposes:\n- type: mcp\n  tool: [{name: t}]\n", 4, "tool", "tools"),
        ("exposes:\n- type: rest\n  resource: []\n", 4, "resource", "resources"),
        (
            "exposes:\n- type: rest\n  resources:\n  - path: /r\n    operation: [{method: GET, call: a.o}]\n",
            6,
            "operation",
            "operations",
        ),
        ("consumes:\n- namespace: a\n  resurces: []\n", 4, "resurces", "resources"),
        ("consumes:\n- resources:\n  - path: /r\n    opertions: []\n", 5, "opertions", "operations"),
        ("aggregates:\n- namespace: g\n  function: []\n", 4, "function", "functions"),
        ("aggregates:\n- namespace: g\n  flow: []\n", 4, "flow", "flows"),
        ("exposes:\n- type: mcp\n  tools:\n  - name: t\n    step: [{call: a.o}]\n", 6, "step", "steps"),
        ("exposes:\n- type: mcp\n  tools:\n  - name: t\n    cal: a.o\n", 6, "cal", "call"),
    ],
)
def test_a_near_miss_of_what_a_file_serves_is_an_error(text, line, key, meant):
    (found,) = [found for found in load(text).findings if found.rule == "unknown-key"]
    assert (found.severity.value, found.position.line) == ("error", line)
    assert found.message.startswith(f"`{key}` is no key of ")
    assert found.hint == f"did you mean `{meant}`?"


def test_a_near_miss_beside_the_key_itself_is_a_warning():
    (found,) = load(f"exposes: {UNITS}\nexpose: []\n").findings
    assert (found.rule, found.severity.value, found.hint) == ("unknown-key", "warning", "did you mean `exposes`?")


def test_one_broken_thing_takes_no_other_down():
    loaded = load("exposes:\n- type: rest\n  port: [1]\n  resources: word\n- type: mcp\n  port: 9\n")
    assert told(loaded) == [("wrong-type", 4), ("wrong-type", 5)]
    rest, mcp = loaded.document.exposes
    assert (rest.port, rest.resources, mcp.port) == ("", (), 9)


@pytest.mark.parametrize(
    ("written", "value"),
    [("8080", 8080), ('"8080"', 8080), ('" 8080 "', 8080), ("-1", -1)],
)
def test_whole_numbers_may_be_quoted(written, value):
    assert load(f"exposes:\n- type: rest\n  port: {written}\n").document.exposes[0].port == value


@pytest.mark.parametrize("written", ["80a", "8.5", "true", '"--5"', '"²"', f'"{"9" * 5000}"', "[1]", "{{PORT}}"])
def test_what_is_no_whole_number_is_told(written):
    loaded = load(f"exposes:\n- type: rest\n  port: {written}\n")
    assert ("wrong-type", 4) in told(loaded)
    assert isinstance(loaded.document.exposes[0].port, str)


@pytest.mark.parametrize(
    ("written", "severity"),
    [
        ("99999", "error"),
        ("65536", "error"),
        ('"99999"', "error"),
        ("-1", "error"),
        ("0", "warning"),
        ('"0"', "warning"),
    ],
)
@pytest.mark.parametrize("kind", ["rest", "mcp", "skill", "control", "http"])
def test_a_port_is_from_1_to_65535(kind, written, severity):
    loaded = load(f"exposes:\n- type: {kind}\n  port: {written}\n")
    (found,) = loaded.findings
    assert (found.rule, found.severity.value, found.position.line, found.position.column) == (
        "port-range",
        severity,
        4,
        9,
    )
    assert "1 to 65535" in found.hint


@pytest.mark.parametrize("written", ["1", "65535", '"8080"', '"{{PORT}}"', "'{{env.PORT}}'", '"80{{N}}"'])
def test_a_port_may_be_a_template(written):
    loaded = load(f"exposes:\n- type: rest\n  port: {written}\n")
    assert not list(loaded.findings)
    assert str(loaded.document.exposes[0].port) == written.strip("'\"")


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ('"${PORT}"', 'write "{{PORT}}"'),
        ("$env.PORT", 'write "{{env.PORT}}"'),
        ("$PORT", 'write "{{PORT}}"'),
        ("'%PORT%'", 'write "{{PORT}}"'),
        ("{{PORT}}", 'quote a template: "{{name}}"'),
    ],
)
def test_a_port_that_is_another_tools_variable_is_answered_with_ours(written, hint):
    loaded = load(f"exposes:\n- type: rest\n  port: {written}\n")
    assert [found.hint for found in loaded.findings if found.rule == "wrong-type"] == [hint]


@pytest.mark.parametrize(("written", "value"), [("true", True), ('"false"', False), ("'TRUE'", True)])
def test_booleans_may_be_quoted(written, value):
    loaded = load(f"exposes:\n- type: mcp\n  tools:\n  - name: t\n    hints: {{readOnly: {written}}}\n")
    assert loaded.document.exposes[0].tools[0].hints.read_only is value


@pytest.mark.parametrize(("written", "value"), [("1", 1), ("1.5", 1.5), ('"2"', 2)])
def test_numbers_may_be_quoted(written, value):
    api, _ = consumed(f"  inputParameters:\n  - {{name: p, minimum: {written}}}\n")
    assert api.input_parameters[0].minimum == value


def test_an_unquoted_template_says_how_to_quote_it():
    loaded = load("consumes:\n- namespace: a\n  baseUri: {{BASE}}\n")
    wrong = next(found for found in loaded.findings if found.rule == "wrong-type")
    assert '"{{name}}"' in wrong.hint


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("  resources: 5", "a list, or a mapping from names"),
        ("  resources:\n  - [a]", "a list of mappings"),
        ("  resources:\n    a: [b]", "a mapping from names to mappings"),
        ("  resources:\n    a: word", "a mapping from names to mappings"),
        ("  authentication: [x, y]", "a mapping"),
        ("  tags: {a: b}", "a list of texts"),
        ("  headers: word", "a mapping"),
        ("  inputParameters:\n  - {name: a, enum: word}", "a list"),
        ("  inputParameters:\n  - {name: a, minimum: low}", "a number"),
        ("  inputParameters:\n  - {name: a, required: maybe}", "true or false"),
    ],
)
def test_a_value_of_the_wrong_shape_says_what_was_expected(line, expected):
    _, loaded = consumed(line + "\n")
    wrong = [found for found in loaded.findings if found.rule == "wrong-type"]
    assert len(wrong) == 1
    assert f"must be {expected}" in wrong[0].message


def test_words_are_checked_and_told_with_the_near_one():
    loaded = load("exposes:\n- {type: mcp, transport: htp}\n- {type: mcp, transport: STDIO}\n")
    assert told(loaded) == [("wrong-type", 3)]
    assert next(iter(loaded.findings)).hint == "did you mean `http`?"
    assert [adapter.transport for adapter in loaded.document.exposes] == [None, "stdio"]


RESOURCES_AS_LIST = "  resources:\n  - name: r\n    path: /r\n    operations:\n    - name: o\n      method: GET\n"
RESOURCES_AS_MAP = "  resources:\n    r:\n      path: /r\n      operations:\n        o:\n          method: GET\n"


@pytest.mark.parametrize("text", [RESOURCES_AS_LIST, RESOURCES_AS_MAP])
def test_named_things_are_a_list_or_a_map(text):
    api, loaded = consumed(text)
    assert not list(loaded.findings)
    (resource,) = api.resources
    assert (resource.name, resource.path) == ("r", "/r")
    assert [(operation.name, operation.method) for operation in resource.operations] == [("o", "GET")]


@pytest.mark.parametrize("key", ["type", "name", "in", "required", "items", "properties", "call", "namespace"])
def test_a_map_of_named_things_may_use_any_word_as_a_name(key):
    api, loaded = consumed(f"  inputParameters:\n    {key}: {{in: header, type: integer}}\n    other: {{in: query}}\n")
    assert not list(loaded.findings)
    assert [(given.name, given.location) for given in api.input_parameters] == [(key, "header"), ("other", "query")]


@pytest.mark.parametrize("key", ["type", "name", "call"])
def test_a_map_of_steps_may_use_any_word_as_a_name(key):
    loaded = load(f"exposes:\n- type: mcp\n  tools:\n  - name: t\n    steps:\n      {key}: {{call: a.b}}\n")
    (step,) = loaded.document.exposes[0].tools[0].steps
    assert isinstance(step, CallStep)
    assert (step.name, step.call) == (key, "a.b")


def test_the_key_of_a_map_is_the_name_even_beside_a_name_of_its_own():
    api, _ = consumed("  inputParameters:\n    limit: {name: other, in: query}\n")
    assert [given.name for given in api.input_parameters] == ["limit"]


def test_a_map_may_give_types_alone_or_nothing():
    api, loaded = consumed("  inputParameters:\n    a: integer\n    b:\n")
    assert not list(loaded.findings)
    assert [(given.name, given.type) for given in api.input_parameters] == [("a", "integer"), ("b", None)]


def test_a_list_may_give_names_alone():
    api, loaded = consumed("  inputParameters: [a, b]\n")
    assert not list(loaded.findings)
    assert [given.name for given in api.input_parameters] == ["a", "b"]


def test_a_single_adapter_needs_no_list():
    loaded = load("exposes:\n  type: rest\n  port: 1\nconsumes:\n  type: http\n  namespace: a\n")
    assert not list(loaded.findings)
    assert [type(found) for found in loaded.document.exposes] == [RestAdapter]
    assert loaded.document.consumes[0].namespace == "a"


def test_kinds_are_chosen_by_type_whatever_its_spelling():
    loaded = load(
        "consumes:\n- {namespace: a}\n- {namespace: b, type: HTTP}\n- {namespace: c, type: workers-kv}\n"
        "exposes:\n- {type: api}\n- {type: MCP}\n- {type: agent-skill}\n- {type: kiosk, x: 1}\n"
    )
    assert [type(found) for found in loaded.document.consumes] == [ConsumesHttp, ConsumesHttp, UnknownConsumes]
    assert [type(found) for found in loaded.document.exposes] == [
        RestAdapter,
        McpAdapter,
        SkillAdapter,
        UnknownAdapter,
    ]
    assert [rule for rule, _ in told(loaded)] == ["unknown-kind", "unknown-kind"]


def test_the_type_may_come_from_a_merge_key():
    loaded = load("x-base: &base {type: mcp, port: 5}\nexposes:\n- <<: *base\n  namespace: n\n")
    (adapter,) = loaded.document.exposes
    assert isinstance(adapter, McpAdapter)
    assert (adapter.namespace, adapter.port) == ("n", 5)


def test_an_import_may_come_from_a_merge_key():
    loaded = load("x-base: &base {from: ./gone.yaml}\nconsumes:\n- <<: *base\n  import: n\n")
    assert told(loaded) == [("import-not-found", 2)]


def test_step_kinds():
    loaded = load(
        "exposes:\n- type: mcp\n  tools:\n  - name: t\n    steps:\n    - call: a.b\n    - {type: lookup, index: s}\n"
        "    - {type: script, file: f.js}\n    - {type: transform, anything: 1}\n"
    )
    steps = loaded.document.exposes[0].tools[0].steps
    assert [type(step) for step in steps] == [CallStep, LookupStep, ScriptStep, UnknownStep]


def test_an_unknown_authentication_is_kept_as_such():
    api, loaded = consumed("  authentication: {type: hoba, region: r}\n")
    assert isinstance(api.authentication, UnknownAuthentication)
    assert told(loaded) == [("unknown-kind", 4)]


def test_yaml_1_2_scalars_stand_in_with_and_data_as_they_are_meant():
    loaded = load(
        "exposes:\n- type: mcp\n  tools:\n  - name: t\n    with:\n      country: NO\n      zip: 0123\n      big: 1e3\n"
        "      day: 2024-01-31\n      time: 12:30:45\n      yes: on\n      n: ~\n      deep: {a: [NO, true]}\n"
    )
    assert loaded.document.exposes[0].tools[0].with_ == {
        "country": "NO",
        "zip": 123,
        "big": 1000.0,
        "day": "2024-01-31",
        "time": "12:30:45",
        "yes": "on",
        "n": None,
        "deep": {"a": ["NO", True]},
    }


def test_a_text_stays_as_it_is_written():
    api, _ = consumed("  description: 1.10\n  tags: 0123\n")
    assert (api.description, api.tags) == ("1.10", ("0123",))


def test_texts_may_be_one_or_a_list():
    api, _ = consumed("  tags: [a, {name: b}, 3]\n")
    assert api.tags == ("a", "b", "3")


def test_a_list_of_names_is_a_map_of_each_to_itself():
    loaded = load("binds:\n- namespace: env\n  keys: [A, B]\n- namespace: f\n  keys: {C: c-key, D: }\n")
    assert [bind.keys for bind in loaded.document.binds] == [{"A": "A", "B": "B"}, {"C": "c-key"}]


def test_places_are_found_by_the_canonical_key_whatever_the_dialect():
    loaded = load(
        "x-more: &more {description: merged}\nexposes:\n- type: mcp\n  tools:\n  - name: t\n    <<: *more\n"
        "    display: A\n    call: {operation: a.b, with: {x: 1}}\n    outputParameters:\n"
        "    - mapping: {properties: {id: {mapping: $.id}}}\n"
    )
    tool = loaded.document.exposes[0].tools[0]

    def line(model, *path):
        return loaded.findings.position(model.at(*path)).line

    assert (tool.call, tool.label, tool.description) == ("a.b", "A", "merged")
    assert line(tool, "description") == 2
    assert line(tool, "label") == 8
    assert line(tool, "call") == line(tool, "with", "x") == 9
    assert line(tool.output_parameters[0], "properties") == 11
    assert line(tool, "display") == 8
    assert line(tool, "steps") == loaded.findings.position(tool.node).line


def test_a_place_inside_a_list_and_the_nearest_one_above():
    api, loaded = consumed("  tags: [a, b]\n")
    assert loaded.findings.position(api.at("tags", 1)).column == 13
    assert api.at("tags", 9) is api.at("tags")
    assert api.at("gone", "deeper") is api.node
    assert Import().at("from") is None


def test_a_model_out_of_a_bare_name_has_that_name_as_its_place():
    api, loaded = consumed("  inputParameters:\n    a:\n")
    assert loaded.findings.position(api.input_parameters[0].at("in")).line == 5


def test_lookup_values_may_be_a_list():
    loaded = load(
        "exposes:\n- type: mcp\n  tools:\n  - name: t\n    steps:\n"
        "    - {type: lookup, index: s, match: id, lookupValue: [1, $.a.b]}\n"
        "    mappings:\n    - {targetName: n, value: 5}\n"
    )
    tool = loaded.document.exposes[0].tools[0]
    assert tool.steps[0].lookup_values == [1, "$.a.b"]
    assert tool.mappings[0].value == 5
    assert not list(loaded.findings)
