"""A tool's own ``inputSchema`` and ``outputSchema``: shown as clients take them, the input checked as it says."""

from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator
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


async def test_an_output_schema_of_an_object_is_shown_as_far_as_it_is_sure(at, upstream):
    tools = {tool["name"]: tool for tool in (await at.ask("tools/list"))["tools"]}
    shown = tools["promised"]["outputSchema"]
    assert shown["type"] == "object"
    assert shown["properties"]["id"]["type"][:2] == ["integer", "null"]
    assert "required" not in shown
    assert "outputSchema" not in tools["array"]
    upstream.on("GET", "/json", {"id": 7, "filler": "x" * 70_000})
    assert (await at.call("promised"))["structuredContent"]["id"] == 7


@pytest.mark.parametrize("answer", [{"id": "x"}, {}, {"id": None}, {"id": {"a": 1}}, [1], "text", None])
async def test_a_good_answer_is_never_one_that_a_client_refuses(at, upstream, answer):
    upstream.on("GET", "/json", answer)
    for tool in (await at.ask("tools/list"))["tools"]:
        if "outputSchema" in tool and tool["name"] in {"promised", "broken"}:
            result = await at.call(tool["name"])
            Draft202012Validator(tool["outputSchema"]).validate(result["structuredContent"])
            assert result["isError"] is False


async def test_in_mock_mode_nothing_is_promised_that_the_mock_does_not_keep(serve, wire):
    at = wire(f"{await serve(CAPABILITY, base='http://localhost:1', settings={'mock': True})}/mcp", NEWEST)
    tools = {tool["name"]: tool for tool in (await at.ask("tools/list"))["tools"]}
    assert "outputSchema" not in tools["promised"]


MEANING = """
naftiko: 1.0.0-alpha2
capability:
  consumes:
    - type: http
      namespace: up
      baseUri: http://unused.invalid
      resources:
        - path: /json
          operations: [{name: send, method: POST, inputParameters: [{name: body, in: body, type: object}]}]
        - path: /json/{id}
          operations: [{name: one, method: GET, inputParameters: [{name: q, in: query}]}]
  exposes:
    - type: mcp
      namespace: mcp
      tools:
        - name: send
          description: Sends
          call: up.send
          with: {body: {a: "{{$a}}", q: tools.q, filter: tools.filter, tree: tools.tree, n: tools.n}}
          inputSchema:
            $defs: {Tree: {type: object, properties: {v: {type: integer}, kids: {type: array, items: {$ref: "#/$defs/Tree"}}}}}
            properties:
              $a: {type: array}
              q: {type: string, nullable: true}
              n: {anyOf: [{type: integer}, {type: "null"}, {type: array, items: {type: integer}}]}
              filter: {type: object, properties: {$gt: {type: integer}, "x y": {type: array, items: {properties: {"#": {}}}}}}
              tree: {$ref: "#/$defs/Tree"}
        - name: either
          description: Either
          call: up.send
          with: {body: {kind: tools.kind, size: tools.size}}
          inputSchema:
            oneOf:
              - {properties: {kind: {const: box}, size: {type: integer}}, required: [kind, size]}
              - {properties: {kind: {const: bag}}, required: [kind], additionalProperties: false}
        - {name: nothing, description: Nothing, call: up.one, inputSchema: {}}
        - {name: forgot, description: Forgot, call: up.one, inputSchema: {properties: {q: {type: string}}, minProperties: 1}}
"""


@pytest.fixture
async def sending(serve, upstream, wire):
    for method in ("GET", "POST"):
        upstream.on(method, "/json", {"ok": True})
    upstream.on("GET", "/json/{id}", {"ok": True})
    return wire(f"{await serve(MEANING, base=upstream.url)}/mcp", NEWEST)


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"$a": [1, {"b": 2}]}, {"a": [1, {"b": 2}]}),
        ({"a": ["x"]}, {"a": ["x"]}),
        ({"q": None}, {"q": None}),
        ({"n": None}, {"n": None}),
        ({"n": [1, 2]}, {"n": [1, 2]}),
        ({"filter": {"gt": 1}}, {"filter": {"$gt": 1}}),
        ({"filter": {"$gt": 1, "x_y": [{"#": 1}]}}, {"filter": {"$gt": 1, "x y": [{"#": 1}]}}),
        (
            {"tree": {"v": 1, "kids": [{"kids": [{"kids": [{"v": 4}]}]}]}},
            {"tree": {"v": 1, "kids": [{"kids": [{"kids": [{"v": 4}]}]}]}},
        ),
    ],
)
async def test_arguments_mean_what_the_schema_says_under_both_names(sending, upstream, given, sent):
    result = await sending.call("send", given)
    assert result["isError"] is False, result
    assert upstream.requests[-1].json() == sent


@pytest.mark.parametrize(
    ("tool", "given"),
    [
        ("send", {"$a": "x"}),
        ("send", {"n": "several"}),
        ("send", {"filter": {"gt": "x"}}),
        ("send", {"tree": {"kids": [{"kids": [{"kids": [{"v": "deep"}]}]}]}}),
        ("either", {"kind": "box"}),
        ("either", {"kind": "bag", "size": 1}),
        ("either", {"kind": "other"}),
        ("either", {}),
        ("forgot", {"id": "1"}),
        ("forgot", {"q": "x"}),
    ],
)
async def test_what_the_schema_refuses_is_refused_however_it_is_shown(sending, upstream, tool, given):
    upstream.clear()
    assert (await sending.call(tool, given))["isError"] is True
    assert upstream.requests == []


async def test_properties_of_alternatives_are_all_shown_and_their_rule_is_said(sending, upstream):
    tools = {tool["name"]: tool for tool in (await sending.ask("tools/list"))["tools"]}
    either = tools["either"]
    assert set(either["inputSchema"]["properties"]) == {"kind", "size"}
    assert either["inputSchema"]["properties"]["kind"]["enum"] == ["box", "bag"]
    assert either["inputSchema"]["required"] == ["kind"]
    for text in (either["description"], either["inputSchema"]["description"]):
        assert '`kind` is `"box"` and `size` is given; or `kind` is `"bag"`' in text
    assert (await sending.call("either", {"kind": "box", "size": "3"}))["isError"] is False
    assert upstream.requests[-1].json() == {"kind": "box", "size": 3}


async def test_a_schema_without_properties_leaves_them_to_what_is_called_and_a_path_is_never_forgotten(sending):
    tools = {tool["name"]: tool for tool in (await sending.ask("tools/list"))["tools"]}
    assert set(tools["nothing"]["inputSchema"]["properties"]) == {"id", "q"}
    assert tools["forgot"]["inputSchema"]["required"] == ["id"]
    assert (await sending.call("forgot", {"id": "1", "q": "x"}))["isError"] is False


async def test_a_value_that_is_nested_without_end_is_the_callers_fault(sending, upstream):
    upstream.clear()
    tree = {"v": 1}
    for _ in range(400):
        tree = {"kids": [tree]}
    result = await sending.call("send", {"tree": tree})
    assert result["isError"] is True
    assert "nested too deeply" in result["content"][0]["text"]
    assert upstream.requests == []
