"""The short way of MCP opens the span that the SDK opens, where spans are collected, and leaves the rest to the SDK."""

from __future__ import annotations

import contextlib

import pytest
from mcp.shared import _otel
from mcp_wire import HANDSHAKE, NEWEST
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from naftiko.expose.mcp import endpoint
from naftiko.expose.mcp.shortcut import Shortcut
from naftiko.testing import HangUp

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
      tools: [{name: json, description: Any JSON, call: up.json}]
"""
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


class Span(NonRecordingSpan):
    """A span that is kept."""

    def __init__(self, name, parent, kind, attributes):
        super().__init__(SpanContext(1, 2, is_remote=False, trace_flags=TraceFlags(1)))
        self.said = {"name": name, "parent": parent, "kind": kind, "status": None, **(attributes or {})}

    def set_attribute(self, key, value):
        self.said[key] = value

    def set_attributes(self, attributes):
        self.said.update(attributes)

    def set_status(self, status, description=None):
        self.said["status"] = (status, description)


class Tracer(trace.Tracer):
    """Keeps its spans."""

    def __init__(self):
        self.spans = []

    def start_span(self, name, context=None, kind=trace.SpanKind.INTERNAL, attributes=None, **_options):
        parent = trace.get_current_span(context).get_span_context()
        self.spans.append(Span(name, f"{parent.trace_id:032x}" if parent.is_valid else None, kind, attributes))
        return self.spans[-1]

    @contextlib.contextmanager
    def start_as_current_span(self, name, context=None, kind=trace.SpanKind.INTERNAL, attributes=None, **_options):
        with trace.use_span(self.start_span(name, context, kind, attributes)) as span:
            yield span


class Provider(trace.TracerProvider):
    """A provider as one that exports spans."""

    def __init__(self, tracer):
        self.tracer = tracer

    def get_tracer(self, *_args, **_kwargs):
        return self.tracer


@pytest.fixture
def spans(monkeypatch):
    """Collect the spans; a provider can be set once in a process, so it is put in its place for the test."""
    tracer = Tracer()
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", Provider(tracer))
    monkeypatch.setattr(_otel, "_tracer", tracer)
    return tracer.spans


@pytest.fixture
def taken(monkeypatch):
    """Which requests were answered the short way; `taken.short = False` leaves them to the SDK."""

    class Taken(list):
        short = True

    seen = Taken()
    shortest = Shortcut.answer

    async def answer(shortcut, headers, body):
        found = await shortest(shortcut, headers, body) if seen.short else None
        seen.append(found is not None)
        return found

    monkeypatch.setattr(Shortcut, "answer", answer)
    return seen


@pytest.fixture
async def at(serve, upstream, wire):
    upstream.on("GET", "/json", {"n": 1})
    url = f"{await serve(CAPABILITY, base=upstream.url)}/mcp"
    return lambda version: wire(url, version)


@pytest.mark.parametrize("version", [*HANDSHAKE, NEWEST])
@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("tools/call", {"name": "json", "arguments": {}}),
        ("tools/call", {"name": "json", "arguments": {}, "_meta": {"traceparent": PARENT}}),
        ("tools/call", {"name": "json", "arguments": {}, "_meta": {"traceparent": "no such thing"}}),
        ("tools/call", {"name": "json", "arguments": {"unknown": 1}}),
        ("tools/list", {}),
    ],
)
async def test_the_span_is_the_sdks_own(at, spans, taken, version, method, params):
    for short in (True, False):
        taken.short = short
        answer = await at(version).post(method, params)
        assert "result" in answer.json()
    assert taken == [True, False]
    assert len(spans) == 2
    one, other = (span.said for span in spans)
    assert one == other
    assert one["mcp.method.name"] == method
    assert one["kind"] is trace.SpanKind.SERVER
    assert one["parent"] == (TRACE if params.get("_meta", {}).get("traceparent") == PARENT else None)


async def test_a_tool_that_fails_is_an_error_of_the_span(at, spans, taken, upstream):
    upstream.misbehave(HangUp())
    for short in (True, False):
        taken.short = short
        assert (await at(NEWEST).call("json"))["isError"]
    one, other = (span.said for span in spans)
    assert taken == [True, False]
    assert one == other
    assert (one["error.type"], one["status"][0]) == ("tool_error", trace.StatusCode.ERROR)


async def test_a_tool_that_is_not_there_has_one_span(at, spans, taken):
    await at(NEWEST).error("tools/call", {"name": "nothing", "arguments": {}})
    assert taken == [False]
    assert [span.said["name"] for span in spans] == ["tools/call nothing"]


async def test_the_call_runs_within_the_span(at, spans, taken, monkeypatch):
    """Whatever is traced beneath it finds it as its parent."""
    current = []
    answer = Shortcut._called

    async def looking(shortcut, request):
        current.append(trace.get_current_span())
        return await answer(shortcut, request)

    monkeypatch.setattr(Shortcut, "_called", looking)
    await at(NEWEST).call("json")
    assert current == spans
    assert taken == [True]


async def test_nothing_is_opened_where_nobody_collects_spans(at, taken, monkeypatch):
    def fail(*_args, **_options):
        pytest.fail("a span was opened")

    monkeypatch.setattr(_otel, "_tracer", type("No", (), {"start_as_current_span": fail})())
    await at(NEWEST).call("json")
    assert taken == [True]


@pytest.mark.parametrize("change", ["more", "fewer"])
async def test_whoever_changes_the_sdks_middleware_gets_every_request(
    serve, upstream, wire, taken, monkeypatch, change
):
    upstream.on("GET", "/json", {"n": 1})
    seen = []

    async def counting(context, call_next):
        seen.append(context.method)
        return await call_next(context)

    make = endpoint.make_server
    servers = []

    def made(*args):
        servers.append(make(*args))
        return servers[-1]

    monkeypatch.setattr(endpoint, "make_server", made)
    at = wire(f"{await serve(CAPABILITY, base=upstream.url)}/mcp", NEWEST)
    await at.call("json")
    if change == "more":
        servers[-1].middleware.append(counting)
    else:
        servers[-1].middleware.clear()
    await at.call("json")
    await at.ask("tools/list")
    assert taken == [True, False, False]
    assert seen == (["tools/call", "tools/list"] if change == "more" else [])
