"""Every way in which a call can fail is a tool error that a model can act on, never an error of the transport."""

from __future__ import annotations

import logging
import re

import pytest
from mcp_wire import NEWEST, serving
from starlette.responses import JSONResponse, Response

import naftiko
from naftiko.engine.capability import Unit
from naftiko.engine.transport import Limits
from naftiko.expose.mcp import mcp_app
from naftiko.testing import BrokenJson, Cut, Fail, Flood, HangUp, Stall, refused_url

SECRET = "s3cr3t-t0ken-value"
CAPABILITY = """
naftiko: 1.0.0-alpha2
binds:
  - {namespace: env, keys: {THING_TOKEN: THING_TOKEN, TENANT: TENANT}}
capability:
  consumes:
    - type: http
      namespace: things
      baseUri: http://unused.invalid
      authentication: {type: bearer, token: "{{THING_TOKEN}}"}
      resources:
        - path: /things/{id}
          operations: [{name: get, method: GET}]
    - type: http
      namespace: open
      baseUri: http://unused.invalid
      resources:
        - path: /open
          operations: [{name: get, method: GET}]
        - path: /open/{{TENANT}}
          operations: [{name: mine, method: GET}]
  exposes:
    - type: mcp
      namespace: failing
      tools:
        - {name: get-thing, description: Get it, call: things.get}
        - {name: get-open, description: Get it without a credential, call: open.get}
        - {name: get-mine, description: Needs a variable, call: open.mine}
        - name: in-steps
          description: Two calls
          steps:
            - {type: call, name: first, call: open.get}
            - {type: call, name: second, call: things.get, with: {id: 1}}
"""
LIMITS = Limits(connect=10, read=1.5, total=3.0, response_bytes=64 * 1024)


@pytest.fixture
async def call(serve, upstream, wire):
    """Call a tool at the newest revision and at the oldest; both must say the same."""
    upstream.on("GET", "/things/{id}", {"id": 1})
    upstream.on("GET", "/open", {"open": True})
    settings = {"limits": LIMITS, "variables": {"THING_TOKEN": SECRET}}
    url = f"{await serve(CAPABILITY, base=upstream.url, settings=settings)}/mcp"

    async def calling(tool="get-thing", arguments=None):
        texts = []
        for version in (NEWEST, "2024-11-05"):
            answer = await wire(url, version).post(
                "tools/call", {"name": tool, "arguments": {"id": "1"} if arguments is None else arguments}
            )
            assert answer.status_code == 200
            result = answer.json()["result"]
            assert result["isError"] is True
            assert "structuredContent" not in result
            [content] = result["content"]
            assert SECRET not in answer.text
            assert "Traceback" not in answer.text
            assert re.search(r"Correlation id: [0-9a-f]{16}$", content["text"])
            texts.append(content["text"])
        newest, oldest = (re.sub(r"\b[0-9a-f]{16}\b", "…", text) for text in texts)
        assert newest == oldest
        return newest

    return calling


async def test_an_upstream_404_says_what_the_upstream_says(call, upstream):
    upstream.misbehave(Fail(404, {"code": "not_found", "message": "no thing 1"}))
    text = await call()
    assert text.splitlines() == [
        "`get-thing` failed: the upstream answered with an error (status 404 Not Found).",
        "Detail: the upstream answered 404",
        "The upstream said: no thing 1",
        "Operation: things.get",
        "What to do: check the ids in the inputs",
        "Correlation id: …",
    ]


async def test_a_401_to_our_credential_is_the_servers_fault(call, upstream):
    upstream.misbehave(Fail(401, {"message": f"token {SECRET} rejected"}))
    text = await call()
    assert "status 502" in text
    assert "refused the credential of this server" in text


async def test_a_401_without_our_credential_asks_for_one(call, upstream):
    upstream.misbehave(Fail(401, {"message": "who are you"}), path="/open")
    text = await call("get-open", {})
    assert "status 401" in text
    assert "give the capability an authentication" in text


@pytest.mark.parametrize(("seconds", "said"), [("7", "7 seconds"), ("1", "1 second"), ("0", "0 seconds")])
async def test_429_says_when_to_try_again(call, upstream, seconds, said):
    upstream.misbehave(Fail(429, {"message": "slow down"}, {"retry-after": seconds}))
    text = await call()
    assert "status 429 Too Many Requests" in text
    assert f"What to do: try again after {said}\n" in text


async def test_500_shows_what_an_html_page_says(call, upstream):
    page = "<html><head><title>Oh &amp; no</title><style>p{}</style></head><body><p>stack</p></body></html>"
    upstream.misbehave(lambda _request: Response(page, 500, media_type="text/html"))
    text = await call()
    assert "status 500 Internal Server Error" in text
    assert "The upstream said: Oh & no: stack" in text


async def test_an_upstreams_message_is_redacted_and_shortened(call, upstream):
    upstream.misbehave(lambda _request: JSONResponse({"error": {"message": f"bad {SECRET} {'x' * 5000}"}}, 400))
    text = await call()
    [said] = [line for line in text.splitlines() if line.startswith("The upstream said: ")]
    assert said.startswith("The upstream said: bad *** xxx")
    assert len(said) < 530


async def test_fields_that_are_wrong_are_shown(call, upstream):
    fields = [{"field": "limit", "description": "must be below 100"}]
    upstream.misbehave(lambda _request: JSONResponse({"message": "Validation error", "fields": fields}, 422))
    text = await call()
    assert 'Validation error: [{"field":"limit","description":"must be below 100"}]' in text


@pytest.mark.parametrize(
    ("behaviour", "kind", "status"),
    [
        (Stall(30), "the upstream took too long", "504"),
        (Cut(), "the upstream's answer is broken", "502"),
        (Cut(chunked=True), "the upstream's answer is broken", "502"),
        (BrokenJson(), "the upstream's answer is broken", "502"),
        (Flood(10_000_000), "the upstream's answer is broken", "502"),
    ],
)
async def test_slow_cut_broken_and_endless_answers(call, upstream, behaviour, kind, status):
    upstream.misbehave(behaviour)
    text = await call()
    assert kind in text
    assert f"status {status}" in text
    assert "Operation: things.get" in text


async def test_a_connection_that_is_closed_without_an_answer(call, upstream):
    upstream.misbehave(HangUp())
    assert "status 502" in await call()


async def test_no_upstream_at_all(serve, wire):
    with refused_url() as base:
        url = f"{await serve(CAPABILITY, base=base, settings={'limits': LIMITS})}/mcp"
        result = await wire(url, NEWEST).call("get-open")
    assert result["isError"] is True
    assert "the upstream can't be reached (status 502" in result["content"][0]["text"]


async def test_a_missing_variable_is_named_and_nothing_is_sent(call, upstream):
    upstream.clear()
    text = await call("get-mine", {})
    assert "a variable is missing (status 503" in text
    assert "TENANT" in text
    assert upstream.requests == []


async def test_all_problems_of_the_arguments_come_together_and_nothing_is_sent(call, upstream):
    upstream.clear()
    text = await call("get-thing", {"idd": 1})
    assert "- there is no input `idd`; did you mean `id`?" in text
    assert "- `id` is required (expected string)" in text
    assert upstream.requests == []


async def test_a_failing_step_is_named(call, upstream):
    upstream.misbehave(Fail(404), path="/things/{id}")
    text = await call("in-steps", {})
    assert "Step: second" in text
    assert "Operation: things.get" in text


async def test_a_tool_that_means_nothing_is_listed_and_says_why(tmp_path, wire):
    text = CAPABILITY.replace("call: open.get}", "call: open.gett}", 1)
    capability = naftiko.loads(text, path=tmp_path / "capability.yaml")
    assert capability.errors
    async with capability, serving(mcp_app(capability)) as url:
        at = wire(f"{url}/mcp", NEWEST)
        assert "get-open" in [tool["name"] for tool in (await at.ask("tools/list"))["tools"]]
        result = await at.call("get-open")
    assert result["isError"] is True
    assert "this can't be executed (status 501" in result["content"][0]["text"]
    assert "`gett`" in result["content"][0]["text"]


async def test_what_nobody_expected_is_an_internal_error_with_nothing_but_an_id(call, monkeypatch, caplog):
    async def broken(*_arguments, **_named):
        raise RuntimeError(f"the inside of {SECRET}")

    monkeypatch.setattr(Unit, "run_checked", broken)
    with caplog.at_level(logging.INFO, "naftiko.expose.http.problems"):
        text = await call("get-thing")
    assert "internal error" in text.lower()
    assert "RuntimeError" not in text
    assert "inside" not in text
    assert "Traceback" in caplog.text
    assert "RuntimeError" in caplog.text


async def test_the_correlation_id_of_the_answer_is_in_the_log(call, upstream, caplog, wire):
    upstream.misbehave(Fail(500))
    with caplog.at_level(logging.INFO, "naftiko.expose.http.problems"):
        await call()
    assert re.search(r"tool get-thing failed: upstream-status: the upstream answered 500 \[[0-9a-f]{16}\]", caplog.text)
    assert SECRET not in caplog.text
