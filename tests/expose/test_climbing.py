"""Nobody gets above the consumed path with our credential, by REST, MCP or forward, on real sockets (SEMANTICS 4.1)."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

import pytest
from mcp_wire import NEWEST
from rest_serving import assert_problem, client_of, operation, rest_capability, route
from starlette.responses import JSONResponse

CLIMBING = ["..", ".", "%2e%2e", "%252E.", "..;v=1", "../keys", "a/../../keys", "..\\keys", "..%2fkeys", "..%5Ckeys"]
ENCODED = ["%2e%2e", "%2E", "%252e%252e", "..%3Bv", "..%2fkeys", "a%2F..%2F..%2Fkeys", "..%5ckeys", ".%2e%3bx"]
"""The same as a caller writes them in a URL."""
ROUTES = [
    route("/users/{id}", call="api.user"),
    route("/both/{a}.{b}", call="api.both"),
    route("/files/{path}", call="api.file"),
]
OPERATIONS = {
    "user": operation(path="/users/{id}"),
    "both": operation(path="/both/{a}{b}"),
    "file": operation(path="/files/{+path}"),
}
TOOLS = """
naftiko: 1.0.0-alpha2
capability:
  consumes:
    - namespace: api
      baseUri: http://unused.invalid
      authentication: {type: bearer, token: sekret-token}
      resources:
        - {path: "/users/{id}", operations: [{name: user, method: DELETE}]}
        - {path: "/files/{+path}", operations: [{name: file, method: GET}]}
        - {path: "/find", operations: [{name: find, method: GET, inputParameters: [{name: id, in: query}]}]}
  exposes:
    - type: mcp
      namespace: tools
      tools:
        - {name: user, description: d, call: api.user}
        - {name: file, description: d, call: api.file}
      resources:
        - {name: user, uri: "ship://{id}/info", call: api.user}
        - {name: find, uri: "find://{id}/info", call: api.find}
"""


def echo(upstream):
    upstream.on("*", "/{rest:path}", lambda request: JSONResponse({"path": request.raw_path}))


async def raw_status(client, target):
    """Return the status that a target gets which no client library would send as it is."""
    async with asyncio.timeout(60):
        reader, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
        writer.write(f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        status = (await reader.read()).split(b" ")[1]
        writer.close()
    return status


async def test_a_route_answers_400_and_sends_nothing(upstream):
    echo(upstream)
    capability = rest_capability(ROUTES, OPERATIONS, base_uris={"*": upstream.url + "/v1"})
    async with client_of(capability) as client:
        for value in (*ENCODED, "..", "."):
            for path in (f"/users/{value}", f"/files/{value}"):
                assert await raw_status(client, path) == b"400", path
        assert await raw_status(client, "/both/...") == b"400"
        problem = assert_problem(await client.get("/users/%252e"), 400, "invalid-input")
        assert problem["errors"][0]["name"] == "id"
        assert not upstream.requests
        for value in ("...", "a..b", ".hidden", "v1.0", "a%2Fb"):
            assert (await client.get(f"/users/{value}")).json()["path"] == f"/v1/users/{value}"
        assert (await client.get("/files/a%2Fb.c%2F..d")).json()["path"] == "/v1/files/a/b.c/..d"


async def test_a_forward_answers_400_and_sends_nothing(upstream):
    """Encoded, doubly encoded, with backslashes, with parameters."""
    echo(upstream)
    routes = [{"path": "/proxy/{{path}}", "forward": {"targetNamespace": "api"}}]
    capability = rest_capability(routes, base_uris={"*": upstream.url + "/base"})
    async with client_of(capability) as client:
        for value in (*ENCODED, "..", ".", "a/..\\b", "a\\..", "..;x/a", "%u002e.", "%c0%ae.", "a%u2216/%%32%65"):
            for target in (f"/proxy/{value}", f"/proxy/a/{value}", f"/proxy/{value}/b"):
                assert await raw_status(client, target) == b"400", target
        assert not upstream.requests
        for value in ("...", "a..b/.c", "x%2Fy", "%2e%2e%2e", "100%25", "a;..", "%C3%A9..", "?x=../.."):
            assert await raw_status(client, f"/proxy/{value}") == b"200"
    assert [request.raw_path for request in upstream.requests] == [
        "/base/...", "/base/a..b/.c", "/base/x%2Fy", "/base/%2e%2e%2e", "/base/100%25", "/base/a;..", "/base/%C3%A9..", "/base",
    ]  # fmt: skip


@pytest.fixture
async def agent(serve, upstream, wire):
    echo(upstream)
    return wire(f"{await serve(TOOLS, base=upstream.url + '/v1')}/mcp", NEWEST)


@pytest.mark.parametrize("value", CLIMBING)
async def test_a_tool_is_an_error_and_sends_nothing(agent, upstream, value):
    for tool, name in (("user", "id"), ("file", "path")):
        result = await agent.call(tool, {name: value})
        assert result["isError"]
        assert f"`{name}` must not make a `.` or `..` segment" in result["content"][0]["text"]
    assert not upstream.requests


async def test_a_resource_template_is_an_error_and_sends_nothing(agent, upstream):
    for value in (*CLIMBING, *ENCODED):
        raw = value if "/" not in value and value not in ENCODED else quote(value, safe="%")
        error = await agent.error("resources/read", {"uri": f"ship://{raw}/info"})
        assert "must not make a `.` or `..` segment" in error["message"], value
    assert not upstream.requests
    await agent.ask("resources/read", {"uri": "find://../info"})
    assert upstream.requests[-1].raw_query == "id=.."
