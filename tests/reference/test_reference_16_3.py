"""REFERENCE 16.3: conversions and mapping."""

from __future__ import annotations

import json

import pytest

from naftiko.engine.formats import decoder
from naftiko.expression import jsonpath
from naftiko.ground.errors import NotExecutable, UpstreamBroken
from naftiko.ground.types import ABSENT
from reference import Recorder, loaded, rest, tool

UNIT = """
consumes:
- namespace: api
  type: http
  baseUri: https://api.example
  resources:
  - name: x
    path: /x
    operations:
    - {name: get, method: GET, outputRawFormat: FORMAT}
exposes:
- type: mcp
  namespace: tools
  port: 1
  tools:
  - name: get
    description: d
    call: api.get
    outputParameters: OUTPUTS
- type: rest
  namespace: front
  port: 2
  resources:
  - name: x
    path: /x
    operations:
    - name: get
      method: GET
      call: api.get
      outputParameters: OUTPUTS
"""


async def mapped(answer, outputs, kind="json"):
    """What the tool answers; REST answers the same."""
    text = UNIT.replace("FORMAT", kind).replace("OUTPUTS", outputs)
    capability = loaded(text, Recorder(answer))
    value = await tool(capability, "get")
    async with rest(capability) as client:
        response = await client.get("/x")
    assert response.status_code == 200
    assert response.json() == value
    return value


async def test_25_an_unknown_format():
    """The unit says so; nothing else is harmed."""
    with pytest.raises(NotExecutable, match=r"(?i)\bini\b"):
        await tool(loaded(UNIT.replace("FORMAT", "INI").replace("OUTPUTS", "[]"), Recorder("x")), "get")


@pytest.mark.parametrize(
    ("kind", "content", "expected"),
    [
        ("xml", b"<root><name>Alice</name></root>", {"name": "Alice"}),
        ("csv", b"name,age\nAlice,39\n", [{"name": "Alice", "age": "39"}]),
        ("tsv", b"id\tname\n1\ta\n2\tb\n", [{"id": "1", "name": "a"}, {"id": "2", "name": "b"}]),
        ("psv", b"id|name\n1|a\n", [{"id": "1", "name": "a"}]),
        ("yaml", b"name: Alice\nage: 42\n", {"name": "Alice", "age": 42}),
    ],
)
def test_26_to_28_shapes(kind, content, expected):
    """The root's name disappears, cells are strings, YAML scalars are typed."""
    assert decoder(kind)(content, None) == expected


def test_31_jsonpath():
    """Quoted names, misses, the root, names with spaces."""
    document = {"user details": {"contact email": "a@x"}}
    assert jsonpath.parse("$['user details']['contact email']")(document) == "a@x"
    assert jsonpath.parse("$.user details.contact email")(document) == "a@x"
    assert jsonpath.parse("$.missing.field")(document) is ABSENT
    assert jsonpath.parse("$")(document) == jsonpath.parse("$.")(document) == document


async def test_32_max_length():
    """Text is cut, nothing else is."""
    outputs = (
        "[{name: a, type: string, mapping: $.a, maxLength: 5}, {name: n, type: number, mapping: $.n, maxLength: 1}]"
    )
    assert await mapped({"a": "abcdefgh", "n": 12345}, outputs) == {"a": "abcde", "n": 12345}


async def test_33_values_and_nested_arrays():
    """A value wins over a mapping; a map with free keys; a Notion-like nested array."""
    assert await mapped({"a": 1}, "[{name: x, type: string, value: fixed, mapping: $.a}]") == {"x": "fixed"}
    table = {"props": {"a": {"n": 1}, "b": {"n": 2}}}
    assert await mapped(table, "[{type: object, mapping: $.props, values: {type: number, mapping: $.n}}]") == {
        "a": 1,
        "b": 2,
    }
    results = {"results": [{"p": {"Name": {"title": [{"text": "Alice"}]}}}, {"p": {"Name": {"title": []}}}]}
    name = '{name: {type: string, mapping: "$.p.Name.title[0].text"}}'
    outputs = f"[{{type: array, mapping: $.results, items: {{type: object, properties: {name}}}}}]"
    assert await mapped(results, outputs) == [{"name": "Alice"}, {"name": None}]


async def test_34_and_37_nested_objects_and_arrays():
    """Numbers stay numbers; an array's mapping that finds no array is null; a missing property is an explicit null."""
    ship = {"year_built": 2015, "gross_tonnage": 42000, "dimensions": {"length_overall": 229}}
    paths = {
        "yearBuilt": "$.year_built",
        "tonnage": "$.gross_tonnage",
        "length": "$.dimensions.length_overall",
        "none": "$.none",
    }
    specs = {
        "type": "object",
        "properties": {name: {"type": "number", "mapping": path} for name, path in paths.items()},
    }
    no_list = {"type": "array", "mapping": "$.year_built", "items": {"type": "number", "mapping": "$."}}
    outputs = json.dumps([{"type": "object", "properties": {"specs": specs, "list": no_list}}])
    assert await mapped(ship, outputs) == {
        "specs": {"yearBuilt": 2015, "tonnage": 42000, "length": 229, "none": None},
        "list": None,
    }
    assert await mapped({"l": [1, {"a": 2}]}, "[{type: array, mapping: $.l, items: {type: object}}]") == [1, {"a": 2}]


async def test_35_and_36_xml():
    """Text that is no JSON is an error without the format, and mapped with it."""
    xml = "<vessels><vessel><vesselCode>V001</vesselCode><n>Sea Eagle</n></vessel><vessel><vesselCode>V002</vesselCode><n>Harbor Star</n></vessel></vessels>"
    outputs = "[{type: array, mapping: $.vessel, items: {type: object, properties: {code: {mapping: $.vesselCode}, name: {mapping: $.n}}}}]"
    assert await mapped(xml, outputs, "xml") == [
        {"code": "V001", "name": "Sea Eagle"},
        {"code": "V002", "name": "Harbor Star"},
    ]
    with pytest.raises(UpstreamBroken):
        await tool(loaded(UNIT.replace("FORMAT", "json").replace("OUTPUTS", outputs), Recorder(xml)), "get")


async def test_36_one_xml_child_is_a_list_of_one():
    """Also where the items are mapped as they are."""
    outputs = '[{name: ids, type: array, mapping: $.id, items: {type: string, mapping: "$."}}, {name: raw, type: array, mapping: $.id}]'
    assert await mapped("<r><id>1</id></r>", outputs, "xml") == {"ids": ["1"], "raw": ["1"]}


async def test_38_a_value_that_is_a_path_is_a_mapping():
    """`value: $.id` is read from the answer, `value: Hello` is not."""
    assert await mapped({"id": "u-1"}, "[{name: userid, type: string, value: $.id}, {name: ok, value: Hello}]") == {
        "userid": "u-1",
        "ok": "Hello",
    }


async def test_81_and_82_unlike_there():
    """All named outputs make an object (there: the first alone), and `mapping: $.` is the whole (there: `{}`)."""
    document = {"user": {"id": "u-1"}, "n": 2}
    outputs = "[{name: missing, mapping: $.missing}, {name: id, mapping: $.user.id}, {name: n, mapping: $.n}]"
    assert await mapped(document, outputs) == {"missing": None, "id": "u-1", "n": 2}
    assert await mapped(document, '[{type: object, mapping: "$."}]') == document
