"""Input schemas: complete, with names that clients accept, and the same that the check enforces."""

from __future__ import annotations

import re

import pytest
from mcp_wire import HANDSHAKE, NEWEST

CAPABILITY = """
naftiko: 1.0.0-alpha2
capability:
  consumes:
    - type: http
      namespace: odd
      baseUri: http://unused.invalid
      resources:
        - path: /odd
          operations:
            - name: search
              method: GET
              inputParameters:
                - {name: $orderby, in: query, type: string, description: Sort key}
                - {name: "page[token]", in: query, type: string}
                - {name: $top, in: query, type: integer, description: How many}
        - path: /rich
          operations:
            - {name: rich, method: POST, inputParameters: [{name: body, in: body, type: object}]}
  exposes:
    - type: mcp
      namespace: odd-mcp
      tools:
        - {name: search, description: Search, call: odd.search}
        - name: rich
          description: Rich inputs
          call: odd.rich
          with: {body: {c: "{{colour}}", o: "{{options}}", l: "{{list}}", n: "{{count}}"}}
          inputParameters:
            - {name: colour, type: string, description: A colour, enum: [red, green], required: false, default: red}
            - {name: count, type: integer, description: A count, minimum: 1, maximum: 9, required: true}
            - {name: list, type: array, description: Things, items: {type: string, format: uuid}, required: false}
            - name: options
              type: object
              description: Options
              required: false
              properties:
                - {name: deep, type: boolean, required: true}
                - {name: code, type: string, pattern: "^[A-Z]+$"}
        - name: own
          description: Its own schema
          call: odd.search
          with: {$top: "{{n}}"}
          inputSchema:
            $schema: https://json-schema.org/draft/2020-12/schema
            type: object
            $defs: {n: {type: integer, minimum: 1}}
            properties: {n: {$ref: "#/$defs/n"}}
            required: [n]
        - name: a-name-that-is-far-longer-than-the-sixty-four-characters-that-clients-accept-everywhere
          description: Long
          call: odd.search
"""


@pytest.fixture
async def url(serve, upstream):
    upstream.on("GET", "/odd", {"ok": True})
    upstream.on("POST", "/rich", {"ok": True})
    return f"{await serve(CAPABILITY, base=upstream.url)}/mcp"


@pytest.fixture
async def tools(wire, url):
    return {tool["name"]: tool for tool in (await wire(url, NEWEST).ask("tools/list"))["tools"]}


def test_unsafe_names_have_safe_ones_and_the_description_names_the_real_one(tools):
    properties = tools["search"]["inputSchema"]["properties"]
    assert all(re.fullmatch(r"[a-zA-Z0-9_.-]{1,64}", name) for name in properties)
    described = " ".join(schema["description"] for schema in properties.values())
    assert "Sort key (the API calls it `$orderby`)" in described
    assert "Page token (the API calls it `page[token]`)" in described


async def test_both_names_are_accepted(wire, url, upstream, tools):
    at = wire(url, NEWEST)
    [alias] = [
        name
        for name, schema in tools["search"]["inputSchema"]["properties"].items()
        if "$orderby" in schema["description"]
    ]
    for name in (alias, "$orderby"):
        await at.call("search", {name: "x"})
        assert upstream.requests[-1].query.multi_items() == [("$orderby", "x")]


def test_declared_inputs_keep_everything_they_say(tools):
    schema = tools["rich"]["inputSchema"]
    colour, count, things, options = (schema["properties"][name] for name in ("colour", "count", "list", "options"))
    assert (colour["enum"], colour["default"]) == (["red", "green"], "red")
    assert (count["minimum"], count["maximum"]) == (1, 9)
    assert things["items"] == {"type": "string", "format": "uuid"}
    assert options["properties"]["code"]["pattern"] == "^[A-Z]+$"
    assert options["required"] == ["deep"]
    assert schema["required"] == ["count"]
    assert schema["additionalProperties"] is False


async def test_what_the_schema_refuses_is_refused_by_the_call_and_names_the_argument(wire, url):
    at = wire(url, NEWEST)
    result = await at.call("rich", {"colour": "blue", "count": 10, "options": {"code": "x"}})
    text = result["content"][0]["text"]
    assert result["isError"] is True
    for said in ("`colour` must be one of: red, green", "`count` must be at most 9", "'deep' is a required property"):
        assert said in text


async def test_text_that_is_meant_as_another_type_is_repaired(wire, url, upstream):
    result = await wire(url, NEWEST).call("rich", {"count": "3", "list": '["a"]', "options": '{"deep": true}'})
    assert result["isError"] is False
    assert upstream.requests[-1].json() == {"c": "red", "o": {"deep": True}, "l": ["a"], "n": 3}


@pytest.mark.parametrize("version", [*HANDSHAKE, NEWEST])
async def test_a_tools_own_schema_is_shown_without_its_references(wire, url, version):
    tools = {tool["name"]: tool for tool in (await wire(url, version).ask("tools/list"))["tools"]}
    schema = tools["own"]["inputSchema"]
    assert schema == {
        "type": "object",
        "properties": {"n": {"type": "integer", "minimum": 1, "description": "N"}},
        "required": ["n"],
        "additionalProperties": False,
    }


async def test_a_long_tool_name_is_shortened_and_both_are_called(wire, url, tools):
    at = wire(url, NEWEST)
    [short] = [name for name in tools if name.startswith("a-name")]
    assert len(short) <= 64
    assert (await at.call(short))["isError"] is False
    full = "a-name-that-is-far-longer-than-the-sixty-four-characters-that-clients-accept-everywhere"
    assert (await at.call(full))["isError"] is False


BROKEN = """
naftiko: 1.0.0-alpha2
capability:
  exposes:
    - type: mcp
      namespace: broken
      tools:
        - name: odd
          description: A schema that no client could read
          inputSchema: {type: array, properties: {a: string}, required: a}
          outputParameters: [{name: said, type: string, value: odd}]
        - {name: good, description: Fine, outputParameters: [{name: said, type: string, value: good}]}
"""


@pytest.mark.parametrize("version", [*HANDSHAKE, NEWEST])
async def test_one_impossible_schema_does_not_take_the_other_tools_down(serve, wire, version):
    at = wire(f"{await serve(BROKEN)}/mcp", version)
    tools = {tool["name"]: tool for tool in (await at.ask("tools/list"))["tools"]}
    assert list(tools) == ["odd", "good"]
    assert tools["odd"]["inputSchema"]["properties"]["a"]["description"]
    assert (await at.call("odd", {"a": 1}))["structuredContent"] == {"said": "odd"}
    assert (await at.call("good"))["isError"] is False
