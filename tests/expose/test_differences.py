"""What docs/differences.md says of odd files, as a caller meets it."""

from __future__ import annotations

import pytest
from rest_serving import assert_problem, client_of, operation, rest_capability, route
from starlette.responses import Response

CALLED = {"do": operation(inputParameters=[{"name": "a", "in": "query", "type": "string"}])}


def at(upstream):
    return {"baseUri": upstream.url}


@pytest.fixture(autouse=True)
def answering(upstream):
    upstream.on("GET", "/x", {"ok": True})
    upstream.on("POST", "/x", {"ok": True})


async def test_a_with_key_that_names_nothing_is_sent(upstream):
    """In the query of a GET, as a field of the body of a POST."""
    operations = {
        "get": operation(inputParameters=[{"name": "a", "in": "query", "type": "string"}]),
        "post": operation("POST", inputParameters=[{"name": name, "in": "body", "type": "string"} for name in "fg"]),
    }
    routes = [
        route("/get", call="api.get", **{"with": {"a": "1", "nothing": "2"}}),
        route("/post", "POST", call="api.post", **{"with": {"f": "1", "g": "3", "nothing": "2"}}),
    ]
    async with client_of(rest_capability(routes, operations, api=at(upstream))) as client:
        await client.get("/get")
        await client.post("/post")
    get, post = upstream.requests
    assert get.query.multi_items() == [("a", "1"), ("nothing", "2")]
    assert post.json() == {"f": "1", "g": "3", "nothing": "2"}


async def test_a_functions_required_holds_though_the_unit_declares_the_input(upstream):
    function = {
        "name": "fn",
        "description": "d",
        "call": "api.do",
        "with": {"a": "agg.a"},
        "inputParameters": [{"name": "a", "type": "string", "description": "A.", "required": True}],
    }
    more = {"aggregates": [{"namespace": "agg", "label": "A", "functions": [function]}]}
    declared = [{"name": "a", "in": "query", "type": "string", "required": False}]
    routes = [route("/fn", call=None, ref="agg.fn", inputParameters=declared)]
    async with client_of(rest_capability(routes, CALLED, api=at(upstream), more=more)) as client:
        problem = assert_problem(await client.get("/fn"), 400, "invalid-input")
        assert "`a` is required" in problem["detail"]
        assert not upstream.requests
        assert (await client.get("/fn?a=1")).status_code == 200


async def test_an_unresolvable_call_is_no_mock_though_its_outputs_are_static(upstream):
    outputs = [{"name": "s", "type": "string", "value": "static"}]
    routes = [route("/u", call="nowhere.nothing", outputParameters=outputs)]
    async with client_of(rest_capability(routes, CALLED, api=at(upstream))) as client:
        assert_problem(await client.get("/u"), 501, "not-executable")


@pytest.mark.parametrize(
    ("kind", "media_type", "content", "answer"),
    [
        ("xml", "application/xml", "<r><a>1.10</a></r>", {"a": "1.10"}),
        ("csv", "text/csv", "a,b\n1.10,2\n", [{"a": "1.10", "b": "2"}]),
    ],
)
async def test_xml_and_csv_without_outputs_are_json(upstream, kind, media_type, content, answer):
    upstream.on("GET", "/x", Response(content, media_type=media_type))
    operations = {"do": operation(outputRawFormat=kind)}
    async with client_of(rest_capability([route("/x")], operations, api=at(upstream))) as client:
        response = await client.get("/x")
    assert response.headers["content-type"] == "application/json"
    assert response.json() == answer


async def test_an_optional_prompt_argument_that_is_not_given_is_empty(serve, wire):
    text = """
naftiko: 1.0.0-alpha2
capability:
  exposes:
  - type: mcp
    namespace: tools
    port: 1
    prompts:
    - name: about
      description: d
      arguments: [{name: topic, description: t, required: false}]
      template: [{role: user, content: "About [{{topic}}]."}]
"""
    url = await serve(text)
    told = await wire(f"{url}/mcp", "2025-11-25").ask("prompts/get", {"name": "about"})
    assert told["messages"][0]["content"]["text"] == "About []."
