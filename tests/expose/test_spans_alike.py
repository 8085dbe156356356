"""The spans of a tool call are the same, attribute by attribute, on the short way and on the SDK's."""

from __future__ import annotations

import pytest
from mcp_wire import NEWEST, serving
from starlette.responses import JSONResponse

import naftiko
from naftiko.expose.mcp import endpoint, mcp_app
from naftiko.observe.tracing import Traced, Tracer

CAPABILITY = """
naftiko: 1.0.0-alpha2
info: {label: Watched}
capability:
  consumes:
    - type: http
      namespace: up
      baseUri: http://unused.invalid/v1
      resources: [{path: "/things/{id}", operations: [{name: thing, method: GET}]}]
  exposes:
    - type: mcp
      namespace: mcp
      tools:
        - {name: thing, description: A thing, call: up.thing}
        - name: flow
          description: A flow
          inputParameters: [{name: id, type: string}]
          steps: [{type: call, name: one, call: up.thing, with: {id: "{{id}}"}}]
      prompts:
        - {name: hello, description: Says so, template: [{role: user, content: "Hello"}]}
"""
PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
LINKED = f"00-{'a' * 32}-{'b' * 16}-01"


class Kept:
    def __init__(self):
        self.parts = []

    def take(self, part):
        self.parts.append(part)


def told(part, upstream):
    """What is told of a trace's part; ids that are random are told by whose they are."""
    names = {span.span_id: span.name for span in part.spans}
    spans = [
        (
            span.name,
            span.kind,
            names.get(span.parent_id, span.parent_id),
            {**span.attributes, "client.port": None},
            span.is_error,
            span.link and (span.link.trace_id, span.link.span_id),
        )
        for span in part.spans
    ]
    sent = [names[request.headers["traceparent"].split("-")[2]] for request in upstream.requests]
    return part.trace_id, part.state, spans, sent


@pytest.fixture
def both(upstream, wire, monkeypatch):
    """Ask something on the short way and on the SDK's; what is awaited is the answers, and what is told of each."""
    make, ways = endpoint.make_server, []

    async def passing(context, call_next):
        ways.append(context.method)
        return await call_next(context)

    def made(*args):
        server = make(*args)
        server.middleware.append(passing)
        return server

    async def ask(version, method, params):
        answers, found = [], []
        for maker in (make, made):
            monkeypatch.setattr(endpoint, "make_server", maker)
            upstream.clear()
            tracer, kept = Tracer(), Kept()
            tracer.usual = Traced()
            tracer.sinks.append(kept)
            settings = naftiko.Settings(base_uris={"up": f"{upstream.url}/v1"}, environment={}, observer=tracer)
            async with (
                naftiko.loads(CAPABILITY, settings=settings) as capability,
                serving(mcp_app([capability])) as url,
            ):
                at = wire(f"{url}/mcp", version)
                answers.append((await at.post(method, params, traceparent=LINKED)).json())
            [part] = kept.parts
            found.append(told(part, upstream))
        assert ways == [method]
        return answers, found

    return ask


@pytest.mark.parametrize("version", ["2025-11-25", NEWEST])
@pytest.mark.parametrize(
    ("name", "arguments", "is_error"),
    [("thing", {"id": "7"}, False), ("flow", {"id": "7"}, False), ("thing", {"id": "none"}, True), ("thing", {}, True)],
)
async def test_spans_are_alike_whichever_way(upstream, both, version, name, arguments, is_error):
    upstream.on("GET", "/v1/things/{id}", {"n": 1})
    upstream.on("GET", "/v1/things/none", JSONResponse({}, 404))
    params = {"name": name, "arguments": arguments, "_meta": {"traceparent": PARENT, "tracestate": "a=1"}}
    answers, found = await both(version, "tools/call", params)
    assert [each["result"].get("isError", False) for each in answers] == [is_error] * 2
    short, long = found
    port = upstream.url.rpartition(":")[2]
    assert short == long
    trace_id, state, spans, _ = short
    assert (trace_id, state) == ("4bf92f3577b34da6a3ce929d0e0e4736", "a=1")
    server = spans[-1]
    assert server[:3] == (f"tools/call {name}", "SERVER", "00f067aa0ba902b7")
    assert server[3] == {
        "mcp.method.name": "tools/call",
        "mcp.protocol.version": version,
        "jsonrpc.request.id": "1",
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": name,
        "network.transport": "tcp",
        "client.address": "127.0.0.1",
        "client.port": None,
        **({"error.type": "tool_error"} if is_error else {}),
        "naftiko.adapter.type": "mcp",
        "naftiko.capability": "Watched",
        "naftiko.namespace": "mcp",
        "naftiko.operation.id": name,
    }
    assert server[4:] == (is_error, ("a" * 32, "b" * 16))
    assert all(span[3]["server.port"] == int(port) for span in spans if span[1] == "CLIENT")


@pytest.mark.parametrize("version", ["2025-11-25", NEWEST])
@pytest.mark.parametrize(
    ("method", "params", "name", "more"),
    [
        ("tools/list", {}, "tools/list", {}),
        ("prompts/list", {}, "prompts/list", {}),
        ("prompts/get", {"name": "hello"}, "prompts/get hello", {"gen_ai.prompt.name": "hello"}),
        (
            "prompts/get",
            {"name": "nosuch"},
            "prompts/get nosuch",
            {"gen_ai.prompt.name": "nosuch", "error.type": "-32602", "rpc.response.status_code": "-32602"},
        ),
    ],
)
async def test_what_runs_nothing_has_a_span_too(both, version, method, params, name, more):
    answers, (short, long) = await both(version, method, {**params, "_meta": {"traceparent": PARENT}})
    assert short == long
    assert all(("error" in answer) is ("error.type" in more) for answer in answers)
    [span] = short[2]
    assert span[:3] == (name, "SERVER", "00f067aa0ba902b7")
    assert span[3] == {
        "mcp.method.name": method,
        "mcp.protocol.version": version,
        "jsonrpc.request.id": "1",
        "network.transport": "tcp",
        "client.address": "127.0.0.1",
        "client.port": None,
        **more,
        "naftiko.adapter.type": "mcp",
    }
    assert span[4] is ("error.type" in more)
