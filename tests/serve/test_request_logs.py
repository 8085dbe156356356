"""What a real process writes of requests: read from its stderr, as whoever runs it reads it."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import time

import httpx
import pytest
from served import LIMIT, NAFTIKO, run, served, surroundings
from starlette.responses import JSONResponse

import forks
from naftiko.testing import HangUp, StandInUpstream

SECRET = "s3cret-Upstream-token"
CAPABILITY = """
naftiko: 1.0.0-alpha2
info: {label: Logged}
capability:
  consumes:
    - type: http
      namespace: up
      baseUri: http://unused.invalid
      authentication: {type: bearer, token: "{{env.UP_TOKEN}}"}
      resources: [{path: "/things/{id}", operations: [{name: thing, method: GET}]}]
    - type: http
      namespace: gone
      baseUri: http://127.0.0.1:1
      resources: [{path: "/x", operations: [{name: x, method: GET}]}]
  exposes:
    - type: rest
      namespace: rest-ns
      port: 8080
      resources:
        - {path: "/things/{id}", operations: [{method: GET, name: thing, call: up.thing}]}
        - {path: "/gone", operations: [{method: GET, name: away, call: gone.x}]}
    - type: rest
      namespace: guarded
      port: 8081
      authentication: {type: basic, username: alice, password: "{{env.PASSWORD}}"}
      resources:
        - {path: "/own/{id}", operations: [{method: GET, name: own, call: up.thing}]}
    - type: mcp
      namespace: mcp-ns
      tools: [{name: thing, description: A thing, call: up.thing}]
      resources: [{name: page, uri: "things://{id}", description: A thing, mimeType: application/json, call: up.thing}]
"""
SECRETS = {"UP_TOKEN": SECRET, "PASSWORD": "pa55-Word-x"}
PORTS = ("--port", "rest-ns=0", "--port", "guarded=0", "--port", "mcp=0")


class Site:
    """A running server, and the lines that it wrote."""

    def __init__(self, process, upstream, folder):
        self.process = process
        self.upstream = upstream
        self.folder = folder
        urls = {fact["namespace"]: fact["url"] for fact in map(json.loads, process.lines) if "namespace" in fact}
        self.rest, self.guarded, self.mcp = urls["rest-ns"], urls["guarded"], urls["mcp-ns"]
        self.client = httpx.Client(trust_env=False, timeout=LIMIT)

    def lines(self):
        return [json.loads(line) for line in self.process.errors if line.startswith("{")]

    def wait(self, wanted):
        """Return the first line that is wanted, once it is there."""
        end = time.monotonic() + LIMIT
        while time.monotonic() < end:
            for line in self.lines():
                if wanted(line):
                    return line
            time.sleep(0.01)
        raise AssertionError(self.process.said())

    def access(self, identity):
        return self.wait(lambda line: line["logger"] == "naftiko.access" and line["request_id"] == identity)

    def get(self, url, **headers):
        return self.client.get(url, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def call(self, name, arguments, method="tools/call", **more):
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {"name": name, "arguments": arguments} | more}
        return self.client.post(self.mcp, json=message)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("logged")
    (folder / "c.yaml").write_text(CAPABILITY)
    with StandInUpstream() as upstream:
        options = (
            "--access-log",
            "--log-format",
            "json",
            "--audit-log",
            folder / "audit",
            "--base-uri",
            f"up={upstream.url}",
        )
        with served(folder / "c.yaml", *PORTS, *options, env=SECRETS, ready=("guarded", "mcp-ns")) as process:
            known = Site(process, upstream, folder)
            yield known
            known.client.close()


@pytest.fixture(autouse=True)
def usual(request):
    if "site" in request.fixturenames:
        upstream = request.getfixturevalue("site").upstream
        upstream.behave()
        upstream.on("GET", "/things/{id}", {"n": 1})


def test_a_rest_call(site):
    answer = site.get(f"{site.rest}/things/7?x=private", x_request_id="order-1/a")
    assert answer.headers["x-request-id"] == "order-1/a"
    line = site.access("order-1/a")
    assert line["time"].endswith("Z")
    assert (line["level"], line["method"], line["adapter"], line["route"]) == ("info", "GET", "rest", "/things/{id}")
    assert (line["status"], line["bytes"], line["client"]) == (200, len(answer.content), "127.0.0.1")
    assert 0 < line["upstream_ms"] < line["ms"]
    assert "private" not in json.dumps(line)


def test_a_tool_call_and_a_resource(site):
    answer = site.call("thing", {"id": "7"})
    line = site.access(answer.headers["x-request-id"])
    assert (line["adapter"], line["route"], line["rpc"], line["tool"]) == ("mcp", "/mcp", "tools/call", "thing")
    assert "failed" not in line
    failed = site.call("thing", {})
    identity = failed.headers["x-request-id"]
    assert site.access(identity)["failed"] is True
    assert f"Correlation id: {identity}" in failed.json()["result"]["content"][0]["text"]
    read = site.client.post(
        site.mcp, json={"jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": {"uri": "things://7"}}
    )
    line = site.access(read.headers["x-request-id"])
    assert (line["rpc"], line["tool"]) == ("resources/read", "page")


@pytest.mark.parametrize("given", ["", "x" * 129, "a b", 'a"b', "-a", "é", "a;b", "a,b"])
def test_an_id_that_may_be_anything_is_not_taken(site, given):
    answer = site.client.get(f"{site.rest}/things/7", headers=[(b"x-request-id", given.encode("latin-1"))])
    made = answer.headers["x-request-id"]
    assert re.fullmatch("[0-9a-f]{16}", made)
    assert site.access(made)["status"] == 200


def test_ids_are_one_for_each_request_and_in_what_fails(site):
    first, second = (site.get(f"{site.rest}/things/7").headers["x-request-id"] for _ in range(2))
    assert first != second
    for url, status in ((f"{site.rest}/nothing", 404), (f"{site.guarded}/own/1", 401), (f"{site.rest}/gone", 502)):
        login = None if status == 401 else ("alice", SECRETS["PASSWORD"])
        answer = site.client.get(url, headers={"x-request-id": f"mine-{status}"}, auth=login)
        assert answer.status_code == status
        assert answer.headers["x-request-id"] == answer.json()["correlationId"] == f"mine-{status}"
        assert site.access(f"mine-{status}")["status"] == status
    refused = site.client.post(
        site.mcp, content=b"{", headers={"content-type": "application/json", "x-request-id": "m1"}
    )
    assert refused.headers["x-request-id"] == "m1"
    assert refused.status_code == 400
    no_json = site.client.post(site.mcp, content=b"{", headers={"content-type": "text/plain", "x-request-id": "m2"})
    assert no_json.json()["error"]["data"] == {"correlationId": "m2"}


def test_an_upstreams_own_id_has_another_name(site):
    site.upstream.misbehave(JSONResponse({"n": 1}, headers={"X-Request-Id": "theirs"}))
    answer = site.get(f"{site.rest}/things/7", x_request_id="ours")
    assert answer.headers.get_list("x-request-id") == ["ours"]
    assert answer.headers["x-upstream-request-id"] == "theirs"


def test_what_nobody_has_is_shown_as_it_came_but_harmless(site):
    path = f"/no\u202e%0d%0a%1b[31m/{SECRET}"
    answer = site.get(site.rest + path)
    line = site.access(answer.headers["x-request-id"])
    assert "route" not in line
    assert line["path"].startswith("/no\\u202e\\n")
    assert "***" in line["path"]
    raw = next(line for line in site.process.errors if answer.headers["x-request-id"] in line)
    assert raw.isascii()
    assert raw.isprintable()


def test_a_secret_as_an_id_is_masked(site):
    site.get(f"{site.rest}/things/7", x_request_id=f"{SECRET}-1")
    assert site.access("***-1")["status"] == 200


def test_who_was_let_in_and_who_was_not(site):
    good = site.client.get(f"{site.guarded}/own/1", auth=("alice", SECRETS["PASSWORD"]))
    assert site.access(good.headers["x-request-id"])["caller"] == "alice"
    bad = site.client.get(f"{site.guarded}/own/1", auth=("alice", "wrong"))
    assert bad.status_code == 401
    assert "caller" not in site.access(bad.headers["x-request-id"])
    assert site.wait(lambda line: "wrong-credentials" in line["message"])["level"] == "warning"
    site.get(f"{site.guarded}/own/1")
    assert site.wait(lambda line: "missing-credentials" in line["message"])["level"] == "info"


def test_a_refused_host_names_the_option(site):
    assert site.get(f"{site.rest}/things/7", host="evil.example").status_code == 421
    line = site.wait(lambda line: "--allow-host evil.example" in line["message"])
    assert line["level"] == "warning"


def test_failures_of_ours_are_warnings_and_those_of_others_notes(site):
    site.upstream.misbehave(HangUp())
    broken = site.get(f"{site.rest}/things/7")
    assert broken.status_code == 502
    line = site.wait(lambda line: broken.json()["correlationId"] in line.get("message", ""))
    assert line["level"] == "warning"
    site.upstream.misbehave(JSONResponse({}, 503))
    assert site.get(f"{site.rest}/things/7").status_code == 503
    assert site.wait(lambda line: line["message"] == "thing: up.thing answered 503")["level"] == "info"


def test_audit_lines(site):
    answers = [
        site.call("thing", {"id": "p4tient"}),
        site.call("thing", {"id": "p4tient"}),
        site.call("thing", {"id": "other"}),
        site.call("no-such", {"id": "p4tient", "a": 1}),
        site.call("no-such", {"a": 1, "id": "p4tient"}),
        site.call("thing", {}),
    ]
    ids = [answer.headers["x-request-id"] for answer in answers]
    path = site.folder / "audit"
    end = time.monotonic() + LIMIT
    while not set(ids) <= set(
        found := {line["request_id"]: line for line in map(json.loads, path.read_text().splitlines())}
    ):
        assert time.monotonic() < end, found
        time.sleep(0.01)
    lines = [found[identity] for identity in ids]
    assert [line["outcome"] for line in lines] == ["ok", "ok", "ok", "unknown", "unknown", "error"]
    assert [line["tool"] for line in lines] == ["thing"] * 3 + ["no-such"] * 2 + ["thing"]
    prints = [line["arguments"] for line in lines]
    assert prints[0] == prints[1] != prints[2]
    assert prints[3] == prints[4]
    assert all(re.fullmatch("[0-9a-f]{32}", each) for each in prints)
    assert "p4tient" not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert not any(line["logger"] == "naftiko.audit" for line in site.lines())


def test_no_secret_is_in_any_line(site):
    assert not [line for line in site.process.errors if SECRET in line or SECRETS["PASSWORD"] in line]


def test_an_upstream_that_is_away_is_an_error_once_and_then_counted(tmp_path):
    (tmp_path / "c.yaml").write_text(CAPABILITY)
    with served(tmp_path / "c.yaml", *PORTS, "--mock", ready=("guarded", "mcp-ns")) as process:
        process.stop()  # mock mode says nothing of upstreams: this is how a start without them looks
    assert not [line for line in process.errors if " ERROR " in line]
    with served(tmp_path / "c.yaml", *PORTS, env=SECRETS, ready=("guarded", "mcp-ns")) as process:
        rest = process.url("rest", "rest-ns")
        for _ in range(5):
            assert httpx.get(f"{rest}/gone", trust_env=False, timeout=LIMIT).status_code == 502
        process.stop()
    errors = [line for line in process.errors if " ERROR " in line]
    assert len(errors) == 2, process.said()
    assert "upstream-unreachable" in errors[0]
    assert errors[1].endswith("(and 4 more like it)")
    assert not [line for line in process.errors if "/gone 502" in line]  # no line of requests, unless one asks


def test_lines_that_repeat_are_counted_and_levels_are_of_loggers(tmp_path):
    (tmp_path / "c.yaml").write_text(CAPABILITY)
    options = ("--log-repeats", "3", "--access-log", "--log-level", "warn", "--log-level", "naftiko.expose.http=info")
    with served(tmp_path / "c.yaml", *PORTS, *options, "--mock", ready=("guarded", "mcp-ns")) as process:
        rest, guarded = process.url("rest", "rest-ns"), process.url("rest", "guarded")
        for _ in range(10):
            httpx.get(f"{guarded}/own/1", trust_env=False, timeout=LIMIT)
            httpx.get(f"{rest}/things/1", trust_env=False, timeout=LIMIT)
        mcp = process.url("mcp")
        params = {"name": "thing", "arguments": {}}
        for _ in range(10):
            message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
            httpx.post(mcp, json=message, trust_env=False, timeout=LIMIT)
        process.stop()
    said = process.said()
    assert said.count("invalid-input: `id` is required") == 4, said
    assert "(and 7 more like it)" in said
    assert "missing-credentials" not in said
    line = next(line for line in process.errors if "/things/{id}" in line)
    assert re.fullmatch(
        r"\S+Z INFO GET /things/\{id\} 200 [\d.]+ ms( \(upstream [\d.e-]+ ms\))? \d+ bytes client=127\.0\.0\.1 "
        r"request_id=[0-9a-f]{16}",
        line,
    ), line
    assert len([line for line in process.errors if "GET /things/{id} 200" in line]) == 10


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--log-level", "loud"], "`loud` is no level: TRACE, DEBUG, INFO, WARN, ERROR, OFF"),
        (["--log-level", "=info"], "is not like naftiko.access=info"),
        (["--log-level", "a b=info"], "can't be the name of a logger"),
        (["--audit-log", "/no/such/folder/file"], "no such file or directory"),
    ],
)
def test_options_that_mean_nothing(tmp_path, options, said):
    (tmp_path / "c.yaml").write_text(CAPABILITY)
    done = run("serve", str(tmp_path / "c.yaml"), *options)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())


def test_stdio(tmp_path):
    """Over stdio there is no HTTP; a line of a request says so."""
    (tmp_path / "c.yaml").write_text(CAPABILITY)
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    messages = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "thing", "arguments": {"id": "7"}}},
    ]
    command = [
        NAFTIKO,
        "serve",
        tmp_path / "c.yaml",
        "--transport",
        "stdio",
        "--mock",
        "--access-log",
        "--audit-log",
        "-",
    ]
    with forks.start(
        [*map(str, command), "--log-format", "json"],
        env=surroundings(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        for message in messages:
            process.stdin.write(json.dumps(message) + "\n")
            process.stdin.flush()
        while '"id":2' not in process.stdout.readline().replace(" ", ""):
            assert process.poll() is None
        process.stdin.close()
        errors = process.stderr.read()
        process.wait(LIMIT)
    lines = [json.loads(line) for line in errors.splitlines() if line.startswith("{")]
    [access] = [line for line in lines if line["logger"] == "naftiko.access"]
    [audit] = [line for line in lines if line["logger"] == "naftiko.audit"]
    assert (access["rpc"], access["tool"], access["client"], access["status"]) == ("tools/call", "thing", "stdio", 200)
    assert (audit["tool"], audit["client"], audit["outcome"]) == ("thing", "stdio", "ok")
    assert audit["request_id"] == access["request_id"]


def test_a_session_is_not_the_request_that_opened_it(tmp_path):
    (tmp_path / "c.yaml").write_text(CAPABILITY)
    options = ("--mock", "--stateful", "--access-log", "--log-format", "json", "--allow-tool", "thing")
    with served(tmp_path / "c.yaml", *PORTS, *options, ready=('"mcp"',)) as process:
        [mcp] = [fact["url"] for fact in map(json.loads, process.lines) if fact.get("adapter") == "mcp"]
        headers = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-06-18"}
        with httpx.Client(trust_env=False, timeout=LIMIT, headers=headers) as client:
            hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
            opened = client.post(mcp, json={"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello})
            client.headers["mcp-session-id"] = opened.headers["mcp-session-id"]
            client.post(mcp, json={"jsonrpc": "2.0", "method": "notifications/initialized"})
            params = {"name": "thing", "arguments": {}}
            call = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": params}
            failed = client.post(mcp, json=call, headers={"x-request-id": "second"})
            assert "Correlation id: second" in failed.text
            assert failed.headers["x-request-id"] == "second"
        process.stop()
    lines = [json.loads(line) for line in process.errors]
    [line] = [line for line in lines if line.get("request_id") == "second"]
    assert (line["rpc"], line["tool"], line["failed"]) == ("tools/call", "thing", True)


FEW = """
naftiko: 1.0.0-alpha2
capability:
  consumes:
    - {type: http, namespace: up%d, baseUri: "http://{{HOST_%d}}", resources: [{path: /x, operations: [{name: x, method: GET}]}]}
  exposes:
    - type: rest
      namespace: rest-%d
      port: 8080
      resources: [{path: "/x%d", operations: [{method: GET, name: x, call: up%d.x}]}]
"""


@pytest.fixture
def folder(tmp_path):
    for at in range(30):
        (tmp_path / f"c{at:02}.yaml").write_text(FEW % (at, at, at, at, at))
    return tmp_path


def test_a_folder_of_many_files_is_one_line(folder):
    with served(folder, "--port", "rest=0", ready=("30 adapters",)) as process:
        [line] = process.lines
        assert re.fullmatch(
            r"rest http://127\.0\.0\.1:\d+  30 routes  30 adapters of 30 files; --verbose names each", line
        )
        missing = [line for line in process.errors if line.startswith("missing: ")]
        assert len(missing) == 21
        assert re.fullmatch(r"missing: and \d+ more; --verbose names them", missing[-1])
        process.stop()
    with served(folder, "--port", "rest=0", "--verbose", ready=("rest-29 ",)) as process:
        assert len(process.lines) == 30
        assert len([line for line in process.errors if line.startswith("missing: ")]) > 21
        process.stop()


def test_a_progress_bar_on_a_terminal(folder):
    ours, theirs = pty.openpty()
    command = [NAFTIKO, "serve", folder, "--port", "rest=0", "--mock", "--log-level", "error"]
    process = forks.start(command, env=surroundings(), stdout=subprocess.PIPE, stderr=theirs)
    try:
        os.close(theirs)
        assert b"30 adapters" in process.stdout.readline()
        process.terminate()
        said = b""
        try:
            while piece := os.read(ours, 65_536):
                said += piece
        except OSError:  # the other end is closed
            pass
    finally:
        process.kill()
        process.wait(LIMIT)
        process.stdout.close()
        os.close(ours)
    text = said.decode()
    assert re.search(r"\r\[#*\.+\] \d+ of 30 files", text), text
    assert "\r\x1b[K" in text


def test_no_bar_where_nobody_looks(folder):
    with served(folder, "--port", "rest=0", "--mock", ready=("30 adapters",)) as process:
        process.stop()
    assert "of 30 files\r" not in process.said()
    assert not [line for line in process.errors if "[#" in line or "[." in line]
