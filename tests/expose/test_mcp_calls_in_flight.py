"""Calls that take a while: progress, and cancellation that reaches the upstream's request."""

from __future__ import annotations

import asyncio
import json
import time

import anyio
import httpx
import pytest
from mcp.client import Client
from mcp_wire import HANDSHAKE, LIMIT, NEWEST

from holding import Held, until
from naftiko.testing import Stall

CAPABILITY = """
naftiko: 1.0.0-alpha2
capability:
  consumes:
    - type: http
      namespace: slow
      baseUri: http://unused.invalid
      resources: [{path: /slow, operations: [{name: slow, method: GET, inputParameters: [{name: n, in: query}]}]}]
  exposes:
    - type: mcp
      namespace: slow-mcp
      tools: [{name: slow, description: Slow, call: slow.slow}]
      resources: [{name: slow, uri: "slow://one", call: slow.slow}]
"""


@pytest.fixture
def gone(upstream):
    """The seconds after which the upstream saw its client leave; empty until then."""
    seen = []

    class Watched(Stall):
        async def play(self, exchange):
            started = time.monotonic()
            if await exchange.client_leaves(within=self.seconds):
                seen.append(time.monotonic() - started)

    upstream.on("GET", "/slow", {"ok": True})
    upstream.misbehave(Watched(2 * LIMIT), times=1)
    return seen


@pytest.mark.parametrize("version", [HANDSHAKE[0], HANDSHAKE[-1], NEWEST])
@pytest.mark.parametrize("token", [False, True])
async def test_a_client_that_leaves_takes_the_upstreams_request_along(serve, upstream, gone, wire, version, token):
    at = wire(f"{await serve(CAPABILITY, base=upstream.url)}/mcp", version)
    params = {"name": "slow", "arguments": {}}
    if token:
        params["_meta"] = {"progressToken": 1}
    call = asyncio.create_task(at.post("tools/call", params))
    await until(lambda: upstream.requests)
    call.cancel()
    await asyncio.wait([call])
    await until(lambda: gone)
    assert gone[0] < LIMIT
    assert (await at.call("slow"))["structuredContent"] == {"ok": True}


async def test_the_official_client_sees_progress_of_a_slow_call(serve, upstream, monkeypatch):
    monkeypatch.setattr("naftiko.expose.mcp.progress.FIRST_AFTER", 0.1)
    monkeypatch.setattr("naftiko.expose.mcp.progress.EVERY", 0.1)
    upstream.on("GET", "/slow", {"ok": True})
    held = Held()
    upstream.misbehave(held, times=1)
    seen = []

    async def on_progress(progress, total, message):
        seen.append((progress, total, message))
        if len(seen) == 2:
            held.let_go()

    async with Client(f"{await serve(CAPABILITY, base=upstream.url)}/mcp", mode=NEWEST) as client:
        result = await client.call_tool("slow", {}, progress_callback=on_progress)
        quick = len(seen)
        assert (await client.call_tool("slow", {}, progress_callback=on_progress)).structured_content == {"ok": True}
    assert result.structured_content == {"ok": True}
    assert quick >= 2
    assert len(seen) == quick
    assert [progress for progress, _, _ in seen] == sorted({progress for progress, _, _ in seen})
    assert "`slow` is waiting" in seen[0][2]


async def test_a_session_gets_progress_and_may_cancel(serve, upstream, gone):
    """Stateful mode, handshake era: ``notifications/cancelled`` ends the upstream's request."""
    url = f"{await serve(CAPABILITY, base=upstream.url, stateful=True)}/mcp"
    headers = {"accept": "application/json, text/event-stream"}
    async with httpx.AsyncClient(timeout=LIMIT, trust_env=False, headers=headers) as client:
        opened = await client.post(
            url,
            json={
                "jsonrpc": "2.0",
                "id": 0,
                "method": "initialize",
                "params": {
                    "protocolVersion": "2025-06-18",
                    "capabilities": {},
                    "clientInfo": {"name": "t", "version": "1"},
                },
            },
        )
        session = {"mcp-session-id": opened.headers["mcp-session-id"], "mcp-protocol-version": "2025-06-18"}
        await client.post(url, json={"jsonrpc": "2.0", "method": "notifications/initialized"}, headers=session)
        body = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "slow", "arguments": {}}}
        call = asyncio.create_task(client.post(url, json=body, headers=session))
        await until(lambda: upstream.requests)
        cancelled = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}}
        assert (await client.post(url, json=cancelled, headers=session)).status_code == 202
        await until(lambda: gone)
        answer = await asyncio.wait_for(call, LIMIT)
        [data] = [line[6:] for line in answer.text.splitlines() if line.startswith("data: {")]
        assert json.loads(data)["error"]
        assert (await client.delete(url, headers=session)).status_code == 200
        assert (await client.post(url, json=body, headers=session)).status_code == 404


async def test_a_hundred_calls_at_once_get_each_its_own_answer(serve, upstream, wire):
    def echo(request):
        return {"n": request.query["n"]}

    upstream.on("GET", "/slow", echo)
    url = f"{await serve(CAPABILITY, base=upstream.url)}/mcp"
    versions = (NEWEST, HANDSHAKE[-1])

    async def one(number):
        result = await wire(url, versions[number % 2]).call("slow", {"n": str(number)})
        assert result["structuredContent"] == {"n": str(number)}

    with anyio.fail_after(LIMIT):
        async with asyncio.TaskGroup() as group:
            for number in range(100):
                group.create_task(one(number))


async def test_more_calls_at_once_than_may_are_told_to_try_again(serve, upstream, wire):
    """The limit is the app's: whichever path or revision a call comes by, and a call that ended counts no more."""
    upstream.on("GET", "/slow", {"ok": True})
    url = await serve(CAPABILITY, base=upstream.url, max_concurrency=3)
    for _ in range(2):
        held = Held()
        upstream.misbehave(held, times=3)
        wires = [wire(f"{url}{path}", version) for path, version in zip(PATHS * 3, VERSIONS * 2, strict=True)]
        calls = [asyncio.create_task(at.call("slow")) for at in wires]
        await until(lambda calls=calls: sum(call.done() for call in calls) >= 3)
        held.let_go()
        results = await asyncio.gather(*calls)
        refused = [result["content"][0]["text"] for result in results if result["isError"]]
        assert len(refused) == 3
        for text in refused:
            assert "3 calls are running" in text
            assert "try again after 1 second" in text
    assert len(upstream.requests) == 6


@pytest.mark.parametrize("version", [HANDSHAKE[-1], NEWEST])
async def test_the_limit_counts_the_reading_of_resources_too(serve, upstream, wire, version):
    upstream.on("GET", "/slow", {"ok": True})
    held = Held()
    upstream.misbehave(held, times=1)
    at = wire(f"{await serve(CAPABILITY, base=upstream.url, max_concurrency=1)}/mcp", version)
    call = asyncio.create_task(at.call("slow"))
    await until(lambda: upstream.requests)
    refused = await at.error("resources/read", {"uri": "slow://one"})
    assert "1 calls are running" in refused["message"]
    held.let_go()
    assert (await call)["isError"] is False
    assert (await at.ask("resources/read", {"uri": "slow://one"}))["contents"]


VERSIONS = (HANDSHAKE[0], HANDSHAKE[-1], NEWEST)
PATHS = ("/mcp", "/slow-mcp/mcp")
