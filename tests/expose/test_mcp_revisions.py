"""Bare JSON-RPC at every revision that the SDK speaks: one endpoint, stateless, answers in JSON."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest
from mcp_wire import HANDSHAKE, NEWEST

CAPABILITY = """
naftiko: 1.0.0-alpha2
info: {label: Things, version: 2.1.0}
capability:
  consumes:
    - type: http
      namespace: things
      baseUri: http://unused.invalid
      resources:
        - path: /things
          operations:
            - {name: list, method: GET}
        - path: /things/{id}
          operations:
            - name: get
              method: GET
              outputParameters:
                - {name: name, mapping: $.name}
            - {name: drop, method: DELETE}
        - path: /sound
          operations: [{name: sound, method: GET}]
  exposes:
    - type: mcp
      namespace: things-mcp
      description: Everything about things.
      ttlMs: 300
      cacheScope: public
      tools:
        - {name: list-things, label: List things, description: All of them, call: things.list}
        - name: names
          description: Their names
          call: things.list
          outputParameters:
            - type: array
              mapping: $
              items: {type: string, mapping: $.name}
        - name: get-thing
          description: One of them
          call: things.get
          outputParameters:
            - {name: title, type: string, mapping: $.name}
        - {name: drop-thing, description: Delete it, call: things.drop, hints: {destructive: true}}
        - {name: sound, description: How it sounds, call: things.sound}
"""


@pytest.fixture
async def url(serve, upstream):
    upstream.on("GET", "/things", [{"name": "a"}, {"name": "b"}])
    upstream.on("GET", "/things/{id}", {"name": "ä"})
    upstream.on("DELETE", "/things/{id}", None)
    upstream.on("GET", "/sound", lambda _request: _sound())
    return f"{await serve(CAPABILITY, base=upstream.url)}/mcp"


def _sound():
    from starlette.responses import Response

    return Response(b"\x00\x01", media_type="audio/mpeg")


@pytest.fixture(params=[*HANDSHAKE, NEWEST])
def at(request, wire, url):
    return wire(url, request.param)


@pytest.mark.parametrize("version", HANDSHAKE)
async def test_initialize_negotiates_the_asked_revision_without_a_session(wire, url, version):
    params = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    answer = await wire(url, version).post("initialize", params)
    result = answer.json()["result"]
    assert result["protocolVersion"] == version
    assert (result["serverInfo"]["name"], result["serverInfo"]["version"]) == ("things-mcp", "2.1.0")
    assert result["instructions"] == "Everything about things."
    assert set(result["capabilities"]) - {"experimental"} == {"tools"}
    assert answer.headers["content-type"] == "application/json"
    assert "mcp-session-id" not in answer.headers


async def test_the_newest_revision_is_discovered(wire, url):
    result = await wire(url, NEWEST).ask("server/discover")
    assert NEWEST in result["supportedVersions"]
    assert result["instructions"] == "Everything about things."
    assert (result["ttlMs"], result["cacheScope"]) == (300, "public")


async def test_notifications_are_accepted(wire, url):
    answer = await wire(url, "2025-11-25").client.post(
        url,
        json={"jsonrpc": "2.0", "method": "notifications/initialized"},
        headers={"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-11-25"},
    )
    assert (answer.status_code, answer.content) == (202, b"")


async def test_lists_the_same_tools_in_the_same_order(at):
    tools = (await at.ask("tools/list"))["tools"]
    assert [tool["name"] for tool in tools] == [
        "list-things",
        "names",
        "get-thing",
        "drop-thing",
        "sound",
    ]
    assert tools[0]["title"] == tools[0]["annotations"]["title"] == "List things"
    assert tools[1]["annotations"] == {"readOnlyHint": True}
    assert tools[3]["annotations"] == {"destructiveHint": True}


async def test_output_schemas_are_objects_for_clients_that_want_objects(at):
    tools = {tool["name"]: tool for tool in (await at.ask("tools/list"))["tools"]}
    assert "outputSchema" not in tools["list-things"]
    assert tools["get-thing"]["outputSchema"]["type"] == "object"
    names = tools["names"]["outputSchema"]
    if at.version == NEWEST:
        assert "array" in names["type"]
    else:
        assert names["type"] == "object"
        assert "array" in names["properties"]["result"]["type"]


async def test_arrays_are_structured_as_the_revision_can(at):
    promised = await at.call("names")
    assert promised["content"] == [{"type": "text", "text": '["a","b"]'}]
    assert promised["structuredContent"] == (["a", "b"] if at.version == NEWEST else {"result": ["a", "b"]})
    free = await at.call("list-things")
    if at.version == NEWEST:
        assert free["structuredContent"] == [{"name": "a"}, {"name": "b"}]
    else:
        assert "structuredContent" not in free


async def test_objects_are_structured(at):
    result = await at.call("get-thing", {"id": "1"})
    assert result["structuredContent"] == {"title": "ä"}
    assert result["content"] == [{"type": "text", "text": '{"title":"ä"}'}]
    assert result["isError"] is False


async def test_no_content_is_empty_and_no_error(at):
    result = await at.call("drop-thing", {"id": "1"})
    assert (result["content"], result["isError"]) == ([], False)


async def test_audio_is_audio_where_the_client_knows_it(at):
    [content] = (await at.call("sound"))["content"]
    if at.version == "2024-11-05":
        assert content["type"] == "resource"
        assert content["resource"]["mimeType"] == "audio/mpeg"
    else:
        assert content == {"type": "audio", "data": "AAE=", "mimeType": "audio/mpeg"}


async def test_bad_arguments_and_unknown_tools(at):
    result = await at.call("get-thing", {})
    assert result["isError"] is True
    assert "`id` is required" in result["content"][0]["text"]
    assert (await at.error("tools/call", {"name": "get-thin", "arguments": {}}))["code"] == -32602


async def test_an_unknown_method_is_not_found(at):
    assert (await at.error("resources/list"))["code"] == -32601


async def test_get_is_refused_instead_of_left_waiting(url):
    async with httpx.AsyncClient(timeout=60) as client:
        answer = await client.get(url, headers={"accept": "text/event-stream"})
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_an_unknown_revision_is_refused_with_those_that_are_known(wire, url):
    unknown = "2999-01-01"
    meta = {"io.modelcontextprotocol/protocolVersion": unknown, "io.modelcontextprotocol/clientCapabilities": {}}
    answer = await wire(url, unknown).post("tools/list", {"_meta": meta}, mcp_method="tools/list")
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == -32022
    assert NEWEST in answer.json()["error"]["data"]["supported"]


async def test_blanks_around_a_header_value_do_not_count(url):
    """RFC 9110 chapter 5.5; clients of Python can't even send them, so this speaks to the socket."""
    meta = {"io.modelcontextprotocol/protocolVersion": NEWEST, "io.modelcontextprotocol/clientCapabilities": {}}
    params = {"name": "list-things", "arguments": {}, "_meta": meta}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()
    head = (
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n"
        "Accept: application/json, text/event-stream\r\n"
        f"MCP-Protocol-Version: {NEWEST}  \r\nMcp-Method:   tools/call \r\nMcp-Name:  list-things  \r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    target = httpx.URL(url)
    reader, writer = await asyncio.open_connection(target.host, target.port)
    async with asyncio.timeout(60):
        writer.write(head.encode() + body)
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 200")
