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


def test_the_schema_of_an_output_says_what_is_declared():
    outputs = (
        "outputParameters:\n- type: object\n  description: All\n  properties:\n    a: {type: string}\n"
        "    l: {type: array, items: {type: object, properties: {b: {}}}}\n    m: {type: object, values: {type: integer}}\n"
    )
    unit, _ = only_unit(api(""), tool(outputs))
    assert unit.plan.outputs.schema == {
        "description": "All",
        "type": "object",
        "properties": {
            "a": {"type": "string"},
            "l": {"type": "array", "items": {"type": "object", "properties": {"b": {}}}},
            "m": {"type": "object", "additionalProperties": {"type": "integer"}},
        },
    }


DECLARED = """\
inputParameters:
- {name: flag, type: boolean, default: "true"}
- {name: count, type: integer, default: "5", minimum: 1, maximum: 1.0e+1}
- {name: ratio, type: number, minimum: 0.5}
- {name: code, type: string, enum: [1, 2.50, a, true], default: 7}
- {name: level, type: integer, enum: ["1", 2]}
- {name: odd, type: integer, default: several}
- {name: list, type: array, default: '["a"]'}
"""


def test_bounds_defaults_and_enums_are_of_the_declared_type():
    unit, _ = only_unit(api("", method="POST"), tool(DECLARED))
    schemas = {given.name: given.schema for given in unit.inputs}
    assert schemas["flag"]["default"] is True
    assert repr([schemas["count"][key] for key in ("default", "minimum", "maximum")]) == "[5, 1, 10]"
    assert schemas["ratio"]["minimum"] == 0.5
    assert schemas["code"]["enum"] == ["1", "2.50", "a", "true"]
    assert schemas["code"]["default"] == "7"
    assert schemas["level"]["enum"] == [1, 2]
    assert "default" not in schemas["odd"]
    given = {"odd": 1, "ratio": 1, "level": "2"}
    assert unit.plan.inputs.check(given) == {
        "odd": 1,
        "ratio": 1,
        "level": 2,
        "flag": True,
        "count": 5,
        "code": "7",
        "list": ["a"],
    }


def test_where_nothing_is_declared_nothing_is_promised():
    unit, _ = only_unit(api(""), tool(""))
    assert unit.plan.outputs.schema is None
