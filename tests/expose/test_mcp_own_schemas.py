"""A tool's own ``inputSchema`` and ``outputSchema``: shown as they are, and the input checked as it says."""

from __future__ import annotations

import pytest
from mcp_wire import HANDSHAKE, NEWEST

CAPABILITY = """
naftiko: 1.0.0-alpha2
capability:
  consumes:
    - type: http
      namespace: up
      baseUri: http://unused.invalid
      resources: [{path: /json, operations: [{name: json, method: GET}]}]
  exposes:
    - type: mcp
      namespace: mcp
      tools:
        - name: either
          description: One of two
          inputSchema:
            type: object
            properties: {id: {type: integer}, name: {$ref: "#/$defs/name"}, since: {type: string}}
            anyOf: [{required: [id]}, {required: [name]}]
            dependentRequired: {since: [id]}
            $defs: {name: {type: string, minLength: 2}}
          outputParameters: [{name: said, type: string, value: "{{id}}"}]
        - name: conditional
          description: If and then
          inputSchema:
            type: object
            properties: {kind: {type: string}, size: {type: integer}}
            if: {properties: {kind: {const: box}}, required: [kind]}
            then: {required: [size]}
          outputParameters: [{name: said, type: string, value: "{{kind}}"}]
        - name: promised
          description: A promise
          call: up.json
          outputSchema: {type: object, properties: {id: {type: integer}}, required: [id], title: A thing}
        - name: array
          description: No object
          call: up.json
          outputSchema: {type: array}
        - name: broken
          description: No schema
          call: up.json
          outputSchema: {type: object, properties: {id: {type: nonsense}}}
"""


@pytest.fixture(params=[HANDSHAKE[0], NEWEST])
async def at(serve, upstream, wire, request):
    return wire(f"{await serve(CAPABILITY, base=upstream.url)}/mcp", request.param)


@pytest.mark.parametrize(
    ("tool", "arguments", "wrong"),
    [
        ("either", {"id": 1}, None),
        ("either", {"id": "1"}, None),
        ("either", {"name": "ab"}, None),
        ("either", {}, "anyOf"),
        ("either", {"name": "ab", "since": "x"}, "dependentRequired"),
        ("either", {"name": "a"}, "minLength"),
        ("conditional", {"kind": "bag"}, None),
        ("conditional", {"kind": "box", "size": 3}, None),
        ("conditional", {"kind": "box"}, "'size' is a required property"),
    ],
)
async def test_what_a_schema_says_of_all_arguments_together_is_checked(at, tool, arguments, wrong):
    result = await at.call(tool, arguments)
    text = result["content"][0]["text"]
    assert result["isError"] is (wrong is not None), text
    if wrong:
        assert wrong in text
        assert "correct these arguments" in text


async def test_an_output_schema_of_an_object_is_shown_and_kept(at, upstream):
    tools = {tool["name"]: tool for tool in (await at.ask("tools/list"))["tools"]}
    assert tools["promised"]["outputSchema"] == {
        "type": "object",
        "properties": {"id": {"type": "integer"}},
        "required": ["id"],
        "title": "A thing",
    }
    assert "outputSchema" not in tools["array"]
    assert "outputSchema" not in tools["broken"]
    upstream.on("GET", "/json", {"id": 7, "filler": "x" * 70_000})
    assert (await at.call("promised"))["structuredContent"]["id"] == 7


async def test_in_mock_mode_nothing_is_promised_that_the_mock_does_not_keep(serve, wire):
    at = wire(f"{await serve(CAPABILITY, base='http://localhost:1', settings={'mock': True})}/mcp", NEWEST)
    tools = {tool["name"]: tool for tool in (await at.ask("tools/list"))["tools"]}
    assert "outputSchema" not in tools["promised"]
