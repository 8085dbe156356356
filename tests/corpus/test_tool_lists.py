"""What agents are shown, for every real capability file: valid schemas, names that clients accept."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
from corpus_run import MCP_HEADERS, capability_files
from jsonschema import Draft202012Validator

import naftiko
from naftiko.engine.settings import Settings

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"
TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
PROPERTY_NAME = re.compile(r"[a-zA-Z0-9_.-]{1,64}")

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of public capability files is not beside the project"),
]


async def listed_tools(capability: naftiko.Capability) -> list[dict]:
    app = naftiko.mcp_app(capability)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
        response = await client.post("/mcp", json=message, headers=MCP_HEADERS)
        if response.status_code in {401, 503}:  # an adapter that asks for a login; its tools are checked in other files
            return []
        return response.json()["result"]["tools"]


async def test_every_tool_list_is_valid_and_its_names_are_accepted():
    """All schemas pass the 2020-12 meta-schema; tool and property names fit what common clients accept."""
    checked = 0
    for path in capability_files(CORPUS):
        capability = naftiko.load(path, settings=Settings(environment={}))
        if not any(adapter.kind == "mcp" for adapter in capability.adapters):
            continue
        tools = await listed_tools(capability)
        await capability.aclose()
        names = [tool["name"] for tool in tools]
        assert len(names) == len(set(names)), path
        for tool in tools:
            checked += 1
            assert TOOL_NAME.fullmatch(tool["name"]), (path, tool["name"])
            Draft202012Validator.check_schema(tool["inputSchema"])
            assert tool["inputSchema"]["type"] == "object", (path, tool["name"])
            for name in tool["inputSchema"].get("properties", {}):
                assert PROPERTY_NAME.fullmatch(name), (path, tool["name"], name)
            if "outputSchema" in tool:
                Draft202012Validator.check_schema(tool["outputSchema"])
                assert tool["outputSchema"]["type"] == "object", (path, tool["name"])
    assert checked > 2500


def test_the_same_file_shows_the_same_names_in_every_load():
    path = max(capability_files(CORPUS), key=lambda each: each.stat().st_size)
    first, second = naftiko.load(path), naftiko.load(path)
    assert [unit.alias for unit in first.units] == [unit.alias for unit in second.units]
    assert [given.alias for unit in first.units for given in unit.inputs] == [
        given.alias for unit in second.units for given in unit.inputs
    ]
