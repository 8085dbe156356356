"""REFERENCE 16.4: steps, lookups, aggregates, mocks (39 to 42 stand in tests/engine/test_steps.py too)."""

from __future__ import annotations

import pytest

from reference import loaded, rest, tool

SHARED = """
aggregates:
- namespace: greeting
  functions:
  - name: hello
    description: Say hello
    semantics: {safe: true, idempotent: true}
    inputParameters: [{name: name, type: string, required: true}]
    outputParameters:
    - {name: message, type: string, value: "Hello, {{name}}!"}
    - {name: source, type: string, value: aggregate-mock}
exposes:
- type: mcp
  namespace: tools
  port: 1
  tools:
  - {name: hello, ref: greeting.hello}
  - {name: open, description: Mine, ref: greeting.hello, hints: {openWorld: true, readOnly: false}}
- type: rest
  namespace: front
  port: 2
  resources:
  - name: hello
    path: /hello
    operations:
    - {name: hello, method: GET, ref: greeting.hello, inputParameters: [{name: name, in: query, type: string}]}
"""


async def test_43_a_shared_mock():
    """MCP and REST answer the same."""
    capability = loaded(SHARED)
    expected = {"message": "Hello, Nina!", "source": "aggregate-mock"}
    assert await tool(capability, "hello", name="Nina") == expected
    async with rest(capability) as client:
        response = await client.get("/hello", params={"name": "Nina"})
    assert (response.status_code, response.json()) == (200, expected)


def test_44_and_45_what_a_unit_takes_from_its_function():
    """Description and inputs where it sets none; hints from semantics, its own over them."""
    first, second, _ = loaded(SHARED).units
    assert (first.description, [found.name for found in first.inputs]) == ("Say hello", ["name"])
    hints = first.plan.hints
    assert (hints.read_only, hints.destructive, hints.idempotent, hints.open_world) == (True, False, True, None)
    own = second.plan.hints
    assert (second.description, own.read_only, own.idempotent, own.open_world) == ("Mine", False, True, True)


def test_46_a_broken_reference_is_told():
    """With the name; unlike there the rest of the file loads."""
    capability = loaded(SHARED.replace("ref: greeting.hello, inputParameters", "ref: greeting.nope, inputParameters"))
    assert any("nope" in str(found) for found in capability.errors)
    assert [unit.executable for unit in capability.units] == [True, True, False]


def test_41_broken_steps_are_told_at_load():
    """Unlike there, where the first call finds out."""
    text = """
    consumes: []
    exposes:
    - type: mcp
      namespace: tools
      port: 1
      tools:
      - name: dummy
        description: d
        steps:
        - {name: look, type: lookup, index: does-not-exist, match: a, lookupValue: b, outputParameters: [c]}
      - {name: call, description: d, call: bad.call}
      - {name: neither, description: d}
    """
    capability = loaded(text)
    assert [unit.executable for unit in capability.units] == [False, False, False]
    assert "does-not-exist" in capability.units[0].reason
    assert "bad" in capability.units[1].reason


MOCK = """
exposes:
- type: rest
  namespace: front
  port: 1
  resources:
  - name: x
    path: /x
    operations:
    - name: x
      method: POST
      inputParameters: [{name: name, in: query, type: string}]
      outputParameters: OUTPUTS
"""


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        (
            '[{name: status, value: ready}, {name: payload, type: object, properties: {id: {type: string, value: "42"}}}, {name: tags, type: array, items: {type: string, value: active}}]',
            {"status": "ready", "payload": {"id": "42"}, "tags": ["active"]},
        ),
        ('[{name: message, value: "Hello, {{name}}!"}]', {"message": "Hello, Alice!"}),
        ("[{name: n, type: integer, value: '5'}]", {"n": 5}),
        ("[{name: a, type: string, value: x}, {name: b, type: string}]", {"a": "x"}),
    ],
)
async def test_47_mocks(outputs, expected):
    """Objects and arrays; typed (there: always text); what says no value is left out."""
    async with rest(loaded(MOCK.replace("OUTPUTS", outputs))) as client:
        response = await client.post("/x?name=Alice")
    assert (response.status_code, response.json()) == (200, expected)
