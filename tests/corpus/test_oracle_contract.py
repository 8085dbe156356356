"""The oracle's own words on the sharper parts of the contract: names that stand twice, lost segments, digits, flags."""

from __future__ import annotations

import oracle
import pytest
from oracle import Digits, Json
from oracle_snippets import BASE, pair, send, write

TWINS = """
naftiko: 1.0.0-alpha2
capability:
  consumes:
  - namespace: git
    resources:
    - {name: branches, path: '/r/{repo}/branches', operations: [{name: drop, method: DELETE, description: Drop a branch}]}
    - {name: tags, path: '/r/{repo}/tags', operations: [{name: drop, method: DELETE, description: Drop a tag}]}
  exposes:
  - type: rest
    namespace: web
    resources:
    - {path: '/v1/r/{Repo}/tags', operations: [{method: DELETE, call: git.drop}]}
    - {name: tags, path: '/other/{repo}', operations: [{method: DELETE, call: git.drop}]}
  - type: mcp
    namespace: agents
    tools:
    - {name: a, description: Drop a tag, call: git.drop}
    - {name: b, call: git.drop}
"""


def test_operations_of_one_name_are_told_apart_by_path_then_resource_then_description_then_order(tmp_path):
    path = write(tmp_path, TWINS)
    units = oracle.units(path)
    sent = [send(path, unit, {"Repo": "x", "repo": "x"}).url for unit in units]
    assert sent == [f"{BASE}/r/x/tags", f"{BASE}/r/x/tags", f"{BASE}/r/x/tags", f"{BASE}/r/x/tags"]
    assert units[2].plan.operation.path == "/r/{repo}/tags"  # by its description, though it is the first to ask
    assert units[3].plan.operation.path == "/r/{repo}/tags"  # the second unit of its adapter: the second operation


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "PUT", "PATCH"])
def test_a_path_parameter_that_the_path_lost_is_a_segment_at_its_end(tmp_path, method):
    parameters = "[{name: db, in: path}, {name: part, in: path}]"
    path = pair(tmp_path, f"method: {method}, inputParameters: {parameters}", resource="/databases?full=1")
    made = send(path, oracle.units(path)[1], {"db": "a/b", "part": "2"})
    assert made.url == f"{BASE}/databases/a%2Fb/2?full=1"


def test_a_post_that_lost_a_path_parameter_can_not_be_executed(tmp_path):
    path = pair(tmp_path, "method: POST, inputParameters: [{name: id, in: path}]")
    assert [unit.executable for unit in oracle.units(path)] == [False, False]


@pytest.mark.parametrize(
    ("parameter", "value", "body"),
    [
        ("{name: query, in: body, type: string}", "SELECT 1", {"query": "SELECT 1"}),
        ("{name: app, in: body, type: string}", '{"a": 1.10}', {"a": Digits("1.10")}),
        ("{name: ids, in: body, type: array}", [Digits("1")], {"ids": [Digits("1")]}),
        ("{name: payload, in: body, type: string}", "x", "x"),
        ("{name: createBody, in: body}", {"a": "b"}, {"a": "b"}),
        ("{name: thing, in: body, type: object}", {"a": "b"}, {"a": "b"}),
    ],
)
def test_a_single_body_parameter_is_a_field_unless_its_name_type_or_value_makes_it_the_body(
    tmp_path, parameter, value, body
):
    path = pair(tmp_path, f"method: POST, inputParameters: [{parameter}]")
    tool = oracle.units(path)[1]
    assert send(path, tool, {tool.inputs[0].name: value}).body == Json(body)


def test_a_declared_argument_without_a_flag_takes_it_from_what_it_feeds(tmp_path):
    path = write(
        tmp_path,
        """
        naftiko: 1.0.0-alpha2
        capability:
          consumes:
          - namespace: up
            resources:
            - path: /s
              operations: [{name: op, method: GET, inputParameters: [{name: a, in: query}, {name: b, in: query, required: true}]}]
          exposes:
          - type: mcp
            namespace: m
            tools:
            - {name: t, call: up.op, with: {a: tools.x, b: '{{y}}'}, inputParameters: [{name: x}, {name: y}, {name: z}, {name: b, required: false}]}
        """,
    )
    assert [(one.name, one.required) for one in oracle.units(path)[0].inputs] == [
        ("x", False),
        ("y", True),
        ("z", True),
        ("b", False),
    ]


@pytest.mark.parametrize("call", ["up.op", "UP.Op", "elsewhere.op", "up/things/op", "up.things.op"])
def test_a_name_that_is_certain_although_misspelt_is_meant(tmp_path, call):
    path = write(
        tmp_path,
        f"""
        naftiko: 1.0.0-alpha2
        capability:
          consumes: [{{namespace: up, resources: [{{name: things, path: /t, operations: [{{name: op}}]}}]}}]
          exposes: [{{type: mcp, namespace: m, tools: [{{name: t, call: {call}}}, {{name: op}}]}}]
        """,
    )
    assert [unit.executable for unit in oracle.units(path)] == [True, True]


def test_outputs_get_a_document_in_which_each_finds_its_own(tmp_path):
    outputs = [
        {"name": "id", "type": "integer", "mapping": "$.data.id"},
        {"name": "owner", "type": "object", "mapping": "$.data", "properties": {"name": {"mapping": "$.owner.name"}}},
        {
            "name": "rows",
            "type": "array",
            "mapping": "$.rows",
            "items": {"properties": [{"name": "n", "type": "number"}]},
        },
        {"name": "names", "mapping": "$.rest[*].name"},
    ]
    made = oracle.expected_answer(outputs)
    assert made.answer["id"] == made.document["data"]["id"]
    assert made.answer["owner"] == {"name": made.document["data"]["owner"]["name"]}
    assert made.answer["rows"] == made.document["rows"]
    assert made.answer["names"] == [made.document["rest"][0]["name"]]
