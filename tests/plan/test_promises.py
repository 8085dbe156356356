"""What an answer is sure to be: the declared types, and no promise that an upstream could break (SEMANTICS 5.4, 7)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator, Draft202012Validator
from linked_units import answering, api, only_unit, run, tool

OUTPUTS = """\
outputParameters:
- type: object
  description: Weather
  properties:
    temp: {type: number, mapping: $.main.temp, description: Degrees}
    name: {type: string, mapping: $.name}
    tags: {type: array, mapping: $.tags}
    wind: {type: object, mapping: $.wind, properties: {speed: {type: number, mapping: $.speed}}}
    list: {type: array, mapping: $.list, items: {type: object, properties: {id: {type: integer, mapping: $.id}}}}
    map: {type: object, mapping: $.map, values: {type: boolean}}
    any: {mapping: $.any}
    fixed: {type: integer, const: 5}
"""


def schema_of(*parts, mock=False):
    unit, loaded = only_unit(*parts)
    assert not loaded.errors
    return unit.plan.action.promised(unit.plan.outputs, mock=mock)


def meant(schema):
    """Return the type that is meant."""
    kind = schema["type"]
    return kind if isinstance(kind, str) else kind[0]


def test_every_declared_type_is_said_first():
    schema = schema_of(api(""), tool(OUTPUTS))
    properties = schema["properties"]
    assert schema["description"] == "Weather"
    assert {name: meant(inner) for name, inner in properties.items() if "type" in inner} == {
        "temp": "number",
        "name": "string",
        "tags": "array",
        "wind": "object",
        "list": "array",
        "map": "object",
        "fixed": "integer",
    }
    assert properties["temp"]["description"] == "Degrees"
    assert properties["any"] == {}
    assert meant(properties["wind"]["properties"]["speed"]) == "number"
    assert meant(properties["list"]["items"]["properties"]["id"]) == "integer"
    assert meant(properties["map"]["additionalProperties"]) == "boolean"
    for validator in (Draft202012Validator, Draft7Validator):
        validator.check_schema(schema)


ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["id", "speed", "temp"]), inner, max_size=2)
    ),
    max_leaves=6,
)
DOCUMENTS = ANY | st.dictionaries(
    st.sampled_from(["main", "name", "tags", "wind", "list", "map", "any"]), ANY, max_size=7
)
SCHEMA = schema_of(api(""), tool(OUTPUTS))


@given(document=DOCUMENTS)
def test_no_answer_breaks_the_promise_whatever_the_upstream_sends(document):
    answer = run(answering({"/r": document}, api(""), tool(OUTPUTS)))
    Draft202012Validator(SCHEMA).validate({} if answer is None else answer)  # no content: a tool says an empty object


FUNCTION = """\
aggregates:
- namespace: desk
  functions:
  - {name: find, call: a.o, outputParameters: [{name: n, type: integer, mapping: $.n}]}
"""
STEPS = """\
outputParameters: [{name: who, type: string}, {name: at, type: object, properties: {zone: {type: string}}}]
steps: [{name: first, type: call, call: a.o}]
mappings: [{targetName: who, value: $.first.name}, {targetName: at.zone, value: $.first.zone}, {targetName: n, value: $.first.n}]
"""


@pytest.mark.parametrize("unit", ["", "inputParameters: [{name: x, required: false}]\n"])
def test_a_tool_with_a_ref_has_the_schema_of_its_function(unit):
    schema = schema_of(api(""), FUNCTION, tool(unit, call="ref: desk.find"))
    assert meant(schema["properties"]["n"]) == "integer"


def test_mappings_have_the_types_of_the_outputs_of_their_names():
    schema = schema_of(api(""), tool(STEPS, call="label: Flow"))
    assert meant(schema) == "object"
    properties = schema["properties"]
    assert (meant(properties["who"]), properties["n"]) == ("string", {})
    assert (meant(properties["at"]), meant(properties["at"]["properties"]["zone"])) == ("object", "string")
    unit = answering({"/r": {"name": 5, "zone": [1]}}, api(""), tool(STEPS, call="label: Flow"))
    Draft202012Validator(schema).validate(run(unit))


def test_a_mock_has_the_schema_of_what_it_answers():
    outputs = "outputParameters: [{name: a, type: integer, value: '5'}, {name: b, type: string, value: '{{x}}'}]"
    schema = schema_of(api(""), tool(outputs, call="label: Mock"), mock=True)
    assert [meant(schema["properties"][name]) for name in "ab"] == ["integer", "string"]


@pytest.mark.parametrize("unit", ["", "outputParameters: [{type: object, mapping: $.}]"])
def test_the_document_as_it_is_promises_nothing(unit):
    assert schema_of(api(""), tool(unit)) is None
    assert schema_of(api(""), tool(OUTPUTS), mock=True) is None
    assert schema_of(api("outputRawFormat: binary"), tool(OUTPUTS)) is None
