"""The JSON Schemas of inputs and outputs, as far as the file says them (SEMANTICS 3.4, 5.4)."""

from __future__ import annotations

from linked_units import api, only_unit, tool

PARAMETER = """\
inputParameters:
- name: ship
  type: object
  description: A ship
  example: {imo: "9"}
  required: [imo]
  properties:
    imo: {type: string, pattern: "^[0-9]+$", minLength: 1, maxLength: 9, required: true}
    kind: {type: [string, "null"], enum: [a, b], default: a, format: word}
    tags: {type: array, items: {type: integer, minimum: 1, maximum: 5}}
"""


def test_the_schema_of_a_declared_input_says_all_that_is_declared():
    unit, _ = only_unit(api("", method="POST"), tool(PARAMETER))
    assert unit.inputs[0].schema == {
        "type": "object",
        "description": "A ship",
        "examples": [{"imo": "9"}],
        "required": ["imo"],
        "properties": {
            "imo": {"type": "string", "pattern": "^[0-9]+$", "minLength": 1, "maxLength": 9},
            "kind": {"type": ["string", "null"], "enum": ["a", "b"], "default": "a", "format": "word"},
            "tags": {"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": 5}},
        },
    }


def test_the_schema_of_an_output_promises_no_more_than_the_mapping_keeps():
    outputs = (
        "outputParameters:\n- type: object\n  description: All\n  properties:\n    a: {type: string}\n"
        "    l: {type: array, items: {type: object, properties: {b: {}}}}\n    m: {type: object, values: {type: integer}}\n"
    )
    unit, _ = only_unit(api(""), tool(outputs))
    assert unit.plan.outputs.schema == {
        "description": "All",
        "type": ["object", "null"],
        "properties": {
            "a": {},
            "l": {"type": ["array", "null"], "items": {"type": ["object", "null"], "properties": {"b": {}}}},
            "m": {"type": ["object", "null"], "additionalProperties": {}},
        },
    }


def test_where_nothing_is_declared_nothing_is_promised():
    unit, _ = only_unit(api(""), tool(""))
    assert unit.plan.outputs.schema is None
