"""The control adapter over real sockets: health, status, configuration, logs and life of what one or two processes serve.

Keys, statuses and media types are those that clients of the reference engine read; ``docs/operate.md`` has what differs.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml
from served import LIMIT, Served, run, served

from holding import Held
from naftiko.testing import StandInUpstream

TOKEN = "harbour-token-4711-secret"
FILE = """\
naftiko: 1.0.0-beta5
info: {{label: Harbour, description: Berths., tags: [sea]}}
binds: [{{namespace: env, keys: {{HARBOUR_TOKEN: HARBOUR_TOKEN}}}}]
consumes:
- type: http
  namespace: ships
  baseUri: {upstream}
  authentication: {{type: bearer, token: "{{{{HARBOUR_TOKEN}}}}"}}
  resources: [{{name: x, path: /x, operations: [{{name: get, method: GET}}]}}]
exposes:
- type: rest
  namespace: front
  port: 8080
  resources: [{{name: x, path: /x, operations: [{{name: x, method: GET, call: ships.get}}]}}]
- type: mcp
  namespace: tools
  port: 9090
  tools: [{{name: t, description: A ship., call: ships.get}}]
- type: control
  port: 9464
  {more}
"""
ALL = "management: {info: true, reload: true, validate: true, logs: {stream: true, max-subscribers: 1}}"
PORTS = ("--port", "rest=0", "--port", "mcp=0", "--port", "control=0")
READY = ("rest ", "mcp ", "control ")
_names = itertools.count()


@pytest.fixture(scope="module")
def upstream() -> Iterator[StandInUpstream]:
    with StandInUpstream() as stand_in:
        stand_in.on("GET", "/x", {"ok": True})
        yield stand_in


def write(directory: Path, upstream: StandInUpstream, more: str = ALL) -> Path:
    path = directory / f"harbour{next(_names)}.yaml"
    path.write_text(FILE.format(upstream=upstream.url, more=more))
    return path


@contextlib.contextmanager
def harbour(path: Path, *options: str, ready: tuple[str, ...] = READY, **env: str) -> Iterator[Served]:
    with served(path, *PORTS, *options, ready=ready, env={"HARBOUR_TOKEN": TOKEN, **env}) as running:
        yield running


@pytest.fixture(scope="module", params=["1", "2"], ids=["one process", "two workers"])
def running(request, tmp_path_factory, upstream) -> Iterator[Served]:
    path = write(tmp_path_factory.mktemp("control"), upstream)
    with harbour(path, "--workers", request.param) as found, client(found.url("control")) as asking:
        wait_until(lambda: asking.get("/health/ready").status_code == 200, "never ready")
        yield found


@pytest.fixture(scope="module")
def control(running) -> Iterator[httpx.Client]:
    with client(running.url("control")) as found:
        yield found


def client(url: str, **options) -> httpx.Client:
    return httpx.Client(base_url=url, trust_env=False, timeout=LIMIT, **options)


def wait_until(true, what: str) -> None:
    end = time.monotonic() + LIMIT
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.02)


# --- health and status --------------------------------------------------------------------------------------------


def test_live(control):
    answer = control.get("/health/live")
    assert (answer.status_code, answer.headers["content-type"], answer.json()) == (
        200,
        "application/json",
        {"status": "UP"},
    )


def test_ready_lists_each_adapter_with_where_it_is(control, running):
    answer = control.get("/health/ready")
    ports = {kind: httpx.URL(running.url(kind)).port for kind in ("rest", "mcp", "control")}
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json() == {
        "status": "UP",
        "adapters": [
            {"type": "rest", "namespace": "front", "port": ports["rest"], "state": "started"},
            {"type": "mcp", "namespace": "tools", "port": ports["mcp"], "state": "started"},
            {"type": "control", "port": ports["control"], "state": "started"},
        ],
    }


def test_status_has_what_its_readers_look_for(control):
    answer = control.get("/status")
    said = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert said.keys() == {"capability", "engine", "uptime", "otel", "adapters"}
    assert said["capability"] == {"display": "Harbour", "label": "Harbour", "specVersion": "1.0.0-beta5"}
    assert {"version", "java", "native"} <= said["engine"].keys()
    assert (said["engine"]["java"], said["engine"]["native"]) == (None, False)
    assert said["uptime"].startswith("PT")
    assert said["uptime"].endswith("S")
    assert said["otel"]["status"] in {"active", "inactive"}
    assert [each["type"] for each in said["adapters"]] == ["rest", "mcp", "control"]


def test_head_is_get_without_a_body(control):
    answer = control.head("/health/live")
    assert (answer.status_code, answer.headers["content-length"], answer.content) == (200, "15", b"")


@pytest.mark.parametrize("path", ["/", "/health", "/health/live/", "/info", "/logs/", "/traces/", "/config/reload/x"])
def test_nothing_is_anywhere_else(control, path):
    assert control.get(path).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/health/live", "GET, HEAD, OPTIONS"),
        ("PUT", "/status", "GET, HEAD, OPTIONS"),
        ("GET", "/config/reload", "OPTIONS, POST"),
        ("DELETE", "/logs/naftiko", "GET, HEAD, OPTIONS, PUT"),
    ],
)
def test_another_method_is_told_which_there_are(control, method, path, allowed):
    answer = control.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


def test_dependencies_tell_what_can_be_reached(control, upstream):
    said = control.get("/health/dependencies").json()
    assert said == {
        "status": "UP",
        "dependencies": [{"namespace": "ships", "address": upstream.url.rstrip("/"), "state": "UP"}],
    }


# --- configuration ------------------------------------------------------------------------------------------------


def test_the_document_is_shown_without_any_value_of_a_variable(control, upstream):
    answer = control.get("/config")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/yaml")
    document = yaml.safe_load(answer.text)
    assert document["consumes"][0]["authentication"] == {"type": "bearer", "token": "***"}
    assert document["consumes"][0]["baseUri"] == upstream.url
    assert document == control.get("/config?format=json").json()
    assert TOKEN not in answer.text
    assert control.get("/config?format=xml").status_code == 400


def test_a_file_is_checked_against_what_is_served(control, upstream):
    good = control.post("/config/validate").json()
    assert {"valid", "reloadable", "structuralChanges", "warnings"} <= good.keys()
    assert (good["valid"], good["reloadable"], good["structuralChanges"]) == (True, True, [])
    text = FILE.format(upstream=upstream.url, more=ALL)
    moved = control.post("/config/validate", content=text.replace("port: 8080", "port: 8081")).json()
    assert (moved["valid"], moved["reloadable"]) == (True, True)
    assert moved["structuralChanges"] == [
        {"path": "exposes.rest front.port", "from": 8080, "to": 8081, "reloadable": True}
    ]
    own = control.post("/config/validate", content=text.replace("port: 9464", "port: 9465")).json()
    assert (own["valid"], own["reloadable"]) == (True, False)
    assert own["structuralChanges"] == [{"path": "exposes.control.port", "from": 9464, "to": 9465, "reloadable": False}]
    broken = control.post("/config/validate", content=text.replace("call: ships.get", "call: ships.got")).json()
    assert (broken["valid"], broken["reloadable"]) == (False, False)
    assert broken["errors"] == ["`ships` has no operation `got`"] * 2
    assert all({"rule", "severity", "position", "message"} <= each.keys() for each in broken["diagnostics"])
    garbled = control.post("/config/validate", content="a: [").json()
    assert (garbled["valid"], bool(garbled["errors"])) == (False, True)
    assert control.post("/config/validate", content=b"\xff\xfe\xff").status_code == 400
    assert control.get("/health/ready").status_code == 200


# --- logs ---------------------------------------------------------------------------------------------------------


def test_levels_are_shown_and_changed_in_every_process(control):
    said = control.get("/logs").json()["loggers"]
    assert said["ROOT"].keys() == {"configuredLevel", "effectiveLevel"}
    assert said["naftiko"] == {"configuredLevel": "INFO", "effectiveLevel": "INFO"}
    assert control.put("/logs/naftiko.engine", json={"level": "ERROR"}).status_code == 204
    changed = [control.get("/logs/naftiko.engine").json() for _ in range(6)]
    assert changed == [{"configuredLevel": "ERROR", "effectiveLevel": "ERROR"}] * 6
    assert control.get("/logs/nosuch").status_code == 404


@pytest.mark.parametrize("body", ['{"level": "LOUD"}', "{}", "[]", "{", '{"level": 1}', ""])
def test_a_level_that_is_none_is_refused(control, body):
    answer = control.put("/logs/naftiko", content=body)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")


def test_what_is_logged_is_streamed_until_nobody_listens(control, running):
    url = f"{running.url('control')}/logs/stream?logger=naftiko&level=warn"
    with httpx.stream("GET", url, trust_env=False, timeout=LIMIT) as stream:
        assert (stream.status_code, stream.headers["content-type"]) == (200, "text/event-stream")
        lines = stream.iter_lines()
        assert next(lines).startswith(":")
        assert control.get("/logs/stream").status_code == 429  # the file lets one listen
        hosts = itertools.count()
        told = threading.Event()

        def provoke() -> None:
            """Be refused by whichever worker: each logs a host once."""
            while not told.wait(0.05):
                httpx.get(
                    f"{running.rest}/x", headers={"host": f"{next(hosts)}.example"}, trust_env=False, timeout=LIMIT
                )

        asking = threading.Thread(target=provoke)
        asking.start()
        try:
            record = json.loads(next(each for each in lines if each.startswith("data:")).removeprefix("data:"))
        finally:
            told.set()
            asking.join()
        assert record["level"] == "warning"
        assert record["logger"].startswith("naftiko.")
        assert ".example" in record["message"]

    def can_listen() -> bool:
        with httpx.stream("GET", url, trust_env=False, timeout=LIMIT) as another:
            return another.status_code == 200

    wait_until(can_listen, "the place of who left is not free")


# --- metrics, traces, scripts -------------------------------------------------------------------------------------


def test_metrics_of_all_processes_are_added_up(control, running):
    def counted() -> int:
        text = control.get("/metrics").text
        line = f"{series} "
        return next((int(each.removeprefix(line)) for each in text.splitlines() if each.startswith(line)), 0)

    series = 'ikanos_request_total{ikanos_adapter_type="rest",ikanos_operation_id="/x GET",status="200"}'
    before = counted()
    for _ in range(9):
        httpx.get(f"{running.rest}/x", trust_env=False, timeout=LIMIT)
    answer = control.get("/metrics")
    assert (answer.status_code, answer.headers["content-type"][:10]) == (200, "text/plain")
    assert counted() == before + 9
    assert 'ikanos_capability_active{ikanos_capability="Harbour"} 1' in answer.text
    assert "ikanos_http_client_pool_in_use" in answer.text


def test_metrics_may_have_names_of_our_own(upstream, tmp_path):
    with harbour(write(tmp_path, upstream), "--metrics-names", "naftiko") as running:
        httpx.get(f"{running.rest}/x", trust_env=False, timeout=LIMIT)
        text = httpx.get(f"{running.url('control')}/metrics", trust_env=False, timeout=LIMIT).text
    assert 'naftiko_request_total{naftiko_adapter_type="rest"' in text
    assert "ikanos" not in text


def test_a_trace_that_is_not_kept(control):
    assert set(control.get("/traces").json()) == {"traces", "bufferSize", "bufferUsed"}
    answer = control.get("/traces/x")
    assert (answer.status_code, answer.json()) == (404, {"error": "Trace not found: x"})


def test_no_script_runs_here(control):
    assert control.get("/scripting").status_code == 404


# --- life ---------------------------------------------------------------------------------------------------------


def test_an_adapter_is_taken_out_of_service_and_back(control, running):
    assert control.get("/lifecycle").json()["state"] == "up"
    assert control.put("/lifecycle/front", json={"state": "down"}).status_code == 200
    refused = [httpx.get(f"{running.rest}/x", trust_env=False, timeout=LIMIT) for _ in range(6)]
    assert {each.status_code for each in refused} == {503}
    assert refused[0].json()["type"] == "urn:naftiko:problem:adapter-down"
    ready = control.get("/health/ready")
    assert (ready.status_code, ready.json()["status"]) == (503, "DEGRADED")
    assert [each["state"] for each in ready.json()["adapters"]] == ["stopped", "started", "started"]
    assert control.put("/lifecycle/front", json={"state": "up"}).json()["state"] == "up"
    assert {httpx.get(f"{running.rest}/x", trust_env=False, timeout=LIMIT).status_code for _ in range(6)} == {200}
    assert control.get("/health/ready").status_code == 200
    assert control.put("/lifecycle/nosuch", json={"state": "up"}).status_code == 404
    assert control.put("/lifecycle/front", json={"state": "asleep"}).status_code == 400


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_drain_lets_calls_finish_and_then_the_process_ends(tmp_path, workers):
    held = Held()
    with StandInUpstream() as upstream:
        upstream.on("GET", "/x", {"ok": True})
        upstream.misbehave(held)
        with harbour(write(tmp_path, upstream), "--workers", workers) as running:
            with client(running.url("control")) as control:
                answers: list[httpx.Response] = []

                def call() -> None:
                    answers.append(httpx.get(f"{running.rest}/x", trust_env=False, timeout=LIMIT))

                before, late = threading.Thread(target=call), threading.Thread(target=call)
                before.start()
                wait_until(lambda: len(upstream.requests) == 1, "no call")
                assert control.put("/lifecycle", json={"state": "drain"}).json()["state"] == "drain"
                assert control.get("/health/ready").status_code == 503
                late.start()  # whoever has not heard of it yet
                wait_until(lambda: len(upstream.requests) == 2, "no second call")
                assert running.process.poll() is None
                held.let_go()
                before.join()
                late.join()
                assert [each.status_code for each in answers] == [200, 200]
                assert [each.headers.get("connection") for each in answers] == ["close", "close"]
            assert running.wait() == 0


# --- who may come in ----------------------------------------------------------------------------------------------


def test_a_foreign_name_and_a_foreign_page_are_refused(control):
    assert control.get("/health/live", headers={"host": "evil.example"}).status_code == 421
    foreign = {"origin": "https://evil.example"}
    assert control.post("/config/validate", headers=foreign).status_code == 403
    assert control.put("/lifecycle/front", headers=foreign, json={"state": "down"}).status_code == 403


def test_a_body_has_a_largest_size(control):
    assert control.post("/config/validate", content=b"a" * (5 * 1024 * 1024)).status_code == 413


def test_what_a_file_does_not_turn_on_is_not_there(tmp_path, upstream):
    with harbour(write(tmp_path, upstream, "management: {}")) as running, client(running.url("control")) as control:
        wait_until(lambda: control.get("/health/ready").status_code == 200, "never ready")
        statuses = {
            path: control.get(path).status_code
            for path in ("/health/live", "/health/ready", "/status", "/config", "/logs", "/logs/stream", "/lifecycle")
        }
        assert statuses == {"/health/live": 200, "/health/ready": 200, **dict.fromkeys([*statuses][2:], 404)}
        for path in ("/config/reload", "/config/validate"):
            assert control.post(path).status_code == 404
        assert running.stop() == 0


def test_health_and_telemetry_can_be_turned_off(tmp_path, upstream):
    more = "management: {health: false, info: true}\n  observability: {enabled: false}"
    with harbour(write(tmp_path, upstream, more)) as running, client(running.url("control")) as control:
        for path in ("/health/live", "/health/ready", "/metrics", "/traces", "/traces/x"):
            assert control.get(path).status_code == 404
        assert control.get("/status").json()["otel"]["status"] == "inactive"


def test_authentication_guards_every_route_and_probes_need_none(tmp_path, upstream):
    more = f'{ALL}\n  authentication: {{type: bearer, token: "{{{{HARBOUR_TOKEN}}}}"}}'
    options = ("--probe-port", "127.0.0.1:0")
    with harbour(write(tmp_path, upstream, more), *options, ready=(*READY, "probe ")) as running:
        with client(running.url("control")) as control:
            for path in ("/health/live", "/health/ready", "/status", "/metrics", "/traces", "/config", "/nope"):
                refused = control.get(path)
                assert (refused.status_code, refused.headers["www-authenticate"][:6]) == (401, "Bearer")
            assert control.get("/status", headers={"authorization": "Bearer x"}).status_code == 401
            assert control.get("/status", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200
        probe = next(line.split()[1] for line in running.lines if line.startswith("probe "))
        with client(probe, headers={"host": "10.1.2.3:8080"}) as probing:
            wait_until(lambda: probing.get("/health/ready").status_code == 200, "never ready")
            assert probing.get("/health/live").json() == {"status": "UP"}
            assert [probing.get(path).status_code for path in ("/status", "/config", "/logs", "/traces")] == [404] * 4
    assert TOKEN not in running.said()


# --- ports --------------------------------------------------------------------------------------------------------


def test_two_on_one_port_are_one(tmp_path, upstream):
    for _ in range(2):
        write(tmp_path, upstream)
    with harbour(tmp_path) as running:
        lines = [line for line in running.lines if line.startswith("control ")]
        assert len(lines) == 1
        with client(running.url("control")) as control:
            wait_until(lambda: control.get("/health/ready").status_code == 200, "never ready")
            adapters = control.get("/health/ready").json()["adapters"]
            assert [each["type"] for each in adapters] == ["rest", "mcp", "rest", "mcp", "control"]
            assert len({each["file"] for each in adapters if each["type"] != "control"}) == 2
            rejected = control.post("/config/reload", content="naftiko: x")
            assert (rejected.status_code, rejected.json()["status"]) == (409, "rejected")


def test_a_port_of_callers_is_told_with_what_mends_it(tmp_path, upstream):
    path = write(tmp_path, upstream)
    path.write_text(path.read_text().replace("port: 9464", "port: 9090"))
    done = run("serve", str(path), "--strict", "--port", "rest=0", env={"HARBOUR_TOKEN": TOKEN})
    assert done.returncode == 1
    assert "--port control=PORT" in done.stderr


def test_the_operator_opens_one_for_files_that_declare_none(tmp_path, upstream):
    path = write(tmp_path, upstream)
    path.write_text(path.read_text().partition("- type: control")[0])
    with harbour(path, "--control", "0") as running, client(running.url("control")) as control:
        assert control.get("/status").json()["capability"]["label"] == "Harbour"
        assert control.post("/config/validate").json()["valid"] is True
        assert control.get("/logs").status_code == 200


def test_one_that_others_reach_changes_nothing_without_a_token(tmp_path, upstream):
    path = write(tmp_path, upstream)
    path.write_text(path.read_text().partition("- type: control")[0])
    reading = {"/health/live": 200, "/status": 200, "/logs": 404}
    with harbour(path, "--control", "0.0.0.0:0") as running, client(running.url("control")) as control:
        assert {each: control.get(each).status_code for each in reading} == reading
        assert control.post("/config/reload").status_code == 404
    env = {"NAFTIKO_CONTROL_TOKEN": TOKEN, "NAFTIKO_CONTROL": "0.0.0.0:0"}
    with harbour(path, **env) as running, client(running.url("control")) as control:
        assert control.get("/health/live").status_code == 401
        control.headers["authorization"] = f"Bearer {TOKEN}"
        assert control.get("/logs").status_code == 200


def test_one_for_this_machine_that_is_moved_changes_nothing(tmp_path, upstream):
    options = ("--host", "0.0.0.0")
    with harbour(write(tmp_path, upstream), *options) as running, client(running.url("control")) as control:
        assert control.get("/status").status_code == 200
        assert control.post("/config/reload").status_code == 404
        assert any("changes something is off" in line for line in running.errors)


@pytest.mark.parametrize("given", ["x", "70000", "host:", ""])
def test_what_is_no_port_is_told(tmp_path, given, upstream):
    done = run("serve", str(write(tmp_path, upstream)), "--control", given)
    assert done.returncode == 2
    assert "--control" in done.stderr


# --- workers ------------------------------------------------------------------------------------------------------


def test_a_restart_of_the_workers_leaves_the_port_ready(tmp_path, upstream):
    with harbour(write(tmp_path, upstream), "--workers", "2") as running, client(running.url("control")) as control:
        wait_until(lambda: control.get("/health/ready").status_code == 200, "never ready")
        running.process.send_signal(signal.SIGHUP)
        said = []
        while not any("all workers are restarted" in line for line in running.errors):
            said.append(control.get("/health/ready").json())
        assert [each for each in said if each["status"] != "UP"] == []
        assert running.stop() == 0


def test_a_worker_that_dies_makes_it_less_ready_until_another_serves(tmp_path, upstream):
    with harbour(write(tmp_path, upstream), "--workers", "2") as running, client(running.url("control")) as control:
        wait_until(lambda: control.get("/health/ready").status_code == 200, "never ready")
        pid = running.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        signalled = int(children[0])
        os.kill(signalled, signal.SIGKILL)
        wait_until(lambda: len(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()) == 3, "no successor")
        wait_until(lambda: control.get("/health/ready").status_code == 200, "never ready again")
        assert control.get("/health/ready").json()["status"] == "UP"
        assert running.stop() == 0
