"""REFERENCE 16.6: the MCP adapter (52 to 54 and 59 to 61 are about one revision's wire, which tests/expose tests)."""

from __future__ import annotations

import base64
import contextlib
import json

import httpx
import pytest

import naftiko
from reference import loaded

TOOLS = """
consumes:
- namespace: api
  type: http
  baseUri: https://api.example
  resources:
  - name: x
    path: /x/{id}
    operations:
    - {name: get, method: GET, inputParameters: [{name: id, in: path}]}
    - {name: file, method: GET, inputParameters: [{name: id, in: path}], outputRawFormat: binary, maxBinarySize: 8B}
exposes:
- type: mcp
  namespace: docs
  port: 1
  description: Instructions
  tools:
  - {name: read-data, label: Read Data, description: d, call: api.get, with: {id: tools.id}, hints: {readOnly: true, openWorld: true}}
  - {name: delete-record, description: d, call: api.get, hints: {readOnly: false, destructive: true, idempotent: true, openWorld: false}}
  - {name: no-hints, description: d, call: api.get}
  - {name: get-file, description: d, call: api.file}
  resources:
  - {name: schema, label: Database Schema, uri: "db://schema", description: d, mimeType: application/json, call: api.get, with: {id: schema}, outputParameters: [{type: string, mapping: $.name}]}
  - {name: profile, label: User Profile, uri: "data://users/{id}/profile", description: d, call: api.get}
  prompts:
  - name: outreach
    description: d
    arguments: [{name: name, description: who, required: true}, {name: format, description: how, required: false}]
    template:
    - {role: user, content: "Hi {{name}} as {{format}}"}
    - {role: assistant, content: "Naftiko"}
"""


@contextlib.asynccontextmanager
async def server(upstream):
    """A function that sends JSON-RPC and returns the whole answer."""
    app = naftiko.mcp_app(loaded(TOOLS, upstream))
    headers = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-11-25"}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://localhost:1", headers=headers
    ) as client:

        async def ask(method, **params):
            body = {"jsonrpc": "2.0", "id": 15, "method": method, "params": params}
            return (await client.post("/mcp", json=body)).json()

        try:
            yield ask
        finally:
            await app.aclose()


def answering(content=b'{"name": "Alice"}', kind="application/json", status=200):
    return lambda _: httpx.Response(status, content=content, headers={"content-type": kind})


async def test_53_unknown_names_and_failing_upstreams():
    """A wrong name is an error of the protocol, a failing upstream a result that says so; the id is echoed."""
    async with server(answering(b'{"message": "broken"}', status=500)) as ask:
        unknown = await ask("tools/call", name="nope", arguments={})
        assert (unknown["id"], unknown["error"]["code"]) == (15, -32602)
        failing = await ask("tools/call", name="no-hints", arguments={"id": "1"})
        assert failing["id"] == 15
        assert failing["result"]["isError"] is True
        assert failing["result"]["content"][0]["type"] == "text"
        assert "500" in failing["result"]["content"][0]["text"]
        assert "broken" in failing["result"]["content"][0]["text"]


async def test_55_hints():
    """What is set, and for a GET without hints that it only reads (SEMANTICS 5.3); a label is the title."""
    async with server(answering()) as ask:
        tools = {tool["name"]: tool for tool in (await ask("tools/list"))["result"]["tools"]}
    read = tools["read-data"]
    assert (read["title"], read["annotations"]) == (
        "Read Data",
        {"title": "Read Data", "readOnlyHint": True, "openWorldHint": True},
    )
    hints = {"readOnlyHint": False, "destructiveHint": True, "idempotentHint": True, "openWorldHint": False}
    assert tools["delete-record"]["annotations"] == hints
    assert tools["no-hints"]["annotations"] == {"readOnlyHint": True}


async def test_56_and_57_prompts():
    """Roles stay, values are not templates, an argument that is not given leaves no braces that a model could read."""
    async with server(answering()) as ask:
        listed = (await ask("prompts/list"))["result"]["prompts"]
        got = (await ask("prompts/get", name="outreach", arguments={"name": "{{admin}}", "format": r"C:\$HOME"}))[
            "result"
        ]
        assert "error" in await ask("prompts/get", name="nope", arguments={})
    assert [prompt["name"] for prompt in listed] == ["outreach"]
    assert [message["role"] for message in got["messages"]] == ["user", "assistant"]
    assert got["messages"][0]["content"]["text"] == r"Hi {{admin}} as C:\$HOME"


async def test_58_resources():
    """Mapped text, templates that do not cross a slash, unknown ones."""
    async with server(answering()) as ask:
        listed = (await ask("resources/list"))["result"]["resources"]
        templates = (await ask("resources/templates/list"))["result"]["resourceTemplates"]
        read = (await ask("resources/read", uri="db://schema"))["result"]["contents"][0]
        assert "error" in await ask("resources/read", uri="data://unknown")
        assert "error" in await ask("resources/read", uri="data://users/a/b/profile")
    assert [(found["uri"], found["title"]) for found in listed] == [("db://schema", "Database Schema")]
    assert [found["uriTemplate"] for found in templates] == ["data://users/{id}/profile"]
    assert (read["text"], read["mimeType"]) == ('"Alice"', "application/json")


@pytest.mark.parametrize(
    ("kind", "content_type"), [("image/jpeg", "image"), ("audio/mpeg", "audio"), ("application/pdf", "resource")]
)
async def test_62_binary_answers(kind, content_type):
    """Images, audio and other bytes as their content types; one byte too many is an error that names the limit."""
    async with server(answering(b"\xff\xd8" * 4, kind)) as ask:
        (content,) = (await ask("tools/call", name="get-file", arguments={"id": "1"}))["result"]["content"]
    data = content["resource"]["blob"] if content_type == "resource" else content["data"]
    assert (content["type"], base64.b64decode(data)) == (content_type, b"\xff\xd8" * 4)
    async with server(answering(b"\xff" * 9, kind)) as ask:
        result = (await ask("tools/call", name="get-file", arguments={"id": "1"}))["result"]
    assert result["isError"] is True
    assert "maxBinarySize" in result["content"][0]["text"]


async def test_85_no_content_is_no_error():
    """204 through a tool is an empty result."""
    async with server(lambda _: httpx.Response(204)) as ask:
        result = (await ask("tools/call", name="no-hints", arguments={"id": "1"}))["result"]
    assert (result["isError"], json.dumps(result["content"])) == (False, "[]")
