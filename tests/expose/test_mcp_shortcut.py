"""The short way of a tool call answers as the SDK does, or leaves the answer to it."""

from __future__ import annotations

import asyncio
import json
import re

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp_types.methods import validate_server_result
from mcp_wire import HANDSHAKE, NEWEST

import naftiko
from naftiko.expose.mcp import mcp_app
from naftiko.expose.mcp.shortcut import Shortcut

CAPABILITY = """
naftiko: 1.0.0-alpha2
capability:
  consumes:
    - type: http
      namespace: up
      baseUri: http://unused.invalid
      resources: [{path: /json, operations: [{name: json, method: GET}]}]
  exposes:
    - type: mcp
      namespace: mcp
      tools:
        - {name: json, description: Any JSON, call: up.json}
        - name: echo
          description: Echoes
          inputParameters: [{name: n, type: integer, description: A number, required: true}]
          outputParameters: [{name: n, type: integer, value: "{{n}}"}]
        - name: many
          description: An array
          outputParameters: [{type: array, items: {type: string, value: "x"}}]
        - name: mirrored
          description: With a header
          inputSchema:
            type: object
            properties: {region: {type: string, x-mcp-header: Region}}
          outputParameters: [{name: said, type: string, value: "{{region}}"}]
"""
VERSIONS = (*HANDSHAKE, NEWEST)


@pytest.fixture
async def url(serve, upstream):
    upstream.on("GET", "/json", {"a": [1, None, "ä\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16")]})
    return f"{await serve(CAPABILITY, base=upstream.url)}/mcp"


class Ways:
    """Sends the same request the short way and the SDK's way, and says which one was taken."""

    def __init__(self, monkeypatch):
        self.taken = []
        self.short = True
        shortest = Shortcut.answer

        async def answer(shortcut, headers, body):
            found = await shortest(shortcut, headers, body) if self.short else None
            self.taken.append(found is not None)
            return found

        monkeypatch.setattr(Shortcut, "answer", answer)


@pytest.fixture
def ways(monkeypatch):
    return Ways(monkeypatch)


async def both(ways, send):
    """Return what both ways answer: status, media type, document; and whether the first one was the short one."""
    seen = []
    for short in (True, False):
        ways.short = short
        answer = await send()
        kind = answer.headers.get("content-type")
        seen.append(
            (answer.status_code, kind, answer.json() if answer.content and kind == "application/json" else answer.text)
        )
    return (*seen, ways.taken[-2] if len(ways.taken) > 1 else False)


def same(first, second):
    """Ids of failures are new each time; everything else is the same."""
    one, other = (re.sub(r"Correlation id: \w+", "", json.dumps(seen, sort_keys=True)) for seen in (first, second))
    return one == other


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("tool", "arguments", "is_short"),
    [
        ("json", {}, True),
        ("echo", {"n": 3}, True),
        ("echo", {"n": "3"}, True),
        ("echo", {"n": "x", "m": 1}, True),
        ("many", {}, True),
        ("naftiko-continue", {"handle": "x"}, True),
        ("nothing", {}, False),
        ("mirrored", {"region": "eu"}, False),
    ],
)
async def test_a_call_that_is_in_order_is_answered_as_by_the_sdk(url, wire, ways, version, tool, arguments, is_short):
    at = wire(url, version)

    async def send():
        at._last = 0
        return await at.post("tools/call", {"name": tool, "arguments": arguments})

    first, second, short = await both(ways, send)
    assert same(first, second)
    assert short is is_short
    if is_short:
        validate_server_result("tools/call", version, first[2]["result"])


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("params", "is_short"), [({}, True), (None, True), ({"cursor": "x"}, False)])
async def test_a_list_of_tools_is_the_same_as_the_sdks(url, wire, ways, version, params, is_short):
    at = wire(url, version)

    async def send():
        at._last = 0
        return await at.post("tools/list", params)

    for _ in range(2):
        first, second, short = await both(ways, send)
        assert same(first, second)
        assert short is is_short
    assert first[2]["result"]["tools"]


@pytest.mark.parametrize("version", [HANDSHAKE[-1], NEWEST])
async def test_a_server_that_offers_no_tools_says_so_as_the_sdk_does(serve, wire, ways, version):
    prompts = (
        "naftiko: 1.0.0-alpha2\nexposes: [{type: mcp, namespace: p, prompts: [{name: ask, template: [{content: A}]}]}]"
    )
    at = wire(f"{await serve(prompts)}/mcp", version)
    for method, params in (("tools/list", {}), ("tools/call", {"name": "x", "arguments": {}})):
        first, second, short = await both(ways, lambda m=method, p=params: at.post(m, p))
        assert first[2]["error"]["code"] == second[2]["error"]["code"] == -32601
        assert short is False


@pytest.mark.parametrize("version", [HANDSHAKE[-1], NEWEST])
@pytest.mark.parametrize(
    "change",
    [
        {"jsonrpc": "1.0"},
        {"jsonrpc": None},
        {"id": None},
        {"id": True},
        {"id": 1.5},
        {"id": "a word"},
        {"id": 2**70},
        {"extra": 1},
        {"method": "tools/list"},
        {"method": "nothing"},
        {"params": None},
        {"params": []},
        {"params": {"name": "echo"}},
        {"params": {"name": "echo", "arguments": {"n": 1}, "task": {}}},
        {"params": {"name": 7, "arguments": {"n": 1}}},
        {"params": {"name": "echo", "arguments": []}},
        {"params": {"name": "echo", "arguments": None}},
        {"params": {"name": "echo", "arguments": {"n": 1}, "_meta": 3}},
    ],
)
async def test_what_is_not_in_order_is_answered_by_the_sdk(url, wire, ways, version, change):
    at = wire(url, version)
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "echo", "arguments": {"n": 1}}}
    meta = {"io.modelcontextprotocol/protocolVersion": NEWEST, "io.modelcontextprotocol/clientCapabilities": {}}
    body |= change
    if version == NEWEST and isinstance(body["params"], dict):
        body["params"] = {"_meta": meta, **body["params"]}
    sent = {
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": version,
        "mcp-method": "tools/call",
        "mcp-name": "echo",
    }
    first, second, _ = await both(ways, lambda: at.client.post(url, json=body, headers=sent))
    assert same(first, second)


HEADERS = [
    {"accept": "text/html"},
    {"accept": "application/*;q=0.5"},
    {"accept": ""},
    {"content-type": "text/plain"},
    {"content-type": "application/json; charset=utf-8"},
    {"mcp-protocol-version": "1999-01-01"},
    {"mcp-protocol-version": "2025-11-25"},
    {"mcp-method": "tools/list"},
    {"mcp-name": "json"},
    {"mcp-name": "=?base64?ZWNobw==?="},
    {"mcp-param-region": "eu"},
]


@pytest.mark.parametrize("version", [HANDSHAKE[-1], NEWEST])
@pytest.mark.parametrize("headers", HEADERS)
async def test_headers_are_read_as_by_the_sdk(url, wire, ways, version, headers):
    at = wire(url, version)

    async def send():
        at._last = 0
        named = {name.replace("-", "_"): value for name, value in headers.items()}
        return await at.post("tools/call", {"name": "echo", "arguments": {"n": 1}}, **named)

    first, second, _ = await both(ways, send)
    assert same(first, second)


async def test_a_header_that_stands_twice_is_refused_as_by_the_sdk(url, wire, ways):
    meta = {"io.modelcontextprotocol/protocolVersion": NEWEST, "io.modelcontextprotocol/clientCapabilities": {}}
    params = {"name": "echo", "arguments": {"n": 1}, "_meta": meta}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    sent = [
        *(("accept", "application/json"), ("mcp-protocol-version", NEWEST), ("mcp-method", "tools/call")),
        *(("mcp-name", "echo"), ("mcp-name", "echo")),
    ]
    first, second, short = await both(ways, lambda: wire(url, NEWEST).client.post(url, json=body, headers=sent))
    assert first == second
    assert (first[0], short) == (400, False)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
META = {"io.modelcontextprotocol/protocolVersion": NEWEST, "io.modelcontextprotocol/clientCapabilities": {}}
MESSAGES = st.fixed_dictionaries(
    {
        "jsonrpc": st.just("2.0") | JSON,
        "id": st.integers(0, 9) | JSON,
        "method": st.sampled_from(["tools/call", "tools/list", "ping"]),
        "params": st.fixed_dictionaries(
            {"name": st.sampled_from(["echo", "json", "many"]) | JSON},
            optional={"arguments": st.fixed_dictionaries({"n": JSON}) | JSON, "_meta": st.just(META) | JSON},
        ),
    },
    optional={"extra": JSON},
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(message=MESSAGES, version=st.sampled_from([HANDSHAKE[0], HANDSHAKE[-1], NEWEST]))
def test_any_message_is_answered_the_same_both_ways(tmp_path, message, version):
    async def ask():
        capability = naftiko.loads(CAPABILITY, path=tmp_path / "one.yaml")
        app = mcp_app(capability)
        sent = {"accept": "application/json, text/event-stream", "mcp-protocol-version": version}
        sent |= {"mcp-method": "tools/call", "mcp-name": "echo", "content-type": "application/json"}
        seen = []
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
            for _ in range(2):
                answer = await client.post("/mcp", content=json.dumps(message), headers=sent)
                seen.append((answer.status_code, answer.json() if answer.content else None))
                for each in app._endpoints:
                    each.__dict__["shortcut"] = _NoShortcut()  # a cached property
        await app.aclose()
        await capability.aclose()
        return seen

    first, second = asyncio.run(ask())
    assert same(first, second)


class _NoShortcut:
    async def answer(self, headers, body):
        return None
