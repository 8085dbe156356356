"""Traces as callers, upstreams, collectors and operators see them, over real sockets."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from collector import Collector, attributes
from served import LIMIT, NAFTIKO, Served, run, served, surroundings
from starlette.responses import JSONResponse

import forks
from naftiko.testing import StandInUpstream, refused_url

SECRET = "quay-secret-4711-token"
VALUE = "value-of-a-caller"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{CALLER}-01"
FILE = """\
naftiko: 1.0.0-beta5
info: {{label: Quay, description: Ships., tags: [sea]}}
binds: [{{namespace: env, keys: {{QUAY_TOKEN: QUAY_TOKEN, COLLECTOR: COLLECTOR}}}}]
consumes:
- type: http
  namespace: ships
  baseUri: {upstream}/v1
  authentication: {{type: bearer, token: "{{{{QUAY_TOKEN}}}}"}}
  resources: [{{name: ship, path: "/ships/{{id}}", operations: [{{name: get, method: GET}}]}}]
exposes:
- type: rest
  namespace: front
  port: 8080
  resources:
  - {{path: "/ships/{{id}}", operations: [{{name: ship, method: GET, call: ships.get}}]}}
  - path: /flow/{{id}}
    operations:
    - name: flow
      method: GET
      inputParameters: [{{name: id, in: path}}]
      steps:
      - {{type: call, name: one, call: ships.get, with: {{id: "{{{{id}}}}"}}}}
      - {{type: lookup, name: two, index: one, match: n, lookupValue: "7"}}
      - {{type: call, name: three, call: ships.get, with: {{id: "{{{{one.n}}}}"}}}}
      mappings: [{{targetName: got, value: $.three.n}}]
  - {{path: "/forward/{{path}}", forward: {{targetNamespace: ships}}}}
- type: mcp
  namespace: tools
  port: 9090
  tools: [{{name: ship, description: A ship., call: ships.get}}]
  resources: [{{name: page, uri: "ships://{{id}}", description: A ship., mimeType: application/json, call: ships.get}}]
{control}
"""
CONTROL = "- {type: control, port: 9464, management: {info: true}"
PORTS = ("--port", "rest=0", "--port", "mcp=0", "--port", "control=0")
READY = ("rest ", "mcp ", "control ")
OFTEN = {"OTEL_BSP_SCHEDULE_DELAY": "20"}


@pytest.fixture(scope="module")
def upstream() -> Iterator[StandInUpstream]:
    with StandInUpstream() as stand_in:
        stand_in.on("GET", "/v1/ships/{id}", {"n": 1})
        stand_in.on("GET", "/v1/ships/none", JSONResponse({"error": "no"}, 404))
        yield stand_in


@contextlib.contextmanager
def quay(
    directory: Path,
    upstream: StandInUpstream,
    *options: str,
    control: str = f"{CONTROL}}}",
    ready: tuple[str, ...] = READY,
    **env: str,
) -> Iterator[Served]:
    path = directory / "quay.yaml"
    path.write_text(FILE.format(upstream=upstream.url, control=control))
    with served(path, *PORTS, *options, ready=ready, env={"QUAY_TOKEN": SECRET, **env}) as running:
        yield running
        running.stop()
    assert SECRET not in running.said()


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with Collector() as found:
        yield found


@pytest.fixture(scope="module")
def running(tmp_path_factory, upstream, collector) -> Iterator[Served]:
    """One process that keeps its traces, and sends them."""
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_EXPORTER_OTLP_HEADERS": "x-team=harbour", **OFTEN}
    env |= {"OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test%20one,service.name=other"}
    env |= {"OTEL_SERVICE_NAME": "quay", "OTEL_METRIC_EXPORT_INTERVAL": "50"}
    with quay(tmp_path_factory.mktemp("traces"), upstream, "--access-log", **env) as found:
        yield found


def get(url: str, **headers: str) -> httpx.Response:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.get(url, headers=sent, trust_env=False, timeout=LIMIT)


def call(running: Served, method: str, params: dict[str, Any], **headers: str) -> dict[str, Any]:
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    accepted = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-11-25", **headers}
    answer = httpx.post(running.mcp, json=message, headers=accepted, trust_env=False, timeout=LIMIT)
    return answer.json()["result"]


def trace(running: Served, trace_id: str) -> dict[str, Any]:
    return get(f"{running.url('control')}/traces/{trace_id}").json()


def test_a_trace_crosses_caller_steps_upstream_and_collector(running, upstream, collector):
    upstream.clear()
    answer = get(f"{running.rest}/flow/7", traceparent=PARENT, tracestate="vendor=1")
    assert answer.json() == {"got": 1}
    ours = re.fullmatch(rf"00-{TRACE}-([0-9a-f]{{16}})-01", answer.headers["traceparent"])[1]
    sent = [request.headers["traceparent"] for request in upstream.requests]
    assert [request.headers["tracestate"] for request in upstream.requests] == ["vendor=1"] * 2
    shown = trace(running, TRACE)
    spans = {each["spanId"]: each for each in shown["spans"]}
    assert [(each["name"], each["kind"], each["status"]) for each in shown["spans"]] == [
        ("GET /v1/ships/{id}", "CLIENT", "OK"),
        ("step.call", "INTERNAL", "OK"),
        ("step.lookup", "INTERNAL", "OK"),
        ("GET /v1/ships/{id}", "CLIENT", "OK"),
        ("step.call", "INTERNAL", "OK"),
        ("GET /flow/{id}", "SERVER", "OK"),
    ]
    for header in sent:
        upstreams_parent = header.split("-")[2]
        assert header == f"00-{TRACE}-{upstreams_parent}-01"
        client = spans[upstreams_parent]
        step = spans[client["parentSpanId"]]
        assert (client["kind"], step["name"], step["parentSpanId"]) == ("CLIENT", "step.call", ours)
    assert spans[ours]["parentSpanId"] == CALLER
    collector.wait_until(
        lambda: any(f"trace_id={TRACE}" in line and "GET /flow/{id} 200" in line for line in running.errors), "no line"
    )
    wanted = {bytes.fromhex(each) for each in spans}
    collector.wait_until(lambda: wanted <= {span.span_id for _, span in collector.spans()}, "not all spans were sent")
    resource, span = next(pair for pair in collector.spans() if pair[1].span_id == bytes.fromhex(ours))
    assert (span.trace_id, span.parent_span_id) == (bytes.fromhex(TRACE), bytes.fromhex(CALLER))
    assert (span.name, span.kind, span.trace_state) == ("GET /flow/{id}", span.SPAN_KIND_SERVER, "vendor=1")
    assert 0 < span.start_time_unix_nano < span.end_time_unix_nano
    assert resource["service.name"] == "quay"
    assert resource["deployment.environment.name"] == "test one"
    assert resource["service.instance.id"]
    assert attributes(span.attributes) == {
        "http.request.method": "GET",
        "http.route": "/flow/{id}",
        "http.response.status_code": 200,
        "client.address": "127.0.0.1",
        "client.port": attributes(span.attributes)["client.port"],
        "naftiko.adapter.type": "rest",
        "naftiko.capability": "Quay",
        "naftiko.namespace": "front",
        "naftiko.operation.id": "flow",
    }
    assert all(headers["x-team"] == "harbour" for _, headers, _ in collector.requests)


def test_a_client_span_has_what_conventions_want(running, upstream, collector):
    answer = get(f"{running.rest}/ships/none")
    assert answer.status_code == 404
    trace_id = bytes.fromhex(answer.headers["traceparent"].split("-")[1])
    found = lambda: {s.kind: s for _, s in collector.spans() if s.trace_id == trace_id}  # noqa: E731
    collector.wait_until(lambda: len(found()) == 2, "not sent")
    server, client = (found()[kind] for kind in (2, 3))
    port = httpx.URL(upstream.url).port
    assert attributes(client.attributes) == {
        "http.request.method": "GET",
        "server.address": "127.0.0.1",
        "server.port": port,
        "url.template": "/v1/ships/{id}",
        "http.response.status_code": 404,
        "error.type": "404",
        "naftiko.namespace": "ships",
        "naftiko.operation.id": "ships.get",
    }
    # What a caller did wrong is no error of the server, and one of the client that asked.
    assert (client.status.code, server.status.code) == (2, 0)


def test_metrics_are_sent(running, collector):
    get(f"{running.rest}/ships/7")
    name = "ikanos.request.duration.seconds"

    def points() -> list[Any]:
        every = collector.metrics()[name].histogram.data_points if name in collector.metrics() else ()
        return [each for each in every if attributes(each.attributes)["ikanos.operation.id"] == "/ships/{id} GET"]

    collector.wait_until(lambda: bool(points()), "no metrics were sent")
    metric, point = collector.metrics()[name], points()[0]
    assert (metric.unit, metric.histogram.aggregation_temporality) == ("s", 2)
    assert point.count == sum(point.bucket_counts) > 0
    assert len(point.bucket_counts) == len(point.explicit_bounds) + 1
    assert "ikanos.http.client.pool.limit" in collector.metrics()


def test_what_a_client_of_mcp_says_in_meta_is_the_parent(running, upstream, collector):
    upstream.clear()
    trace_id = "a" * 32
    meta = {"traceparent": f"00-{trace_id}-{CALLER}-01"}
    result = call(running, "tools/call", {"name": "ship", "arguments": {"id": "7"}, "_meta": meta}, traceparent=PARENT)
    assert not result["isError"]
    client, server = trace(running, trace_id)["spans"]
    assert (server["name"], server["parentSpanId"]) == ("tools/call ship", CALLER)
    assert upstream.requests[0].headers["traceparent"] == f"00-{trace_id}-{client['spanId']}-01"
    wanted = bytes.fromhex(server["spanId"])
    collector.wait_until(lambda: any(s.span_id == wanted for _, s in collector.spans()), "not sent")
    span = next(s for _, s in collector.spans() if s.span_id == wanted)
    assert [(link.trace_id.hex(), link.span_id.hex()) for link in span.links] == [(TRACE, CALLER)]
    found = attributes(span.attributes)
    assert found["gen_ai.tool.name"] == "ship"
    assert (found["mcp.method.name"], found["mcp.protocol.version"]) == ("tools/call", "2025-11-25")
    assert (found["jsonrpc.request.id"], found["network.transport"]) == ("1", "tcp")


def test_a_tool_that_fails_and_a_resource(running):
    call(running, "tools/call", {"name": "ship", "arguments": {"id": "none"}, "_meta": {"traceparent": f"00-{'b' * 32}-{CALLER}-01"}})  # fmt: skip
    shown = trace(running, "b" * 32)
    assert [(each["kind"], each["status"]) for each in shown["spans"]] == [("CLIENT", "ERROR"), ("SERVER", "ERROR")]
    listed = get(f"{running.url('control')}/traces?status=ERROR").json()["traces"]
    assert listed[0]["traceId"] == "b" * 32
    meta = {"traceparent": f"00-{'c' * 32}-{CALLER}-01"}
    call(running, "resources/read", {"uri": "ships://7", "_meta": meta})
    assert trace(running, "c" * 32)["operation"] == "resources/read"


def test_forwarded_requests_are_traced(running, upstream):
    upstream.clear()
    answer = get(f"{running.rest}/forward/ships/7", traceparent=f"00-{'d' * 32}-{CALLER}-01")
    assert answer.json() == {"n": 1}
    client, server = trace(running, "d" * 32)["spans"]
    assert (client["name"], server["name"]) == ("GET", "GET /forward/{path}")
    assert upstream.requests[0].headers["traceparent"] == f"00-{'d' * 32}-{client['spanId']}-01"


@pytest.mark.parametrize(
    ("headers", "trace_id", "parent"),
    [
        ({"b3": f"{'1' * 32}-{CALLER}-1"}, "1" * 32, CALLER),
        ({"b3": f"{'2' * 16}-{CALLER}-d"}, "0" * 16 + "2" * 16, CALLER),
        ({"x_b3_traceid": "3" * 32, "x_b3_spanid": CALLER, "x_b3_sampled": "1"}, "3" * 32, CALLER),
        ({"x_b3_traceid": "4" * 32, "x_b3_spanid": CALLER, "x_b3_flags": "1"}, "4" * 32, CALLER),
        ({"traceparent": f"00-{'5' * 32}-{CALLER}-01", "b3": f"{'6' * 32}-{CALLER}-1"}, "5" * 32, CALLER),
        ({"traceparent": f"cc-{'7' * 32}-{CALLER}-01-what-will-be"}, "7" * 32, CALLER),
    ],
)
def test_callers_may_say_what_they_belong_to_in_each_way(running, headers, trace_id, parent):
    get(f"{running.rest}/ships/7", **headers)
    assert trace(running, trace_id)["spans"][-1]["parentSpanId"] == parent


@pytest.mark.parametrize(
    "said",
    [
        f"00-{'0' * 32}-{CALLER}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-{CALLER}-01",
        f"00-{TRACE.upper()}-{CALLER}-01",
        f"00-{TRACE}-{CALLER}-01-more",
        "00-1-2-01",
        "x" * 5000,
        "",
    ],
)
def test_what_is_no_context_is_none(running, said):
    answer = get(f"{running.rest}/ships/7", traceparent=said, tracestate="a=b")
    trace_id = answer.headers["traceparent"].split("-")[1]
    assert trace_id not in (TRACE, "0" * 32)
    assert "parentSpanId" not in trace(running, trace_id)["spans"][-1]


def test_what_a_caller_does_not_want_sampled_is_not(running, upstream):
    upstream.clear()
    answer = get(f"{running.rest}/ships/7", traceparent=f"00-{'e' * 32}-{CALLER}-00")
    ours = answer.headers["traceparent"]
    assert re.fullmatch(rf"00-{'e' * 32}-[0-9a-f]{{16}}-00", ours)
    assert upstream.requests[0].headers["traceparent"] == ours
    assert trace(running, "e" * 32) == {"error": f"Trace not found: {'e' * 32}"}


def test_names_of_the_reference_engine_find_traces(running):
    get(f"{running.rest}/ships/7")
    for asked, found in (("rest", True), ("rest.request", True), ("GET /ships", True), ("nosuch", False)):
        listed = get(f"{running.url('control')}/traces", x="y").json()
        some = httpx.get(f"{running.url('control')}/traces", params={"operation": asked}, trust_env=False).json()
        assert bool(some["traces"]) is found
        assert some["bufferSize"] == listed["bufferSize"] == 100
        assert 0 < some["bufferUsed"] <= 100


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_control_port_shows_the_last_traces_of_all(tmp_path, upstream, workers):
    control = f"{CONTROL}, observability: {{traces: {{local: {{buffer-size: 10}}}}}}}}"
    with quay(tmp_path, upstream, "--workers", workers, control=control) as running:
        shown = f"{running.url('control')}/traces"
        ids = [get(f"{running.rest}/ships/7").headers["traceparent"].split("-")[1] for _ in range(40)]
        listed = get(shown).json()
        assert listed["bufferSize"] == 10 * int(workers)
        assert listed["bufferUsed"] == len(listed["traces"]) == listed["bufferSize"]
        assert set(listed["traces"][0]) == {"traceId", "operation", "durationMs", "status", "spanCount", "timestamp"}
        times = [each["timestamp"] for each in listed["traces"]]
        assert times == sorted(times, reverse=True)
        assert listed["traces"][0]["traceId"] == ids[-1]
        assert get(f"{shown}/{ids[-1]}").json()["spans"][-1]["kind"] == "SERVER"
        assert get(f"{shown}/{ids[0]}").status_code == 404
        port = str(httpx.URL(running.url("control")).port)
        printed = run("traces", ids[-1], "--port", port).stdout.splitlines()
        assert printed[0].startswith("GET /ships/{id} [SERVER] ")
        assert printed[1].startswith("  GET /v1/ships/{id} [CLIENT] ")


@pytest.mark.parametrize("said", ["{enabled: false}", "{traces: {sampling: 0}}", "{traces: {local: {enabled: false}}}"])
def test_a_file_may_have_no_traces(tmp_path, upstream, said):
    with quay(tmp_path, upstream, control=f"{CONTROL}, observability: {said}}}") as running:
        upstream.clear()
        answer = get(f"{running.rest}/ships/7", traceparent=PARENT)
        assert "traceparent" not in answer.headers
        assert "traceparent" not in upstream.requests[0].headers
        assert "traces" not in get(f"{running.url('control')}/traces").json()


def test_the_environment_turns_it_off(tmp_path, upstream):
    with quay(tmp_path, upstream, OTEL_SDK_DISABLED="true") as running:
        assert "traceparent" not in get(f"{running.rest}/ships/7").headers
        shown = f"{running.url('control')}/traces"
        assert [get(each).status_code for each in (shown, f"{shown}/x")] == [503, 503]
        done = run("traces", "--port", str(httpx.URL(running.url("control")).port))
    assert done.returncode == 1
    assert "nothing is traced" in done.stderr


def test_b3_goes_upstream_where_the_file_says_so(tmp_path, upstream):
    control = f"{CONTROL}, observability: {{traces: {{propagation: b3}}}}}}"
    with quay(tmp_path, upstream, control=control) as running:
        upstream.clear()
        get(f"{running.rest}/ships/7", traceparent=PARENT)
        [sent] = [request.headers for request in upstream.requests]
        client = trace(running, TRACE)["spans"][0]
        assert (sent["x-b3-traceid"], sent["x-b3-spanid"], sent["x-b3-sampled"]) == (TRACE, client["spanId"], "1")
        assert "traceparent" not in sent


def test_a_part_of_the_traces_is_taken_by_their_ids(tmp_path, upstream):
    """The environment wins over the file; whatever the ids are, the same ones are chosen everywhere."""
    env = {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.25", "OTEL_PROPAGATORS": "b3,baggage"}
    file = tmp_path / "spans.jsonl"
    with quay(tmp_path, upstream, "--trace-file", str(file), control="", ready=("rest ", "mcp "), **env) as running:
        for first in "03468cf":
            get(f"{running.rest}/ships/7", traceparent=f"00-{'a' * 16}{first}{'1' * 15}-{CALLER}-01")
        sent = [request.headers["b3"].split("-") for request in upstream.requests[-7:]]
    assert [each[2] for each in sent] == ["1", "1", "0", "0", "0", "0", "0"]
    assert {span["traceId"][16] for span in spans_of(file)} == {"0", "3"}


def spans_of(file: Path) -> list[dict[str, Any]]:
    return [
        span
        for line in file.read_text("utf-8").splitlines()
        for resource in json.loads(line)["resourceSpans"]
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]


def test_no_value_of_a_caller_and_no_secret_is_in_a_span_unless_asked(tmp_path, upstream):
    shown = []
    for name, options in (("plain", ()), ("values", ("--trace-values",))):
        file = tmp_path / f"{name}.jsonl"
        env = {"OTEL_SDK_DISABLED": "false"}
        with quay(
            tmp_path, upstream, "--trace-file", str(file), *options, control="", ready=("rest ",), **env
        ) as running:
            get(f"{running.rest}/ships/{VALUE}?q={SECRET}", authorization="Bearer of-the-caller", cookie=f"c={VALUE}")
            get(f"{running.rest}/forward/{VALUE}?q={SECRET}&r={VALUE}")
            call(running, "tools/call", {"name": "ship", "arguments": {"id": VALUE}})
            call(running, "tools/call", {"name": "ship", "arguments": {"id": SECRET}})
        shown.append(file.read_text())
    assert VALUE not in shown[0]
    assert SECRET not in shown[0]
    assert "of-the-caller" not in shown[0]
    assert '"url.full"' in shown[1]
    assert f"/v1/ships/{VALUE}" in shown[1]
    assert SECRET not in shown[1]
    assert "of-the-caller" not in shown[1]


def test_attributes_are_allowed_and_denied_by_their_names(tmp_path, upstream):
    file = tmp_path / "spans.jsonl"
    options = ("--trace-allow", "http.*", "--trace-deny", "*.status_code", "--trace-file", str(file))
    with quay(tmp_path, upstream, *options, control="", ready=("rest ",)) as running:
        get(f"{running.rest}/ships/7")
    names = [{pair["key"] for pair in span["attributes"]} for span in spans_of(file)]
    assert names == [{"http.request.method"}, {"http.request.method", "http.route"}]


def test_a_file_chooses_attributes_within_those_that_the_operator_lets_through(tmp_path, upstream):
    file = tmp_path / "spans.jsonl"
    control = (
        f'{CONTROL}, observability: {{privacy: {{attributes: {{allow: ["http.*", "url.*"], deny: ["*.method"]}}}}}}}}'
    )
    with quay(
        tmp_path, upstream, "--trace-deny", "*.status_code", "--trace-file", str(file), control=control
    ) as running:
        get(f"{running.rest}/ships/7")
        shown = json.dumps(get(f"{running.url('control')}/traces").json())
    names = [{pair["key"] for pair in span["attributes"]} for span in spans_of(file)]
    assert {name for each in names for name in each} == {"http.route", "url.template"}
    assert "http.request.method" not in shown


def test_a_list_of_attributes_that_is_none_is_told(tmp_path, upstream):
    control = f"{CONTROL}, observability: {{privacy: {{attributes: {{deny: {{x: y}}}}}}}}}}"
    path = tmp_path / "quay.yaml"
    path.write_text(FILE.format(upstream=upstream.url, control=control))
    assert "`deny` must be a list of texts" in run("validate", str(path)).stdout


def test_over_stdio(tmp_path, upstream):
    file, path = tmp_path / "spans.jsonl", tmp_path / "quay.yaml"
    path.write_text(FILE.format(upstream=upstream.url, control=""))
    head = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}
    asked = {"name": "ship", "arguments": {"id": "7"}, "_meta": {"traceparent": PARENT}}
    messages = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": head},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": "two", "method": "tools/call", "params": asked},
    ]
    process = forks.start(
        [NAFTIKO, "serve", path, "--transport", "stdio", "--trace-file", file],
        env=surroundings(QUAY_TOKEN=SECRET), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        process.stdin.write("".join(f"{json.dumps(each)}\n" for each in messages))
        process.stdin.flush()
        answers = [json.loads(process.stdout.readline()) for _ in range(2)]
        process.stdin.close()
        process.wait(LIMIT)
    assert not answers[1]["result"]["isError"]
    client, server = spans_of(file)
    assert (server["traceId"], server["parentSpanId"], server["name"]) == (TRACE, CALLER, "tools/call ship")
    assert client["parentSpanId"] == server["spanId"]
    found = {pair["key"]: pair["value"].get("stringValue") for pair in server["attributes"]}
    assert (found["network.transport"], found["jsonrpc.request.id"]) == ("pipe", "two")


def test_a_collector_that_is_away_is_told_once_and_holds_up_nobody(tmp_path, upstream):
    with contextlib.ExitStack() as stack:
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": stack.enter_context(refused_url()), "OTEL_EXPORTER_OTLP_TIMEOUT": "1"}
        running = stack.enter_context(quay(tmp_path, upstream, "--control", "0", control="", **env, **OFTEN))
        end = time.monotonic() + LIMIT
        while not any("OTLP: not sent" in line for line in running.errors):
            assert get(f"{running.rest}/ships/7").status_code == 200
            assert time.monotonic() < end
        for _ in range(20):
            assert get(f"{running.rest}/ships/7").status_code == 200
        assert running.stop(signal.SIGTERM) == 0
    told = [line for line in running.errors if "OTLP" in line or "export" in line.lower()]
    assert len(told) == 1, told


def test_a_file_names_its_collector(tmp_path, upstream, collector):
    control = f"{CONTROL}, observability: {{exporters: {{otlp: {{endpoint: '{{{{COLLECTOR}}}}'}}}}}}}}"
    with quay(tmp_path, upstream, "--workers", "2", control=control, COLLECTOR=f"{collector.url}/\n") as running:
        assert any("sent to {{COLLECTOR}}, as quay.yaml says" in line for line in running.errors)
        ready = f"{running.url('control')}/health/ready"
        collector.wait_until(lambda: get(ready).status_code == 200, "never ready")
        answer = get(f"{running.rest}/ships/7")
    # What waits is sent before the process ends.
    trace_id = bytes.fromhex(answer.headers["traceparent"].split("-")[1])
    found = [(resource["service.name"], span.name) for resource, span in collector.spans() if span.trace_id == trace_id]
    assert sorted(found) == [("naftiko-Quay", "GET /ships/{id}"), ("naftiko-Quay", "GET /v1/ships/{id}")]


def test_where_nothing_is_traced_nothing_of_it_is_imported(tmp_path, upstream):
    path = tmp_path / "quay.yaml"
    path.write_text(FILE.format(upstream=upstream.url, control=""))
    script = (
        "import sys, threading, time, os, signal, json, atexit\n"
        "names = ('naftiko.observe.tracing', 'naftiko.observe.otlp', 'opentelemetry.sdk', 'google.protobuf')\n"
        "import naftiko.serve.process as process\n"
        "seen = process.serve\n"
        "def serve(*args):\n"
        "    print(json.dumps([name for name in names if name in sys.modules])); sys.exit(0)\n"
        "import naftiko.cli.serve as cli\n"
        "cli.serve_all = serve\n"
        "from naftiko.cli import main\n"
        f"sys.argv = ['naftiko', 'serve', {str(path)!r}]\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], env=surroundings(QUAY_TOKEN=SECRET), capture_output=True, text=True, timeout=LIMIT, check=False)  # fmt: skip
    assert done.stdout == "[]\n", done.stderr
