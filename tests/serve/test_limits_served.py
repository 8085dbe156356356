"""Limits for callers as an operator serves them: one process and two, proxies, figures, large messages."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from front import Certificates
from served import LIMIT, Served, run, served, surroundings

import forks
from forks import NAFTIKO
from naftiko.testing import StandInUpstream

FILE = """\
naftiko: 1.0.0-beta5
info: {{label: Harbour, description: Berths., tags: [sea]}}
consumes:
- type: http
  namespace: ships
  baseUri: {upstream}
  resources:
  - path: /ships
    operations:
    - {{name: get, method: GET}}
    - {{name: add, method: POST, inputParameters: [{{name: list, in: body, type: array}}]}}
exposes:
- type: rest
  namespace: front
  port: 8080
  resources:
  - {{path: /get, operations: [{{name: get, method: GET, call: ships.get, limits: 3/h}}]}}
  - {{path: /other, operations: [{{name: other, method: GET, call: ships.get}}]}}
- type: mcp
  namespace: tools
  port: 9090
  tools:
  - {{name: add, description: Add ships., call: ships.add, limits: 1/h}}
  - {{name: find, description: Find ships., call: ships.get}}
- type: control
  port: 9464
  management: {{info: true}}
"""
PORTS = ("--port", "rest=0", "--port", "mcp=0", "--port", "control=0")
READY = ("rest ", "mcp ", "control ")


@pytest.fixture
def upstream() -> Iterator[StandInUpstream]:
    with StandInUpstream() as stand_in:
        stand_in.on("GET", "/ships", {"n": 1})
        stand_in.on("POST", "/ships", {"n": 1})
        yield stand_in


@pytest.fixture
def file(tmp_path: Path, upstream: StandInUpstream) -> Path:
    path = tmp_path / "harbour.yaml"
    path.write_text(FILE.format(upstream=upstream.url))
    return path


def asked(running: Served, kind: str, path: str, **headers: str) -> httpx.Response:
    """Ask on a connection of its own."""
    return httpx.get(f"{running.url(kind)}{path}", trust_env=False, timeout=LIMIT, headers=headers)


def called(running: Served, name: str, arguments: Any) -> dict[str, Any]:
    message = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": name, "arguments": arguments}}
    headers = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"}
    url = f"{running.url('mcp')}"
    answer = httpx.post(url, json=message, headers=headers, trust_env=False, timeout=LIMIT)
    found: dict[str, Any] = answer.json()
    assert found["id"] == 7
    return found["result"]


@pytest.mark.parametrize("workers", [1, 2])
def test_each_process_counts_exactly(file, upstream, workers):
    """A connection is one worker's: on it a caller gets what the file says, and of all workers at most that of each."""
    with served(file, *PORTS, "--workers", str(workers), ready=READY) as running:
        url = f"{running.url('rest')}/get"
        with httpx.Client(trust_env=False, timeout=LIMIT) as client:
            found = [client.get(url).status_code for _ in range(6)]
        assert found == [200] * 3 + [429] * 3
        every = [asked(running, "rest", "/get").status_code for _ in range(40)]
        assert every.count(200) <= 3 * (workers - 1)
        assert every.count(200) + every.count(429) == 40
        assert len(upstream.requests) == 3 + every.count(200)
        refused = 3 + every.count(429)
        status = asked(running, "control", "/status").json()["limits"]
        assert {"adapter": "front", "scope": "get", "requests": "3/h", "burst": 3, "by": "address"} | {
            "refused": refused
        } in status
        metrics = asked(running, "control", "/metrics").text
        sample = 'ikanos_limited_total{ikanos_namespace="front",scope="get",limit="requests"}'
        assert f"{sample} {refused}" in metrics
        of_routes = [line for line in metrics.splitlines() if "ikanos_request_total{" in line and '"/get GET"' in line]
        assert [line for line in of_routes if line.endswith(f'status="429"}} {refused}')], of_routes


def test_addresses_are_those_that_a_trusted_proxy_says(file, upstream):
    def ask(address: str) -> int:
        return asked(running, "rest", "/get", **{"X-Forwarded-For": address}).status_code

    with served(file, *PORTS, "--forwarded-allow-ips", "127.0.0.1", ready=READY) as running:
        assert [ask("192.0.2.1") for _ in range(4)] == [200] * 3 + [429]
        assert ask("192.0.2.2") == 200
        network = [ask(f"2001:db8:0:1::{at:x}") for at in range(1, 5)]
        assert network == [200] * 3 + [429], "a /64 is one caller"
        assert ask("2001:db8:0:2::1") == 200
    with served(file, *PORTS, ready=READY) as running:
        assert [ask(f"192.0.2.{at}") for at in range(4)] == [200] * 3 + [429], "nobody else is believed"


def test_a_large_message_is_counted_before_it_runs(file, upstream):
    """What is read in another process is counted in this one, and no other."""
    big = {"list": [{"id": at, "name": "x" * 20} for at in range(20_000)]}
    with served(file, *PORTS, ready=READY) as running:
        results = [called(running, "add", big) for _ in range(3)]
        free = called(running, "find", {})
    assert [bool(each.get("isError")) for each in results] == [False, True, True]
    assert "try again after" in results[1]["content"][0]["text"]
    assert not free.get("isError")
    assert [each.method for each in upstream.requests] == ["POST", "GET"]


def test_a_large_message_is_counted_by_way_of_the_tool_that_calls_others(file, upstream):
    big = {"list": [{"id": at, "name": "x" * 20} for at in range(20_000)]}
    with served(file, *PORTS, "--tools", "search", ready=READY) as running:
        results = [called(running, "call-tool", {"name": "add", "arguments": big}) for _ in range(2)]
    assert [bool(each.get("isError")) for each in results] == [False, True]
    assert len(upstream.requests) == 1


def test_the_client_of_stdio_is_one_caller(file, upstream):
    about = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    messages = [
        {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": about},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
    ]
    tool = {"name": "find", "arguments": {}}
    messages += [{"jsonrpc": "2.0", "id": at, "method": "tools/call", "params": tool} for at in (1, 2, 3)]
    command = [NAFTIKO, "serve", str(file), "--transport", "stdio", "--limit", "tools.find:requests=2/h"]
    process = forks.start(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=surroundings())
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("".join(f"{json.dumps(each)}\n" for each in messages))
        process.stdin.flush()
        answers = [json.loads(process.stdout.readline()) for _ in range(4)]
    finally:
        process.communicate(timeout=LIMIT)
    errors = [bool(each["result"].get("isError")) for each in answers if each["id"]]
    assert sorted(errors) == [False, False, True]


def test_an_operator_limits_what_says_nothing_and_wins_where_it_names(file, tmp_path, upstream):
    (tmp_path / "naftiko.toml").write_text('[limits]\nrequests = "5/h"\n[limits.front.get]\nrequests = "1/h"\n')
    log = ("--access-log",)
    with served(file, *PORTS, "--limit", "tools.find:requests=2/h", *log, ready=READY, cwd=tmp_path) as running:
        assert [asked(running, "rest", "/get").status_code for _ in range(2)] == [200, 429]
        assert [asked(running, "rest", "/other").status_code for _ in range(6)] == [200] * 5 + [429]
        found = [bool(called(running, "find", {}).get("isError")) for _ in range(3)]
        assert found == [False, False, True]
        assert running.stop() == 0  # all lines are written then
    lines = [line for line in running.errors if "GET /other" in line]
    assert any(" 429 " in line for line in lines), lines


def test_inspect_says_what_applies_and_from_where(file):
    limited = ("--limit", "requests=5/h", "--limit", "by=header:X-Key", "--limit", "inFlight=3")
    shown = run("inspect", str(file), *limited)
    assert "limits of a caller (of its own): requests 3/h, burst 3, by address" in shown.stdout
    usual = "limits of a caller (of the operator): requests 5/h, burst 5, inFlight 3, by header:x-key"
    assert shown.stdout.count(usual) == 2
    units = json.loads(run("inspect", str(file), "--format", "json").stdout)["exposes"][0]["units"]
    assert units[0]["limits"] == {"from": "unit", "scope": "get", "requests": "3/h", "burst": 3, "by": "address"}
    assert "limits" not in units[1]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("requests=10", "doesn't say how many in which time"),
        ("requests=0/s", "must be from 1"),
        ("requests=10/fortnight", "`fortnight` is no time"),
        ("burst=3", "`requests`"),
        ("by=name", "there is neither `requests` nor `inFlight`"),
        ("nowhere:requests=1/s", "names no adapter and none of its units"),
        ("front.gett:requests=1/s", "did you mean `front.get`"),
        ("request=1/s", "`request` is no key of `limits`"),
        ("requests", "NAME=VALUE"),
        ("inFlight=many", "inFlight"),
    ],
)
def test_an_option_that_makes_no_sense_says_why(file, given, said):
    found = run("inspect", str(file), "--limit", given)
    assert found.returncode == 2, found.stdout
    assert said in found.stderr


def test_a_file_that_makes_no_sense_says_where(file):
    file.write_text(
        file.read_text()
        .replace("limits: 3/h", "limits: {requests: 3/h, burst: 0, by: name}")
        .replace("namespace: front", "namespace: front\n  limits: {inFlight: 2, by: claim:sub}")
    )
    found = run("validate", str(file))
    assert found.returncode == 1
    assert "bad-limit" in found.stdout
    assert "`burst` must be from 1" in found.stdout
    assert "limit-nobody" in found.stdout
    assert f"{file.name}:15:" in found.stdout


@pytest.mark.parametrize(
    ("authentication", "header"),
    [("{type: bearer, token: t}", "Authorization"), ("{type: apikey, key: X-Key, value: v}", "x-key")],
)
def test_a_header_that_is_taken_off_tells_nobody_apart(file, authentication, header):
    said = f"namespace: front\n  limits: {{inFlight: 2, by: 'header:{header}'}}\n  authentication: {authentication}"
    file.write_text(file.read_text().replace("namespace: front", said))
    found = run("validate", str(file))
    assert "limit-nobody" in found.stdout
    assert "write `by: caller`" in found.stdout


def test_who_shows_a_certificate_is_known_by_its_subject(file, upstream, tmp_path):
    file.write_text(file.read_text().replace("limits: 3/h", "limits: {requests: 2/h, by: caller}"))
    certificates = Certificates(tmp_path)
    tls = ("--tls-cert", certificates.cert, "--tls-key", certificates.key, "--tls-client-ca", certificates.ca)
    with served(file, *PORTS, *tls, ready=READY) as running:

        def ask() -> int:
            return certificates.get(f"{running.url('rest')}/get", shows=True).status_code

        assert [ask() for _ in range(3)] == [200, 200, 429]
        other = certificates.authority.issue_cert("crm@example.com", common_name="crm")
        other.private_key_and_cert_chain_pem.write_to_path(str(certificates.client))
        assert [ask() for _ in range(3)] == [200, 200, 429]
