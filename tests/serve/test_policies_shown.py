"""What an operator sees of policies: metrics, status, dependencies, traces; of one process and of two."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from served import LIMIT, Served, run, served

from naftiko.testing import Fail, StandInUpstream

FILE = """\
naftiko: 1.0.0-beta5
info: {{label: Harbour, description: Berths., tags: [sea]}}
consumes:
- type: http
  namespace: ships
  baseUri: {upstream}
  resiliency:
    retry: {{maxAttempts: 2, waitDuration: 1ms, statuses: [503]}}
    circuitBreaker: {{slidingWindowSize: 4, waitDurationInOpenState: 10m}}
    bulkhead: 7
  resources:
  - path: /ships
    operations:
    - {{name: get, method: GET}}
    - {{name: safe, method: GET, resiliency: {{fallback: {{value: {{n: 0}}}}}}}}
exposes:
- type: rest
  namespace: front
  port: 8080
  resources:
  - {{path: /get, operations: [{{name: get, method: GET, call: ships.get}}]}}
  - {{path: /safe, operations: [{{name: safe, method: GET, call: ships.safe}}]}}
- type: control
  port: 9464
  management: {{info: true}}
"""
PORTS = ("--port", "rest=0", "--port", "control=0")


@pytest.fixture
def upstream() -> Iterator[StandInUpstream]:
    with StandInUpstream() as stand_in:
        stand_in.on("GET", "/ships", {"n": 1})
        yield stand_in


@pytest.fixture
def file(tmp_path: Path, upstream: StandInUpstream) -> Path:
    path = tmp_path / "harbour.yaml"
    path.write_text(FILE.format(upstream=upstream.url))
    return path


def asked(running: Served, kind: str, path: str) -> httpx.Response:
    return httpx.get(f"{running.url(kind)}{path}", trust_env=False, timeout=LIMIT)


def figures(text: str, name: str) -> dict[str, float]:
    """Return the samples of a metric by their labels."""
    lines = (line for line in text.splitlines() if line.startswith(f"{name}{{"))
    return {line.partition("{")[2].partition("}")[0]: float(line.rpartition(" ")[2]) for line in lines}


def of(found: dict[str, float], *parts: str) -> float:
    """Return the one sample whose labels have all of these."""
    (value,) = [value for labels, value in found.items() if all(part in labels for part in parts)]
    return value


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_open_circuit_is_shown(file, upstream, workers):
    with served(file, *PORTS, "--workers", workers, ready=("rest ", "control ")) as running:
        before = asked(running, "control", "/status").json()["circuits"]
        assert before == [
            {"namespace": "ships", "operation": "ships.get", "state": "closed"},
            {"namespace": "ships", "operation": "ships.safe", "state": "closed"},
        ]
        assert asked(running, "control", "/health/dependencies").json()["status"] == "UP"
        upstream.misbehave(Fail(503))
        end = time.monotonic() + LIMIT
        while asked(running, "rest", "/get").headers.get("naftiko-note") is not None:
            assert time.monotonic() < end
        shown = asked(running, "control", "/status").json()["circuits"]
        assert [(each["operation"], each["state"]) for each in shown] == [
            ("ships.get", "open"),
            ("ships.safe", "closed"),
        ]
        assert 0 < shown[0]["retryAfter"] <= 600
        dependencies = asked(running, "control", "/health/dependencies").json()
        assert dependencies["status"] == "DEGRADED"
        (api,) = dependencies["dependencies"]
        assert (api["namespace"], api["state"], api["circuits"][0]["state"]) == ("ships", "UP", "open")
        assert asked(running, "control", "/health/ready").json()["status"] == "UP"


def test_what_policies_do_is_counted(file, upstream):
    with served(file, *PORTS, ready=("rest ", "control ")) as running:
        upstream.misbehave(Fail(503))
        statuses = [asked(running, "rest", path).status_code for path in ("/get", "/get", "/get", "/safe")]
        assert statuses == [503, 503, 503, 200]
        text = asked(running, "control", "/metrics").text
    acts = figures(text, "ikanos_policy_events_total")
    assert of(acts, 'operation="ships.get"', 'policy="retry"', 'outcome="retried"') == 2
    assert of(acts, 'operation="ships.get"', 'policy="retry"', 'outcome="exhausted"') == 2
    assert of(acts, 'operation="ships.get"', 'policy="circuitBreaker"', 'outcome="open"') == 1
    assert of(acts, 'operation="ships.get"', 'policy="circuitBreaker"', 'outcome="rejected"') == 1
    assert of(acts, 'operation="ships.safe"', 'policy="fallback"', 'outcome="answered"') == 1
    states = figures(text, "ikanos_circuit_breaker_state")
    assert (of(states, 'operation="ships.get"'), of(states, 'operation="ships.safe"')) == (2, 0)
    assert list(figures(text, "ikanos_bulkhead_in_use").values()) == [0]


def test_a_trace_has_each_attempt_and_what_policies_did(file, upstream, tmp_path):
    written = tmp_path / "traces.jsonl"
    with served(file, *PORTS, "--trace-file", str(written), ready=("rest ", "control ")) as running:
        upstream.misbehave(Fail(503), times=1)
        assert asked(running, "rest", "/get").status_code == 200
        listed = asked(running, "control", "/traces").json()["traces"]
        shown = asked(running, "control", f"/traces/{listed[0]['traceId']}").json()
        assert running.stop() == 0  # all spans are written then
    (line,) = [json.loads(line) for line in written.read_text().splitlines()]
    spans = line["resourceSpans"][0]["scopeSpans"][0]["spans"]
    sent = [span for span in spans if span["kind"] == 3]
    attributes = [{each["key"]: each["value"] for each in span["attributes"]} for span in sent]
    assert [each.get("http.request.resend_count") for each in attributes] == [None, {"intValue": "1"}]
    (root,) = [span for span in spans if "events" in span]
    (event,) = root["events"]
    assert event["name"] == "retry retried"
    said = {each["key"]: each["value"]["stringValue"] for each in event["attributes"]}
    assert said["naftiko.policy.operation"] == "ships.get"
    assert said["naftiko.policy.detail"].startswith("attempt 1: 503 Service Unavailable; again in ")
    assert root["spanId"] == sent[0]["parentSpanId"]
    (own,) = [span for span in shown["spans"] if "events" in span]
    assert own["events"][0]["attributes"]["naftiko.policy.outcome"] == "retried"


def test_explain_shows_which_acted(file, upstream):
    upstream.misbehave(Fail(503), times=1)
    done = run("call", str(file), "get", "--explain")
    assert done.returncode == 0
    first, *lines = done.stderr.splitlines()
    assert first == "policies:"
    assert [line.partition(" s  ")[2].partition(": ")[0] for line in lines] == [
        "ships.get attempt 1",
        "ships.get retry retried",
        "ships.get attempt 2",
    ]
    assert run("call", str(file), "get", "--explain").stderr == ""
    upstream.misbehave(Fail(500))
    done = run("call", str(file), "safe")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"n": 0})
    assert done.stderr == 'note: fallback;from="constant";reason="500"\n'


def test_inspect_shows_what_applies_and_from_which_level(file):
    options = ("--resilience", "timeLimiter=9s", "--resilience", "retry=7")
    done = run("inspect", str(file), *options)
    assert done.returncode == 0
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert 'fallback (of the operation): value {"n":0}, status 200' in lines
    assert "timeLimiter (of the operator): timeout 9s" in lines
    assert any(line.startswith("retry (of its API): maxAttempts 2, waitDuration 1ms") for line in lines)
    assert not any("maxAttempts 7" in line for line in lines)
    data = json.loads(run("inspect", str(file), "--format", "json", *options).stdout)
    policies = data["exposes"][0]["units"][1]["upstream"][0]["policies"]
    assert [(each["policy"], each["from"]) for each in policies] == [
        ("fallback", "operation"),
        ("timeLimiter", "operator"),
        ("retry", "api"),
        ("circuitBreaker", "api"),
        ("bulkhead", "api"),
    ]
