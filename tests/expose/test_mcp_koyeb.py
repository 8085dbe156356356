"""The seed, through a real socket: four tools, listed and called by the official client at two revisions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from examples.koyeb import stand_in_koyeb
from mcp.client import Client
from mcp_wire import NEWEST, serving

import naftiko
from naftiko.expose.mcp import mcp_app

SEED = Path(__file__).parents[1] / "fixtures" / "koyeb-instances.yaml"
TOOLS = ["list-instance-events", "list-instances", "get-instance", "exec-command"]


@pytest.fixture
def koyeb():
    with stand_in_koyeb(None) as standing_in:
        yield standing_in


@pytest.fixture(params=["auto", "legacy"])
async def connect(request, koyeb):
    """Connect the official client, at 2026-07-28 and at 2025-11-25."""
    async with (
        naftiko.load(SEED, base_uris={"koyeb-instances": koyeb.url}) as capability,
        serving(mcp_app(capability)) as url,
    ):
        yield lambda: Client(f"{url}/mcp", mode=request.param)


async def test_says_who_it_is(connect):
    async with connect() as client:
        assert client.protocol_version in {NEWEST, "2025-11-25"}
        assert client.server_info.name == "koyeb-instances-mcp"
        assert client.server_info.version == naftiko.__version__
        assert client.instructions.startswith("MCP adapter for Koyeb Rest API")


async def test_lists_four_tools_with_hints_and_schemas(connect):
    async with connect() as client:
        tools = (await client.list_tools()).tools
        assert [tool.name for tool in tools] == TOOLS
        for tool in tools:
            hints = tool.annotations
            assert (hints.read_only_hint, hints.destructive_hint, hints.idempotent_hint) == (True, False, True)
            assert hints.open_world_hint is None
            assert tool.input_schema["type"] == "object"
            assert tool.input_schema["additionalProperties"] is False
            for schema in tool.input_schema["properties"].values():
                assert schema["type"]
                assert schema["description"]
                assert schema["type"] != "array" or "items" in schema
        by_name = {tool.name: tool.input_schema for tool in tools}
        assert by_name["get-instance"]["required"] == ["id"]
        assert "required" not in by_name["list-instances"]
        assert by_name["exec-command"]["properties"]["body.tty_size.height"]["type"] == "integer"
        assert by_name["list-instances"]["properties"]["statuses"]["type"] == "array"


@pytest.mark.parametrize(
    ("tool", "arguments", "path", "query"),
    [
        ("list-instance-events", {}, "/v1/instance_events", ""),
        (
            "list-instance-events",
            {"instance_ids": ["a", "b"], "limit": "2"},
            "/v1/instance_events",
            "instance_ids=a&instance_ids=b&limit=2",
        ),
        ("list-instances", {"limit": 5, "statuses": '["HEALTHY"]'}, "/v1/instances", "statuses=HEALTHY&limit=5"),
        ("get-instance", {"id": "a/..b?x#y"}, "/v1/instances/a%2F..b%3Fx%23y", ""),
        (
            "exec-command",
            {"id": "i", "body.command": ["ls", "-l"], "body.tty_size.height": "24", "body.disableTty": True},
            "/v1/streams/instances/exec",
            "id=i&body.command=ls&body.command=-l&body.tty_size.height=24&body.disableTty=true",
        ),
    ],
)
async def test_each_call_sends_exactly_the_declared_request(connect, koyeb, tool, arguments, path, query):
    async with connect() as client:
        koyeb.clear()
        await client.call_tool(tool, arguments)
        [request] = koyeb.requests
        assert (request.method, request.raw_path, request.raw_query) == ("GET", path, query)
        assert "authorization" not in request.headers


async def test_the_answer_is_the_upstreams_bytes_and_structured(connect, koyeb):
    async with connect() as client:
        known = koyeb.instances[0]
        result = await client.call_tool("get-instance", {"id": known.id})
        [content] = result.content
        assert not result.is_error
        assert json.loads(content.text) == result.structured_content == {"instance": known.document()}
        koyeb.misbehave(lambda request: _json(b'{"b": 1.50,\n "a": null}'), times=1)
        result = await client.call_tool("get-instance", {"id": known.id})
        assert result.content[0].text == '{"b": 1.50,\n "a": null}'
        assert result.structured_content == {"b": 1.5, "a": None}


def _json(content):
    from starlette.responses import Response

    return Response(content, media_type="application/json")
