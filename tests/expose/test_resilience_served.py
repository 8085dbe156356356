"""Policies as callers meet them: over REST, over MCP, and on what is forwarded."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re

import httpx
import pytest
from mcp_wire import LIMIT, NEWEST, serving
from starlette.responses import JSONResponse

import naftiko
from naftiko.expose.mcp import mcp_app
from naftiko.testing import Fail, Stall

FILE = """
naftiko: 1.0.0-alpha2
consumes:
- type: http
  namespace: up
  baseUri: http://unused.invalid/v1
  resiliency: {POLICY}
  resources:
  - path: /things
    operations:
    - {name: get, method: GET}
    - {name: post, method: POST, body: {type: json, data: {n: "{{n}}"}}}
    - {name: safe, method: GET, resiliency: {fallback: {value: {n: 0}}}}
exposes:
- type: rest
  namespace: rest
  port: 8080
  resources:
  - {path: /get, operations: [{method: GET, name: get, call: up.get}]}
  - {path: /safe, operations: [{method: GET, name: safe, call: up.safe}]}
  - {path: /post, operations: [{method: POST, name: post, call: up.post, inputParameters: [{name: n, in: body}]}]}
  - {path: "/forward/{path}", forward: {targetNamespace: up, trustedHeaders: [Idempotency-Key]}}
- type: mcp
  namespace: mcp
  tools:
  - {name: get, description: A thing, call: up.get}
  - {name: safe, description: A thing, call: up.safe}
"""
RETRY = "{retry: {maxAttempts: 3, waitDuration: 20ms, jitter: 0}}"
BREAKER = "{circuitBreaker: {slidingWindowSize: 2, waitDurationInOpenState: 10m}}"


@pytest.fixture
async def app(upstream):
    """Serve REST, or MCP, with policies; what is awaited is a client of it."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(policy, adapter="rest", **settings):
            known = naftiko.Settings(base_uris={"*": f"{upstream.url}/v1"}, environment={}, **settings)
            capability = naftiko.loads(FILE.replace("{POLICY}", policy), settings=known)
            assert not capability.errors, capability.errors
            await stack.enter_async_context(capability)
            made = naftiko.rest_app([capability]) if adapter == "rest" else mcp_app([capability])
            url = await stack.enter_async_context(serving(made))
            return await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=LIMIT, trust_env=False))

        upstream.on("*", "/v1/{rest:path}", {"n": 1})
        yield start


@pytest.mark.parametrize("path", ["/get", "/forward/things"])
async def test_what_fails_for_a_moment_is_answered_all_the_same(app, upstream, path):
    client = await app(RETRY)
    upstream.misbehave(Fail(503), times=2)
    answer = await client.get(path)
    assert (answer.status_code, answer.json()) == (200, {"n": 1})
    assert "naftiko-note" not in answer.headers
    assert len(upstream.requests) == 3


@pytest.mark.parametrize("path", ["/get", "/forward/things"])
async def test_what_goes_on_failing_is_told_with_what_was_tried(app, upstream, path):
    client = await app(RETRY)
    upstream.misbehave(Fail(503, {"error": "busy"}))
    answer = await client.get(path)
    assert (answer.status_code, answer.json()) == (503, {"error": "busy"})
    assert answer.headers["naftiko-note"].startswith("retry;attempts=3;seconds=0.")
    assert len(upstream.requests) == 3


async def test_a_time_that_is_over_is_told_with_what_was_tried(app, upstream):
    client = await app("{timeLimiter: 300ms}")
    upstream.misbehave(Stall(60))
    problem = (await client.get("/get")).json()
    assert (problem["status"], problem["type"]) == (504, "urn:naftiko:problem:upstream-timeout")
    assert problem["detail"] == "the call took longer than 300ms, which is all the time that it has"


async def test_the_retry_after_of_an_upstream_reaches_the_caller(app, upstream):
    client = await app("{retry: 3, timeLimiter: 5s}")
    upstream.misbehave(Fail(429, {"error": "busy"}, {"Retry-After": "3600"}))
    answer = await client.get("/get")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3600")
    assert len(upstream.requests) == 1


async def test_an_open_circuit_says_when_it_is_tried_again(app, upstream):
    client = await app(BREAKER)
    upstream.misbehave(Fail(500))
    assert [(await client.get("/get")).status_code for _ in range(3)] == [500, 500, 503]
    answer = await client.get("/get")
    assert 590 <= int(answer.headers["retry-after"]) <= 600
    problem = answer.json()
    assert problem["type"] == "urn:naftiko:problem:circuit-open"
    assert problem["detail"].startswith("`up.get` is not called: 100 % of its last calls failed")
    assert len(upstream.requests) == 2


async def test_what_is_too_much_is_refused_with_the_time_of_the_next(app, upstream):
    client = await app("{rateLimiter: {limitForPeriod: 1, limitRefreshPeriod: 1h}}")
    codes = [(await client.get(path)).status_code for path in ("/get", "/get", "/forward/x")]
    assert codes == [200, 503, 503]
    answer = await client.get("/get")
    assert answer.json()["type"] == "urn:naftiko:problem:rate-limited"
    assert 0 < int(answer.headers["retry-after"]) <= 3600
    assert len(upstream.requests) == 1


async def test_a_small_body_that_is_forwarded_is_kept_for_another_attempt(app, upstream):
    client = await app(RETRY)
    upstream.misbehave(Fail(503), times=2)
    assert (await client.put("/forward/things", content=b"all of it")).status_code == 200
    assert [sent.body for sent in upstream.requests] == [b"all of it"] * 3


@pytest.mark.parametrize("size", [None, 100_000])
async def test_a_body_that_was_streamed_is_sent_once(app, upstream, caplog, size):
    async def pieces():
        yield b"all of it"

    client = await app(RETRY)
    upstream.misbehave(Fail(503))
    content = b"." * (size or 0)
    for _ in range(2):
        answer = await client.put("/forward/things", content=content or pieces())
        assert answer.status_code == 503
    assert [sent.body for sent in upstream.requests] == [content or b"all of it"] * 2
    told = [record.getMessage() for record in caplog.records if "is gone" in record.getMessage()]
    assert told == ["a call of `up` is not sent again: its body was passed on while it came, and is gone"]


@pytest.mark.parametrize(("key", "requests"), [(None, 1), ("mine", 3)])
async def test_a_key_of_the_callers_makes_a_forwarded_post_repeatable(app, upstream, key, requests):
    client = await app(RETRY)
    upstream.misbehave(Fail(503))
    await client.post("/forward/things", headers={"Idempotency-Key": key} if key else {})
    assert [sent.headers.get("idempotency-key") for sent in upstream.requests] == [key] * requests


async def test_a_post_is_sent_once_and_with_a_key_again(app, upstream):
    for policy, requests in ((RETRY, 1), (RETRY.replace("jitter", "idempotencyKey: true, jitter"), 3)):
        upstream.clear()
        client = await app(policy)
        upstream.misbehave(Fail(503))
        assert (await client.post("/post", json={"n": 5})).status_code == 503
        assert [json.loads(sent.body) for sent in upstream.requests] == [{"n": 5}] * requests


async def test_what_is_answered_in_place_of_a_failure_says_so(app, upstream):
    client = await app("{}")
    upstream.misbehave(Fail(500), times=1)
    answer = await client.get("/safe")
    assert (answer.status_code, answer.json()) == (200, {"n": 0})
    assert answer.headers["naftiko-note"] == 'fallback;from="constant";reason="500"'
    answer = await client.get("/safe")
    assert (answer.json(), "naftiko-note" in answer.headers) == ({"n": 1}, False)


@pytest.mark.parametrize("version", ["2025-06-18", NEWEST])
async def test_a_tool_says_so_to_its_client_and_to_the_model(app, upstream, wire, version):
    client = await app("{}", adapter="mcp")
    caller = wire(f"{client.base_url}/mcp", version)
    good = await caller.call("safe", {})
    assert json.loads(good["content"][0]["text"]) == {"n": 1}
    assert "dev.naftiko/notes" not in good.get("_meta", {})
    upstream.misbehave(Fail(503))
    result = await caller.call("safe", {})
    assert [block["text"] for block in result["content"]] == [
        '{"n":0}',
        "Note: the API failed (503), and this is not its answer but a constant of the capability.",
    ]
    assert result["structuredContent"] == {"n": 0}
    assert result["_meta"]["dev.naftiko/notes"] == ['fallback;from="constant";reason="503"']


@pytest.mark.parametrize("version", ["2025-06-18", NEWEST])
async def test_a_tool_that_fails_says_what_was_tried_and_when_to_try_again(app, upstream, wire, version):
    client = await app(RETRY, adapter="mcp")
    caller = wire(f"{client.base_url}/mcp", version)
    upstream.misbehave(Fail(503), times=2)
    assert not (await caller.call("get", {})).get("isError")
    upstream.misbehave(Fail(503, {"error": "busy"}, {"Retry-After": "120"}), times=3)
    text = (await caller.call("get", {}))["content"][0]["text"]
    assert "try again after 120 seconds" in text
    upstream.clear()
    upstream.misbehave(Fail(503))
    result = await caller.call("get", {})
    assert result["isError"]
    assert "Detail: 3 attempts in 0." in result["content"][0]["text"]
    assert ", the last: the upstream answered 503" in result["content"][0]["text"]


async def test_a_tool_of_an_open_circuit_says_when_to_try_again(app, upstream, wire):
    client = await app(BREAKER, adapter="mcp")
    caller = wire(f"{client.base_url}/mcp", NEWEST)
    upstream.misbehave(Fail(500))
    for _ in range(2):
        await caller.call("get", {})
    text = (await caller.call("get", {}))["content"][0]["text"]
    assert "the upstream is left alone after failures (status 503" in text
    assert re.search(r"What to do: try again after (600|5[0-9]{2}) seconds$", text, re.MULTILINE)
    assert len(upstream.requests) == 2


async def test_a_caller_who_leaves_ends_the_attempts(app, upstream):
    client = await app("{retry: {maxAttempts: 50, waitDuration: 50ms, jitter: 0}, timeLimiter: 1m}")
    upstream.misbehave(Fail(503))
    with pytest.raises(httpx.ReadTimeout):
        await client.get("/get", timeout=0.5)
    await asyncio.sleep(0.3)  # whatever was under way is through
    asked = len(upstream.requests)
    await asyncio.sleep(0.5)
    assert len(upstream.requests) == asked


async def test_one_api_that_is_dead_takes_nothing_from_another(app, upstream):
    """Each has connections of its own: a hundred callers that hang on one leave the other as it is."""
    text = FILE.replace("{POLICY}", "{timeLimiter: 1m}").replace(
        "exposes:",
        "- {type: http, namespace: other, baseUri: 'http://unused.invalid/other',"
        " resources: [{path: /, operations: [{name: ok, method: GET}]}]}\nexposes:",
    )
    text = text.replace(
        "  - {path: /safe,", "  - {path: /ok, operations: [{method: GET, name: ok, call: other.ok}]}\n  - {path: /safe,"
    )
    upstream.on("GET", "/other/", JSONResponse({"ok": True}))
    known = naftiko.Settings(base_uris={"up": f"{upstream.url}/v1", "other": f"{upstream.url}/other"}, environment={})
    async with (
        naftiko.loads(text, settings=known) as capability,
        serving(naftiko.rest_app([capability])) as url,
        httpx.AsyncClient(base_url=url, timeout=LIMIT, trust_env=False, limits=httpx.Limits()) as client,
    ):
        upstream.misbehave(Stall(600), path="/v1/{rest:path}")
        hanging = [asyncio.create_task(client.get("/get")) for _ in range(100)]
        await until(lambda: len(upstream.requests) >= capability.upstreams["up"].limits.connections // 2)
        for _ in range(20):
            assert (await client.get("/ok")).json() == {"ok": True}
        assert not any(task.done() for task in hanging)
        for task in hanging:
            task.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)


async def until(is_so):
    async with asyncio.timeout(LIMIT):
        while not is_so():  # noqa: ASYNC110  # the stand-in has a thread of its own
            await asyncio.sleep(0.01)
