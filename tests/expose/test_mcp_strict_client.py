"""No tool of any file ends a client's session: lists of tools as the strictest client reads them (SEMANTICS 3.8, 7)."""

from __future__ import annotations

import contextlib
import json

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strict_client import complaints

import naftiko
from naftiko.engine.settings import Settings

HEAD = """
naftiko: 1.0.0-alpha2
capability:
  consumes:
    - type: http
      namespace: up
      baseUri: http://unused.invalid
      resources:
        - path: /items/{id}
          operations:
            - name: find
              method: GET
              inputParameters:
                - {name: $orderby, in: query, type: array}
                - {name: "page[token]", in: query}
                - {name: flag, in: query, type: boolean, default: "true"}
                - {name: level, in: query, type: integer, enum: ["1", "2"], minimum: 1}
                - {name: version, in: query, type: string, enum: [1.0, 2, "", true]}
                - {name: none, in: query, type: string, enum: []}
                - {name: kind, in: query, type: [string, "null"], enum: [a, null]}
                - {name: odd, in: query, type: integer, default: several}
                - {name: "x y z", in: header, pattern: "(?i)^a$"}
            - name: make
              method: POST
              body: {type: json, data: {name: "{{name}}", list: ["{{one}}"], meta: "{{meta}}"}}
            - name: fields
              method: POST
              inputParameters:
                - {name: rows, in: body, type: array}
                - {name: any, in: body}
                - name: filter
                  in: body
                  type: object
                  properties:
                    $gt: {}
                    "a b": {type: array}
                    deep: {type: object, properties: {"c#": {type: array, items: {type: object, properties: {"d/e": {}}}}}}
            - {name: whole, method: PUT, inputParameters: [{name: body, in: body}]}
  exposes:
    - type: mcp
      namespace: nasty
      tools:
        - {name: find, call: up.find}
        - {name: make, call: up.make}
        - {name: fields, description: Fields, call: up.fields}
        - {name: whole, call: up.whole}
        - {name: "a name / that nobody takes and that is far longer than sixty-four characters", call: up.make}
        - name: declared
          description: DESCRIPTION
          call: up.make
          inputParameters:
            - {name: name, description: DESCRIPTION}
            - {name: one, type: array, items: {type: array}}
            - {name: meta, type: object, properties: {a: {type: array}, b: {}}, required: [a, zz]}
"""


def text(*schemas):
    head = HEAD.replace("DESCRIPTION", "word " * 800)
    tools = [
        {"name": f"own-{at}", "description": "Own", "call": "up.whole", "inputSchema": schema}
        for at, schema in enumerate(schemas)
    ]
    return head + "".join(f"        - {json.dumps(tool)}\n" for tool in tools)


async def listed(text, tmp_path, version="2025-06-18"):
    """Return what tools/list answers over HTTP, in-process."""
    capability = naftiko.loads(text, path=tmp_path / "nasty.yaml", settings=Settings(environment={}))
    app = naftiko.mcp_app(capability)
    sent = {"accept": "application/json, text/event-stream", "mcp-protocol-version": version}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
        answer = await client.post("/mcp", json=message, headers=sent)
    await app.aclose()
    await capability.aclose()
    return answer.json()["result"]["tools"]


async def test_inferred_and_declared_inputs(tmp_path):
    tools = {tool["name"]: tool for tool in await listed(text(), tmp_path)}
    assert complaints(list(tools.values())) == []
    find = tools["find"]["inputSchema"]["properties"]
    assert find["flag"]["default"] is True
    assert json.dumps(find["level"]["minimum"]) == "1"
    assert "One of `1` or `2`." in find["level"]["description"]
    assert find["version"]["enum"] == ["1.0", "2", "true"]
    assert "default" not in find["odd"]
    assert "It may be null." in find["kind"]["description"]
    fields = tools["fields"]["inputSchema"]["properties"]
    assert fields["rows"]["items"] == {"type": "string"}
    assert set(fields["filter"]["properties"]) == {"gt", "a_b", "deep"}
    assert tools["whole"]["inputSchema"]["properties"]["body"]["type"] == "object"
    assert tools["whole"]["description"] == "Whole"
    assert tools["declared"]["description"].endswith("word…")


NODE = {
    "type": "object",
    "properties": {"value": {"type": "number"}, "children": {"type": "array", "items": {"$ref": "#/$defs/Node"}}},
}
SCHEMAS = [
    {},
    {"type": "object"},
    {"type": "array"},
    {"type": ["object", "null"]},
    {"properties": None},
    {"properties": {"a": "string", "b": True, "c": False, "d": 5, "e": {"type": "nothing"}, "f": {"type": "String"}}},
    {"properties": {"a": {"type": "string", "required": True}}},
    {"properties": {"a": {"type": "string"}}, "required": "a"},
    {"properties": {"a": {"type": "string"}}, "required": ["a", "zz"]},
    {"properties": {"$orderby": {"type": "array"}, "page[size]": {"type": "integer"}}, "required": ["page[size]"]},
    {"properties": {"a": {"$ref": "#/components/schemas/A"}, "b": {"$ref": "https://elsewhere.example/b.json"}}},
    {"$defs": {"Node": NODE}, "properties": {"root": {"$ref": "#/$defs/Node"}}},
    {"properties": {"self": {"$ref": "#"}}},
    {"$ref": "#/definitions/Args", "definitions": {"Args": {"type": "object", "properties": {"x": {"type": "string"}}}}},
    {"properties": {"a": {"$ref": "#/properties/b"}, "b": {"$ref": "#/properties/a"}}},
    {"allOf": [{"properties": {"a": {"type": "string"}}}, {"properties": {"b": {"type": "array"}}, "required": ["b"]}]},
    {"properties": {"a": {}, "b": {}}, "oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
    {"anyOf": [{"properties": {"a": {"type": "string"}}}, {"properties": {"b": {"type": "string"}}}]},
    {"properties": {"a": {"anyOf": [{"type": "string"}, {"type": "null"}]}, "b": {"type": ["integer", "string", "null"]}}},
    {"properties": {"a": {"oneOf": [{"const": "x", "title": "X"}, {"const": "y"}]}, "b": {"const": 5}, "c": {"enum": [1, 2]}}},
    {"properties": {"a": {"oneOf": [{"type": "object", "properties": {"k": {"const": "u"}}}, {"type": "array"}]}}},
    {"properties": {"k": {}}, "if": {"properties": {"k": {"const": 1}}}, "then": {"required": ["z"]}, "else": False},
    {"properties": {"a": {"not": {"type": "string"}}}, "dependentRequired": {"a": ["b"]}, "dependencies": {"a": ["c"]}},
    {"properties": {"t": {"type": "array", "items": [{"type": "string"}, {"type": "integer"}], "additionalItems": False}}},
    {"properties": {"t": {"type": "array", "prefixItems": [{"type": "string"}], "items": False}}},
    {"properties": {"m": {"type": "object", "patternProperties": {"^x": {"type": "string"}}, "additionalProperties": True}}},
    {"properties": {"m": {"type": "object", "additionalProperties": {"oneOf": [{"type": "array"}, {"type": "null"}]}}}},
    {"properties": {"p": {"pattern": "(?i)(a"}, "q": {"type": "integer", "pattern": "a", "minLength": -1}}},
    {"properties": {"n": {"type": "integer", "minimum": 1.0, "exclusiveMaximum": True, "maximum": 5, "default": "3"}}},
    {"properties": {"d": {"type": "string", "default": {"a": 1}}, "e": {"type": "boolean", "default": "true"}}},
    {"properties": {"o": {"properties": {"x": {}}, "required": ["y"]}, "s": {"type": "string", "properties": {"x": {}}}}},
    {"properties": {"u": {"type": "string", "enum": ["", None, 1]}, "v": {"enum": []}, "w": {"enum": [None]}}},
    {"properties": {"x" * 100: {"type": "string"}, "": {"type": "string"}, "é": {"type": "string", "description": "d" * 5000}}},
    {"$schema": "http://json-schema.org/draft-04/schema#", "id": "x", "properties": {"a": {"$id": "#a", "type": "string"}}},
    {"properties": {"a": {"type": "string", "nullable": True}, "b": {"nullable": True, "allOf": [{"$ref": "#/$defs/B"}]}}},
]  # fmt: skip


@pytest.mark.parametrize("schema", SCHEMAS, ids=[json.dumps(schema)[:60] for schema in SCHEMAS])
async def test_own_schemas(schema, tmp_path):
    for version in ("2024-11-05", "2025-11-25"):
        assert complaints(await listed(text(schema), tmp_path, version)) == []


def doubling(levels):
    """Return a schema whose references are twice as many on each level."""
    inner = {
        f"D{at}": {"type": "object", "properties": {key: {"$ref": f"#/$defs/D{at + 1}"} for key in "ab"}}
        for at in range(levels)
    }
    return {"$defs": {**inner, f"D{levels}": {"type": "string"}}, "properties": {"d": {"$ref": "#/$defs/D0"}}}


async def test_a_schema_that_grows_without_bounds_is_shown_within_them(tmp_path):
    deep = {"type": "string"}
    for _ in range(60):
        deep = {"type": "object", "properties": {"x": deep}}
    tools = await listed(text(doubling(40), {"properties": {"deep": deep}}), tmp_path)
    assert complaints(tools) == []
    assert len(json.dumps(tools)) < 1_000_000


NAMES = st.sampled_from(["a", "b", "$c", "d e", "x" * 70])
LEAVES = (
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False, allow_infinity=False) | NAMES
    | st.sampled_from(["string", "object", "array", "integer", "null", "#/$defs/a", "#", "^a", "(", ["string", "null"]])
)  # fmt: skip
KEYWORDS = st.sampled_from(
    [
        "type",
        "properties",
        "required",
        "items",
        "anyOf",
        "oneOf",
        "allOf",
        "not",
        "if",
        "then",
        "enum",
        "const",
        "default",
        "$ref",
        "$defs",
        "additionalProperties",
        "description",
        "pattern",
        "minimum",
        "maxLength",
        "prefixItems",
        "dependentRequired",
        "nullable",
        "format",
        "title",
        "examples",
    ]
)
SCHEMA = st.recursive(
    LEAVES,
    lambda inner: st.dictionaries(KEYWORDS, inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=3)
    | st.lists(inner, max_size=3),
    max_leaves=25,
)  # fmt: skip


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(schema=st.dictionaries(KEYWORDS, SCHEMA, max_size=5))
def test_any_own_schema_is_shown_as_clients_take_it(schema):
    """Whatever stands in a file: the shown form is one that the strictest client takes, and nothing fails."""
    from naftiko.link.tool_list import input_schema, tool_description

    tool = {
        "name": "own",
        "description": "Own",
        "inputSchema": schema,
        "outputParameters": [{"name": "a", "value": "b"}],
    }
    file = f"naftiko: 1.0.0-alpha2\nexposes: [{{type: mcp, namespace: n, tools: {json.dumps([tool])}}}]"
    capability = naftiko.loads(file, settings=Settings(environment={}))
    (unit,) = capability.units
    shown = {"name": "own", "description": tool_description(unit.plan), "inputSchema": input_schema(unit.plan)}
    assert complaints([shown]) == []
    capability.lint()
    with contextlib.suppress(naftiko.ground.errors.InputError):
        unit.plan.inputs.check({given.alias: "x" for given in unit.inputs})


UNTYPED = """
naftiko: 1.0.0-alpha2
consumes:
- namespace: up
  baseUri: http://unused.invalid
  resources:
  - path: /x
    operations:
    - {name: block, method: POST, body: {type: json, data: {a: "{{a}}", list: ["{{b}}"], text: "by {{c}}"}}}
    - {name: rows, method: POST, inputParameters: [{name: rows, in: body, type: array}]}
    - {name: form, method: POST, body: {type: formUrlEncoded, data: {a: "{{a}}"}}}
    - {name: query, method: GET, inputParameters: [{name: a, in: query, type: array}]}
exposes:
- type: mcp
  namespace: m
  tools: [{name: block, call: up.block}, {name: rows, call: up.rows}, {name: form, call: up.form}, {name: query, call: up.query}]
"""


@pytest.mark.parametrize(
    ("tool", "given", "sent"),
    [
        (
            "block",
            {"a": '{"x": [1]}', "b": "[2]", "c": '{"k": 1}'},
            {"a": {"x": [1]}, "list": [[2]], "text": 'by {"k": 1}'},
        ),
        ("block", {"a": {"x": 1}, "b": 5, "c": "d"}, {"a": {"x": 1}, "list": [5], "text": "by d"}),
        ("block", {"a": "{no json", "b": "7", "c": "true"}, {"a": "{no json", "list": ["7"], "text": "by true"}),
        ("rows", {"rows": ['{"id": 1}', "plain", 5, {"id": 2}]}, {"rows": [{"id": 1}, "plain", 5, {"id": 2}]}),
    ],
)
def test_what_is_shown_as_text_for_want_of_a_type_may_be_any_json_in_a_json_body(tool, given, sent):
    units = {unit.name: unit for unit in naftiko.loads(UNTYPED, settings=Settings(environment={})).units}
    assert json.loads(units[tool].request(given).content) == sent


def test_elsewhere_a_text_is_sent_as_it_is():
    units = {unit.name: unit for unit in naftiko.loads(UNTYPED, settings=Settings(environment={})).units}
    assert units["form"].request({"a": '{ "x": 1 }'}).content == b"a=%7B%20%22x%22%3A%201%20%7D"
    assert "%7B%20%22" in str(units["query"].request({"a": ['{ "x": 1 }']}).url)
