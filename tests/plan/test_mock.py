"""Mock mode: no call, no steps, no ref; the outputs are the answer (SEMANTICS 5.6)."""

from __future__ import annotations

import pytest
from linked_units import only_unit, rules, run, tool

from naftiko.expression.scope import Scope
from naftiko.ground.errors import NotExecutable


def mocked(outputs, **inputs):
    unit, loaded = only_unit(tool(f"outputParameters:\n{outputs}", call="tags: []"))
    assert not loaded.errors
    return run(unit, **inputs)


@pytest.mark.parametrize(
    ("outputs", "inputs", "answer"),
    [
        ("- {name: a, value: text}", {}, {"a": "text"}),
        ("- {value: text}", {}, "text"),
        ("- {type: integer, value: '5'}", {}, 5),
        ("- {name: a, type: integer, value: '5'}\n- {name: b, type: boolean, value: 'true'}", {}, {"a": 5, "b": True}),
        (
            "- {name: a, type: number, const: '1.5'}\n- {name: b, const: [1, {c: NO}]}",
            {},
            {"a": 1.5, "b": [1, {"c": "NO"}]},
        ),
        ("- {name: a, type: array, value: '[1, 2]'}", {}, {"a": [1, 2]}),
        ("- {name: a, value: 'hi {{who}}'}", {"who": "Ann"}, {"a": "hi Ann"}),
        ("- {name: a, type: integer, value: '{{n}}'}", {"n": "5"}, {"a": 5}),
        ("- {name: a, value: '{{n}}'}", {}, {"a": None}),
        (
            "- {type: object, properties: {a: {value: x}, b: {type: object, properties: {c: {const: 1}}}}}",
            {},
            {"a": "x", "b": {"c": 1}},
        ),
        ("- {name: l, type: array, items: {type: object, properties: {a: {value: x}}}}", {}, {"l": [{"a": "x"}]}),
        ("- {name: l, type: array, items: {type: array, items: {type: integer, value: '1'}}}", {}, {"l": [[1]]}),
        ("- {name: l, type: array, items: {type: array}}\n- {name: m, value: x}", {}, {"l": [[]], "m": "x"}),
        (
            "- {name: said, value: x}\n- {name: silent, type: string}\n- {name: o, type: object, properties: {q: {}}}",
            {},
            {"said": "x"},
        ),
        ("- {value: a}\n- {value: b}", {}, {"value": "a", "value1": "b"}),
    ],
)
def test_values_and_constants_are_typed_with_inputs_filled_in(outputs, inputs, answer):
    assert mocked(outputs, **inputs) == answer


@pytest.mark.parametrize(
    "outputs", ["  []", "- {name: a, type: string}", "- {type: object, properties: {a: {mapping: $.x}}}"]
)
def test_outputs_that_say_no_value_are_nothing_to_execute(outputs):
    unit, loaded = only_unit(tool(f"outputParameters:\n{outputs}", call="tags: []"))
    assert rules(loaded) == ["nothing-to-execute"]
    with pytest.raises(NotExecutable, match="no call, no steps"):
        run(unit)


def test_explaining_a_mock():
    unit, _ = only_unit(tool("outputParameters:\n- {name: l, type: array, items: {value: x}}", call="tags: []"))
    assert [each.name for each in unit.plan.outputs.explain(None, Scope({}, None))] == ["l[0]"]
