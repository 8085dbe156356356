"""Several consumes entries of one namespace: each one's calls go to its own base URI, with its own credential."""

from __future__ import annotations

import httpx
import pytest
from click.testing import CliRunner
from odd_upstream import OddUpstream
from served import FREE, LIMIT, served

from naftiko.cli.application import application

CAPABILITY = """
naftiko: 1.0.0-alpha5
capability:
  consumes:
  - {namespace: shop, type: http, baseUri: FIRST/one, authentication: {type: bearer, token: "{{env.ONE}}"},
     resources: [{path: "/a/{id}", operations: [{name: a, method: GET}, {name: both, method: GET}]}]}
  - {namespace: shop, type: http, baseUri: SECOND/two, authentication: {type: apikey, key: X-Key, value: "{{env.TWO}}"},
     resources: [{path: "/b/{id}", operations: [{name: b, method: GET}, {name: both, method: GET}]}]}
  - {namespace: shop, type: http, baseUri: SECOND/three, resources: [{path: "/c/{id}", operations: [{name: c, method: GET}]}]}
  - {namespace: shop, type: http, resources: [{path: "/d/{id}", operations: [{name: d, method: GET}]}]}
  - {namespace: shop, type: http, authentication: {type: bearer, token: "{{env.TWO}}"},
     resources: [{path: "/e/{id}", operations: [{name: e, method: GET}]}]}
  exposes:
  - type: rest
    namespace: web
    port: 8080
    resources:
    - {path: "/a/{id}", operations: [{method: GET, call: shop.a}]}
    - {path: "/b/{id}", operations: [{method: GET, call: shop.b}]}
    - {path: "/c/{id}", operations: [{method: GET, call: shop.c}]}
    - {path: "/d/{id}", operations: [{method: GET, call: shop.d}]}
    - {path: "/e/{id}", operations: [{method: GET, call: shop.e}]}
    - {path: "/both/a/{id}", operations: [{method: GET, call: shop.both}]}
    - {path: "/both/b/{id}", operations: [{method: GET, call: shop.both}]}
    - {path: "/forward/{{path}}", forward: {targetNamespace: shop}}
  - type: mcp
    namespace: agents
    port: 9090
    tools: [{name: a, description: a, call: shop.a}, {name: b, description: b, call: shop.b}]
"""
ONE, TWO = "token-number-one", "token-number-two"


@pytest.fixture(scope="module")
def upstreams():
    with OddUpstream() as first, OddUpstream() as second:
        yield first, second


@pytest.fixture(scope="module")
def running(upstreams, tmp_path_factory):
    file = tmp_path_factory.mktemp("namespaces") / "shop.yaml"
    file.write_text(CAPABILITY.replace("FIRST", upstreams[0].url).replace("SECOND", upstreams[1].url))
    with served(file, *FREE, env={"ONE": ONE, "TWO": TWO}) as process:
        yield process
        assert process.stop() == 0


@pytest.fixture
def heads(upstreams):
    for upstream in upstreams:
        upstream.clear()
    return [upstream.heads for upstream in upstreams]


CALLS = [
    ("/a/7", 0, "/one/a/7", f"authorization: bearer {ONE}"),
    ("/b/7", 1, "/two/b/7", f"x-key: {TWO}"),
    ("/c/7", 1, "/three/c/7", ""),
    ("/d/7", 0, "/one/d/7", f"authorization: bearer {ONE}"),
    ("/e/7", 0, "/one/e/7", f"authorization: bearer {TWO}"),
    ("/both/a/7", 0, "/one/a/7", f"authorization: bearer {ONE}"),
    ("/both/b/7", 1, "/two/b/7", f"x-key: {TWO}"),
    ("/forward/x", 0, "/one/x", f"authorization: bearer {ONE}"),
]


def assert_sent(heads, which: int, target: str, credential: str) -> None:
    """Exactly one request, to this upstream, with this credential and with no other."""
    assert [len(each) for each in heads] == [int(which == 0), int(which == 1)]
    head = heads[which][0].decode().lower()
    assert head.startswith(f"get {target} http/1.1\r\n")
    carried = [line for line in head.split("\r\n") if line.startswith(("authorization", "x-key"))]
    assert carried == ([credential] if credential else [])


@pytest.mark.parametrize(("path", "which", "target", "credential"), CALLS)
def test_each_goes_to_its_own_api_with_its_own_credential(running, heads, path, which, target, credential):
    answer = httpx.get(running.rest + path, trust_env=False, timeout=LIMIT)
    assert answer.json() == {"ok": True}
    assert_sent(heads, which, target, credential)


@pytest.mark.parametrize(("name", "call"), [("a", CALLS[0]), ("b", CALLS[1])])
def test_tools_too(running, heads, name, call):
    params = {"name": name, "arguments": {"id": "7"}}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    headers = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-06-18"}
    answer = httpx.post(running.mcp, json=message, headers=headers, trust_env=False, timeout=LIMIT)
    assert not answer.json()["result"]["isError"]
    assert_sent(heads, *call[1:])


def test_it_is_told(running, tmp_path):
    assert "Traceback" not in running.said()
    file = tmp_path / "shop.yaml"
    file.write_text(CAPABILITY.replace("FIRST", "http://a.example").replace("SECOND", "http://b.example"))
    told = CliRunner().invoke(application, ["validate", str(file)]).output
    assert told.count("[duplicate-namespace]") == 4
    assert "its operations are added, and go to its own base URI" in " ".join(told.split())
