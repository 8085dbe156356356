"""Whatever is sent to an MCP server: never a 500, never a hang, always an answer that the protocol has.

400 cases, the same in each run. For more, and other ones each time::

    NAFTIKO_FUZZ_CASES=10000 pytest tests/expose/test_mcp_fuzz.py
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp_wire import HANDSHAKE, NEWEST

import naftiko
from naftiko.engine.settings import Settings
from naftiko.expose.mcp import mcp_app
from naftiko.testing import Fail, StandInUpstream

CASES = int(os.environ.get("NAFTIKO_FUZZ_CASES", "400"))
CASE_SECONDS = 5.0
MAX_REQUEST_BYTES = 4_096
CAPABILITY = """
naftiko: 1.0.0-alpha2
capability:
  consumes:
    - type: http
      namespace: things
      baseUri: http://unused.invalid
      resources:
        - path: /things/{id}
          operations: [{name: get, method: GET}]
        - path: /broken
          operations: [{name: broken, method: GET}]
  exposes:
    - type: mcp
      namespace: things
      tools:
        - name: get
          description: Get it
          call: things.get
          inputParameters:
            - {name: id, type: string, description: Which}
            - {name: size, type: integer, required: false, description: How large}
            - {name: tags, type: array, items: {type: string}, required: false, description: Labels}
        - {name: broken, description: Fails, call: things.broken}
      resources:
        - {name: thing, uri: "things://{id}", description: A thing, call: things.get}
      prompts:
        - name: about
          description: Ask about a thing
          arguments: [{name: id, description: Which, enum: [a, b]}]
          template: [{role: user, content: "What is {{id}}?"}]
"""
METHODS = (
    "initialize",
    "notifications/initialized",
    "notifications/cancelled",
    "ping",
    "server/discover",
    "tools/list",
    "tools/call",
    "resources/list",
    "resources/templates/list",
    "resources/read",
    "resources/subscribe",
    "prompts/list",
    "prompts/get",
    "completion/complete",
    "logging/setLevel",
    "subscriptions/listen",
)
META = {"io.modelcontextprotocol/protocolVersion": NEWEST, "io.modelcontextprotocol/clientCapabilities": {}}
INITIALIZE = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}

TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=6
)
HEADER = st.binary(max_size=20).map(lambda raw: bytes(byte for byte in raw if byte >= 0x20 and byte != 0x7F).strip())
"""What HTTP servers let through as the value of a header."""


def mostly(usual: st.SearchStrategy[Any], strange: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.integers(0, 5).flatmap(lambda dice: strange if dice == 0 else usual)


def members(**strategies: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Make objects whose members may be missing, and to which others may be added."""
    known = st.fixed_dictionaries({}, optional=strategies)
    return st.builds(
        lambda one, other: {**other, **one}, known, mostly(st.just({}), st.dictionaries(TEXT, JSON, max_size=2))
    )


NAMES = mostly(st.sampled_from(["get", "broken", "about", "naftiko-continue"]), JSON)
ARGUMENTS = mostly(members(id=JSON, size=JSON, tags=JSON), JSON)
URIS = mostly(st.sampled_from(["things://1", "things://", "things://a%2Fb", "x:", "http://[::1"]), JSON)
REFERENCES = mostly(
    st.sampled_from([{"type": "ref/prompt", "name": "about"}, {"type": "ref/resource", "uri": "things://{id}"}]), JSON
)
COMPLETED = mostly(st.fixed_dictionaries({"name": st.just("id"), "value": TEXT}), JSON)
METAS = mostly(st.just(META), members(progressToken=JSON) | st.just({**META, "progressToken": 1}) | JSON)
PARAMS = members(
    name=NAMES,
    arguments=ARGUMENTS,
    uri=URIS,
    ref=REFERENCES,
    argument=COMPLETED,
    cursor=JSON,
    level=JSON,
    requestId=JSON,
    _meta=METAS,
)
REQUIRED = {
    "tools/call": st.fixed_dictionaries({"name": NAMES}, optional={"arguments": ARGUMENTS}),
    "prompts/get": st.fixed_dictionaries({"name": st.just("about")}, optional={"arguments": ARGUMENTS}),
    "resources/read": st.fixed_dictionaries({"uri": URIS}),
    "completion/complete": st.fixed_dictionaries({"ref": REFERENCES, "argument": COMPLETED}),
    "tools/list": st.just({}),
    "server/discover": members(cursor=JSON),
}
"""What methods of the newest revision can't do without."""
MESSAGES = st.fixed_dictionaries(
    {"jsonrpc": mostly(st.just("2.0"), JSON), "method": mostly(st.sampled_from(METHODS), JSON)},
    optional={"id": mostly(st.integers() | TEXT, JSON), "params": mostly(PARAMS, st.just(INITIALIZE) | JSON)},
)
ANSWERS = members(jsonrpc=st.just("2.0"), id=JSON, result=JSON, error=JSON)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Cut a message, or put bytes into it."""
    text = json.dumps(draw(MESSAGES)).encode()
    at = draw(st.integers(0, len(text)))
    return text[:at] + draw(st.binary(max_size=8)) + draw(st.sampled_from([b"", text[at:]]))


ODD_BODIES = st.one_of(
    JSON.map(lambda value: json.dumps(value).encode()),
    st.lists(MESSAGES, max_size=3).map(lambda batch: json.dumps(batch).encode()),
    ANSWERS.map(lambda answer: json.dumps(answer).encode()),
    MESSAGES.map(lambda message: json.dumps(message).encode("utf-16")),
    st.binary(max_size=50),
    damaged(),
    st.sampled_from([b"[" * 2_000, b'{"a":' * 800, b"1" * 4_000, b"1e999", b"NaN", b'"\\ud800"', b" " * 5_000]),
)
BODIES = st.integers(0, 2).flatmap(
    lambda dice: ODD_BODIES if dice == 0 else MESSAGES.map(lambda message: json.dumps(message).encode())
)
HEADERS = st.fixed_dictionaries(
    {
        "host": mostly(st.sampled_from([b"localhost", b"127.0.0.1:9090", b"[::1]:80"]), HEADER),
        "accept": mostly(st.just(b"application/json, text/event-stream"), HEADER | st.just(b"text/event-stream")),
        "content-type": mostly(st.just(b"application/json"), HEADER),
        "mcp-protocol-version": mostly(st.sampled_from([v.encode() for v in (*HANDSHAKE, NEWEST)]), HEADER),
    },
    optional={
        "origin": mostly(
            st.just(b"http://localhost:6274"), HEADER | st.sampled_from([b"http://[", b"https://[::1]x", b"null"])
        ),
        "mcp-method": mostly(st.sampled_from([method.encode() for method in METHODS]), HEADER),
        "mcp-name": mostly(st.sampled_from([b"get", b"about", b"=?base64?Z2V0?=", b"=?base64?%?="]), HEADER),
        "mcp-param-id": HEADER,
        "mcp-session-id": HEADER,
        "last-event-id": HEADER,
        "authorization": HEADER,
        "content-encoding": HEADER,
        "traceparent": HEADER,
    },
)


@dataclass(frozen=True)
class Case:
    """An HTTP request."""

    method: str
    path: str
    headers: dict[str, bytes]
    body: bytes


CASES_OF_HTTP = st.builds(
    Case,
    mostly(st.just("POST"), st.sampled_from(["GET", "DELETE", "PUT", "OPTIONS"])),
    mostly(st.sampled_from(["/mcp", "/", "/things/mcp"]), st.sampled_from(["/mcp/", "/no", "/%2e%2e/mcp", "/mcp?a=%"])),
    HEADERS,
    BODIES,
)


@st.composite
def in_order(draw: st.DrawFn) -> Case:
    """A request of the newest revision whose headers repeat what its body says: it reaches the handlers."""
    method = draw(st.sampled_from([*REQUIRED, "tools/call"]))
    token = draw(st.sampled_from([{}, {}, {"progressToken": 1}]))
    params = {**draw(mostly(REQUIRED[method], PARAMS)), "_meta": {**META, **token}}
    message = {"jsonrpc": "2.0", "id": draw(st.integers() | TEXT), "method": method, "params": params}
    headers = {
        "host": b"localhost",
        "accept": b"application/json, text/event-stream",
        "content-type": b"application/json",
        "mcp-protocol-version": NEWEST.encode(),
        "mcp-method": method.encode(),
    }
    name = params.get("uri" if method == "resources/read" else "name")
    if isinstance(name, str) and name.isascii() and name.isprintable():
        headers["mcp-name"] = name.encode()
    return Case("POST", "/mcp", headers, json.dumps(message).encode())


Ask = Callable[[Case], httpx.Response]


@pytest.fixture(scope="module")
def ask() -> Iterator[Ask]:
    """Send a request to the served app; an exception that the app lets out is raised here."""
    upstream = StandInUpstream()
    upstream.on("GET", "/things/{id}", {"id": 1})
    upstream.on("GET", "/broken", Fail(500))
    with upstream, asyncio.Runner() as runner:
        stack = contextlib.AsyncExitStack()
        client = runner.run(_client(stack, upstream.url))

        async def asked(case: Case) -> httpx.Response:
            async with asyncio.timeout(CASE_SECONDS):
                return await client.request(case.method, case.path, headers=case.headers, content=case.body)

        yield lambda case: runner.run(asked(case))
        runner.run(stack.aclose())


async def _client(stack: contextlib.AsyncExitStack, upstream: str) -> httpx.AsyncClient:
    known = Settings(base_uris={"*": upstream}, environment={})
    capability = await stack.enter_async_context(naftiko.loads(CAPABILITY, settings=known))
    assert not capability.errors, [str(found) for found in capability.errors]
    app = mcp_app([capability], max_request_bytes=MAX_REQUEST_BYTES)
    stack.push_async_callback(app.aclose)
    return await stack.enter_async_context(
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost")
    )


def judge(case: Case, answer: httpx.Response) -> None:
    """Assert that the protocol has this answer: to a notification nothing, to everything else a message."""
    assert answer.status_code in {200, 202, 400, 403, 404, 405, 406, 413, 415, 421}, answer.text
    if answer.status_code == 202:
        assert answer.content == b""
        return
    kind = answer.headers["content-type"].partition(";")[0]
    if kind == "text/event-stream":
        messages = [json.loads(line[5:]) for line in answer.text.splitlines() if line.startswith("data:")]
    else:
        assert kind == "application/json", answer.text
        messages = [answer.json()]
    for notification in messages[:-1]:
        assert notification["method"].startswith("notifications/"), notification
        assert "id" not in notification
    _judge_answer(messages[-1], _identity(case.body), answer.status_code)


def _judge_answer(message: dict[str, Any], asked: object, status: int) -> None:
    assert message["jsonrpc"] == "2.0"
    assert ("result" in message) != ("error" in message), message
    identity = message["id"]
    assert identity is None or (identity == asked and not isinstance(asked, bool)), (message, asked)
    if "error" in message:
        assert type(message["error"]["code"]) is int
        assert isinstance(message["error"]["message"], str)
        assert message["error"]["message"]
    else:
        assert status == 200
        assert identity is not None
        assert isinstance(message["result"], dict)


def _identity(body: bytes) -> object:
    """What the request is called by, where that can be read."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return message.get("id") if isinstance(message, dict) else None


@settings(
    max_examples=CASES,
    deadline=None,  # each case has its own, which says what hung
    derandomize="NAFTIKO_FUZZ_CASES" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(case=st.one_of(CASES_OF_HTTP, in_order()))
def test_any_request_gets_an_answer_of_the_protocol(ask: Ask, case: Case):
    judge(case, ask(case))


def test_the_cases_reach_what_they_are_for(ask: Ask):
    """The fuzz is worth something only if plain requests of its shape are answered with results."""
    headers = {"host": b"localhost", "accept": b"application/json, text/event-stream"}
    for method, params in {
        "tools/call": {"name": "get", "arguments": {"id": "1"}},
        "resources/read": {"uri": "things://1"},
        "prompts/get": {"name": "about", "arguments": {"id": "a"}},
        "tools/list": {},
    }.items():
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        case = Case("POST", "/mcp", {**headers, "content-type": b"application/json"}, json.dumps(body).encode())
        answer = ask(case)
        judge(case, answer)
        assert "result" in answer.json(), answer.text
