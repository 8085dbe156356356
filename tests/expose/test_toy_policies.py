"""Policies from outside of the package: each is a class here, given to ``Settings``, and nothing else knows of it."""

from __future__ import annotations

import contextlib
import json

import httpx
import pytest
from mcp_wire import LIMIT, NEWEST, serving
from starlette.responses import JSONResponse, StreamingResponse

import naftiko
from naftiko.expose.mcp import mcp_app
from naftiko.testing import HangUp

CAPABILITY = """
naftiko: 1.0.0-alpha2
capability:
  consumes:
    - type: http
      namespace: up
      baseUri: http://unused.invalid/v1
      authentication: {type: bearer, token: s3cret-token}
      resources:
        - path: /things/{id}
          operations: [{name: thing, method: GET}, {name: make, method: POST, body: {type: json, data: {n: "{{n}}"}}}]
    - type: http
      namespace: other
      baseUri: http://unused.invalid/other
      resources: [{path: /, operations: [{name: other, method: GET}]}]
  exposes:
    - type: rest
      namespace: rest
      port: 8080
      resources:
        - path: /things/{id}
          operations:
            - {method: GET, name: thing, call: up.thing}
            - method: POST
              name: make
              call: up.make
              inputParameters: [{name: id, in: path}, {name: n, in: body, type: integer}]
        - path: /mapped/{id}
          operations:
            - method: GET
              name: mapped
              call: up.thing
              outputParameters: [{type: object, properties: {n: {type: integer, mapping: $.n}}}]
        - path: /steps/{id}
          operations:
            - method: GET
              name: steps
              inputParameters: [{name: id, in: path}]
              steps: [{type: call, name: one, call: up.thing, with: {id: "{{id}}"}}]
              mappings: [{targetName: got, value: $.one.n}]
        - path: /other
          operations: [{method: GET, name: other, call: other.other}]
        - {path: "/forward/{path}", forward: {targetNamespace: up}}
    - type: mcp
      namespace: mcp
      tools: [{name: thing, description: A thing, call: up.thing}]
"""


class RetryOnce:
    """Sends once more what was answered with 503, where that may be done."""

    def __init__(self, send, target):
        self.send = send

    async def __call__(self, outgoing):
        answer = await self.send(outgoing)
        if answer.status_code == 503 and outgoing.draft.method in {"GET", "PUT"} and outgoing.is_repeatable:
            await answer.aclose()
            answer = await self.send(outgoing)
        return answer


class FromMemory:
    """Answers from a dictionary what is there, without a request."""

    def __init__(self, known):
        self.known = known
        self.asked = []

    def __call__(self, send, target):
        self.asked.append((target.namespace, None if target.operation is None else target.operation.name))
        if target.namespace != "up":
            return send

        async def answer(outgoing):
            path = outgoing.draft.full_url().partition("/v1")[2]
            if path in self.known:
                return outgoing.answered(
                    200, json.dumps(self.known[path]).encode(), {"Content-Type": "application/json"}
                )
            return await send(outgoing)

        return answer


@pytest.fixture
async def app(upstream):
    """Serve REST, or MCP, with policies; what is awaited is a client of it."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(*policies, adapter="rest", **settings):
            known = naftiko.Settings(
                base_uris={"*": f"{upstream.url}/v1"}, environment={}, policies=policies, **settings
            )
            capability = await stack.enter_async_context(naftiko.loads(CAPABILITY, settings=known))
            assert not capability.errors
            made = naftiko.rest_app([capability]) if adapter == "rest" else mcp_app([capability])
            url = await stack.enter_async_context(serving(made))
            return await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=LIMIT, trust_env=False))

        yield start


@pytest.mark.parametrize("path", ["/things/7", "/mapped/7", "/steps/7", "/forward/things/7"])
async def test_a_get_that_is_answered_with_503_is_sent_once_more(app, upstream, path):
    upstream.on("GET", "/v1/things/{id}", {"n": 1})
    upstream.misbehave(JSONResponse({"error": "busy"}, 503), times=1)
    client = await app(RetryOnce)
    answer = await client.get(path)
    assert answer.status_code == 200
    assert answer.json() in ({"n": 1}, {"got": 1})
    assert [sent.headers["authorization"] for sent in upstream.requests] == ["Bearer s3cret-token"] * 2


async def test_it_is_sent_once_more_and_no_oftener(app, upstream):
    upstream.on("*", "/v1/{rest:path}", JSONResponse({"error": "busy"}, 503))
    client = await app(RetryOnce)
    for path in ("/things/7", "/forward/things/7"):
        upstream.clear()
        answer = await client.get(path)
        assert (answer.status_code, answer.json()) == (503, {"error": "busy"})
        assert len(upstream.requests) == 2


async def test_what_changes_something_is_sent_once(app, upstream):
    upstream.on("*", "/v1/{rest:path}", JSONResponse({"error": "busy"}, 503))
    client = await app(RetryOnce)
    assert (await client.post("/things/7", json={"n": 3})).status_code == 503
    assert [json.loads(sent.body) for sent in upstream.requests] == [{"n": 3}]


async def test_a_body_that_was_streamed_is_not_sent_again(app, upstream):
    upstream.on("*", "/v1/{rest:path}", JSONResponse({"error": "busy"}, 503))
    client = await app(RetryOnce)
    assert (await client.put("/forward/things/7", content=b"all of it")).status_code == 503
    assert [sent.body for sent in upstream.requests] == [b"all of it"]


async def test_a_draft_stays_as_it_is_when_it_is_sent_again(app, upstream):
    """A body, and no header twice."""
    upstream.on("*", "/v1/{rest:path}", JSONResponse({"error": "busy"}, 503))

    class Twice(RetryOnce):
        async def __call__(self, outgoing):
            await self.send(outgoing)
            return await self.send(outgoing)

    client = await app(Twice)
    await client.post("/things/7", json={"n": 3})
    one, two = upstream.requests
    assert one.headers.raw == two.headers.raw
    assert one.body == two.body == b'{"n":3}'


@pytest.mark.parametrize("version", ["2025-11-25", NEWEST])
async def test_a_tool_call_is_sent_once_more(app, upstream, wire, version):
    upstream.on("GET", "/v1/things/{id}", {"n": 1})
    upstream.misbehave(JSONResponse({"error": "busy"}, 503), times=1)
    client = await app(RetryOnce, adapter="mcp")
    result = await wire(f"{client.base_url}/mcp", version).call("thing", {"id": "7"})
    assert "isError" not in result or result["isError"] is False
    assert json.loads(result["content"][0]["text"]) == {"n": 1}
    assert len(upstream.requests) == 2


async def test_what_is_in_memory_is_answered_without_a_request(app, upstream):
    upstream.on("GET", "/v1/things/{id}", {"n": 1})
    memory = FromMemory({"/things/7": {"n": 70}})
    client = await app(memory)
    got = [(await client.get(path)).json() for path in ("/things/7", "/mapped/7", "/steps/7", "/forward/things/7")]
    assert got == [{"n": 70}, {"n": 70}, {"got": 70}, {"n": 70}]
    assert upstream.requests == []
    assert (await client.get("/things/8")).json() == {"n": 1}
    assert len(upstream.requests) == 1


async def test_a_policy_is_asked_at_load_for_each_operation_and_each_forward(app):
    memory = FromMemory({})
    await app(memory)
    assert sorted(memory.asked, key=str) == [
        ("other", "other"),
        ("other", None),
        ("up", "make"),
        ("up", "thing"),
        ("up", None),
    ]


async def test_the_first_policy_is_the_outermost(app, upstream):
    """What answers from memory asks nobody; around a retry it isn't asked again."""
    upstream.on("*", "/v1/{rest:path}", JSONResponse({"error": "busy"}, 503))
    seen = []

    def told(name):
        def policy(send, target):
            async def sending(outgoing):
                seen.append(name)
                return await send(outgoing)

            return sending

        return policy

    client = await app(told("outside"), RetryOnce, told("inside"))
    await client.get("/things/7")
    assert seen == ["outside", "inside", "inside"]


async def test_what_a_policy_raises_is_told_as_any_failure(app, upstream):
    def open_breaker(send, target):
        async def refuse(outgoing):
            raise naftiko.Overloaded(f"`{outgoing.operation}` rests")

        return refuse

    client = await app(open_breaker)
    for path, operation in (("/things/7", "up.thing"), ("/forward/x", "up")):
        answer = await client.get(path)
        assert (answer.status_code, answer.json()["detail"]) == (503, f"`{operation}` rests")
    assert upstream.requests == []


async def test_a_call_that_fails_can_be_made_again(app, upstream):
    """What breaks is an exception, to a policy as well."""

    class Again(RetryOnce):
        async def __call__(self, outgoing):
            with contextlib.suppress(naftiko.UpstreamBroken, naftiko.UpstreamUnreachable):
                return await self.send(outgoing)
            return await self.send(outgoing)

    upstream.on("GET", "/v1/things/{id}", {"n": 1})
    upstream.misbehave(HangUp(), times=1)
    client = await app(Again)
    assert (await client.get("/things/7")).json() == {"n": 1}


async def test_a_refused_credential_is_tried_again_within_a_policy(app, upstream):
    upstream.on("*", "/v1/{rest:path}", JSONResponse({"error": "who?"}, 401))
    client = await app(RetryOnce)
    answer = await client.get("/things/7")
    assert answer.status_code == 502
    assert "refused the credential" in answer.json()["detail"]


async def test_a_streamed_answer_comes_through_a_policy(app, upstream):
    async def pieces():
        for at in range(3):
            yield f"piece {at};".encode()

    upstream.on("GET", "/v1/stream", lambda _: StreamingResponse(pieces(), media_type="text/plain"))
    client = await app(RetryOnce)
    assert (await client.get("/forward/stream")).text == "piece 0;piece 1;piece 2;"


async def test_a_policy_may_answer_a_forward_with_a_response_of_its_own(app):
    def teapot(send, target):
        async def answer(outgoing):
            return httpx.Response(418, content=b"short", request=httpx.Request("GET", outgoing.draft.full_url()))

        return answer

    client = await app(teapot)
    answer = await client.get("/forward/x")
    assert (answer.status_code, answer.content) == (418, b"short")


async def test_policies_wrap_mock_as_they_wrap_the_network(app, upstream):
    memory = FromMemory({"/things/7": {"n": 70}})
    client = await app(memory, mock=True)
    assert (await client.get("/things/7")).json() == {"n": 70}
    shown = (await client.get("/things/8")).json()
    assert shown["url"].endswith("/v1/things/8")
    assert shown["headers"]["authorization"] == "Bearer ***"
    assert (await client.get("/forward/things/9")).json()["url"].endswith("/v1/things/9")
    assert upstream.requests == []
