"""What agents are shown, for every real capability file: what the strictest client takes, the same in every load."""

from __future__ import annotations

import sys
from pathlib import Path

import httpx
import pytest
from corpus_callers import MCP_HEADERS
from corpus_run import PARTS, capability_files

import naftiko
from naftiko.engine.settings import Settings
from public_files import CORPUS

sys.path.append(str(Path(__file__).parents[1] / "expose"))
from strict_client import complaints  # where the tests of MCP are

pytestmark = pytest.mark.corpus


async def listed_tools(capability: naftiko.Capability) -> list[dict]:
    app = naftiko.mcp_app(capability)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
        response = await client.post("/mcp", json=message, headers=MCP_HEADERS)
        if response.status_code in {401, 503}:  # an adapter that asks for a login; its tools are checked in other files
            return []
        return response.json()["result"]["tools"]


@pytest.mark.parametrize("part", range(PARTS))
async def test_no_tool_of_any_file_ends_a_clients_session(part):
    """Every list of tools is one that the strictest client in use takes; see ``strict_client``."""
    checked, wrong = 0, []
    for path in capability_files(CORPUS, part):
        capability = naftiko.load(path, settings=Settings(environment={}))
        if not any(adapter.kind == "mcp" for adapter in capability.adapters):
            continue
        tools = await listed_tools(capability)
        await capability.aclose()
        checked += len(tools)
        wrong += [f"{path}: {complaint}" for complaint in complaints(tools)]
    assert wrong == []
    assert checked > 2000 // PARTS


def test_the_same_file_shows_the_same_names_in_every_load():
    path = max(capability_files(CORPUS), key=lambda each: each.stat().st_size)
    first, second = naftiko.load(path), naftiko.load(path)
    assert [unit.alias for unit in first.units] == [unit.alias for unit in second.units]
    assert [given.alias for unit in first.units for given in unit.inputs] == [
        given.alias for unit in second.units for given in unit.inputs
    ]
