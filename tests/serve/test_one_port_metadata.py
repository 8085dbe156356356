"""REST and MCP on one port: the metadata of each protected resource is where RFC 9728 has it, also behind a base path."""

from __future__ import annotations

import socket

import httpx
import pytest
from served import LIMIT, served

CAPABILITY = """
naftiko: 1.0.0-alpha5
capability:
  exposes:
  - type: rest
    namespace: web
    port: 8080
    REST
    resources:
    - {path: /hello, operations: [{method: GET, name: hello, outputParameters: [{name: said, type: string, value: hello}]}]}
  - type: mcp
    namespace: agents
    port: 8080
    authentication: {type: oauth2, authorizationServerUri: "https://login.example", resource: "https://api.example/base/mcp"}
    tools: [{name: hello, description: Hello., outputParameters: [{name: said, type: string, value: hello}]}]
"""
WELL_KNOWN = "/.well-known/oauth-protected-resource"
OF_REST = 'authentication: {type: oauth2, authorizationServerUri: "https://login.example", resource: "https://api.example/rest"}'


def free_port() -> str:
    """One port for both adapters: port 0 would be one for each."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return f"*={probe.getsockname()[1]}"


@pytest.mark.parametrize(
    ("rest", "root"),
    [("", "https://api.example/base/mcp"), (OF_REST, "https://api.example/rest")],
    ids=["open", "oauth2"],
)
def test_each_resource_has_its_metadata(tmp_path, rest, root):
    file = tmp_path / "one.yaml"
    file.write_text(CAPABILITY.replace("REST", rest))
    with served(file, "--port", free_port()) as running:
        with httpx.Client(base_url=running.rest, trust_env=False, timeout=LIMIT) as client:
            refused = client.post("/mcp", json={}, headers={"accept": "application/json"})
            assert refused.status_code == 401
            where = f"https://api.example{WELL_KNOWN}/base/mcp"
            assert f'resource_metadata="{where}"' in refused.headers["www-authenticate"]
            for path in ("/base/mcp", "/mcp", "/base/agents/mcp", "/agents/mcp", ""):
                answer = client.get(WELL_KNOWN + path)
                assert answer.status_code == 200, path
                expected = "https://api.example/base/agents/mcp" if "agents" in path else "https://api.example/base/mcp"
                assert answer.json()["resource"] == (expected if path else root)
            for path in ("/base", "/base/mcp/x", "/nothing", "/hello"):
                assert client.get(WELL_KNOWN + path).status_code in {401, 404}, path
            if rest:
                assert client.get(WELL_KNOWN + "/rest").json()["resource"] == root
        assert running.stop() == 0
