"""What is refused before it is a message is refused by a message: headers that no answer can be made for."""

from __future__ import annotations

import httpx
import pytest
from mcp_wire import NEWEST

CAPABILITY = """
naftiko: 1.0.0-alpha2
capability:
  exposes:
    - type: mcp
      namespace: hello
      tools:
        - {name: hello, description: Greets, outputParameters: [{name: greeting, type: string, value: Hello}]}
"""
META = {"io.modelcontextprotocol/protocolVersion": NEWEST, "io.modelcontextprotocol/clientCapabilities": {}}
USUAL = {
    "accept": "application/json, text/event-stream",
    "content-type": "application/json",
    "mcp-method": "tools/list",
}


@pytest.mark.parametrize("version", ["2025-06-18", NEWEST])
@pytest.mark.parametrize(
    ("changed", "status", "text"),
    [
        ({"content-type": "text/plain"}, 415, "Content-Type"),
        ({"accept": "text/html"}, 406, "application/json"),
        ({"origin": "http://["}, 403, "--allow-origin"),
        ({"origin": "https://[::1]x"}, 403, "--allow-origin"),
    ],
)
async def test_a_refusal_is_a_json_rpc_error(serve, version, changed, status, text):
    url = await serve(CAPABILITY)
    params = {"_meta": META} if version == NEWEST else {}
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": params}
    async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
        headers = {**USUAL, "mcp-protocol-version": version, **changed}
        answer = await client.post(f"{url}/mcp", json=asked, headers=headers)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/json"
        message = answer.json()
        assert (message["jsonrpc"], "result" in message) == ("2.0", False)
        assert text in message["error"]["message"]
        fine = await client.post(f"{url}/mcp", json=asked, headers={**USUAL, "mcp-protocol-version": version})
        assert fine.json()["result"]["tools"][0]["name"] == "hello"
