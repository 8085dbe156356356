"""The commands that ask a control port: what they print of a running server, and what they say where nobody listens."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from served import LIMIT, NAFTIKO, Served, run, served, surroundings

import forks

FILE = """\
naftiko: 1.0.0-beta5
info: {label: Quay}
exposes:
- type: rest
  namespace: front
  port: 8080
  resources: [{name: x, path: /x, operations: [{name: x, method: GET, outputParameters: [{value: a}]}]}]
- type: control
  port: 9464
  management: {info: true, reload: true, validate: true, logs: true}
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory) -> Iterator[Served]:
    path = tmp_path_factory.mktemp("quay") / "quay.yaml"
    path.write_text(FILE)
    with served(path, "--port", "rest=0", "--port", "control=0", ready=("rest ", "control ")) as found:
        yield found


@pytest.fixture(scope="module")
def port(running) -> str:
    return str(httpx.URL(running.url("control")).port)


def printed(*arguments: str, **options) -> str:
    done = run(*arguments, **options)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def test_health_in_the_words_of_the_reference(port):
    said = "Liveness:  UP\nReadiness: UP (2/2 adapters started)\n"
    assert printed("health", "--port", port, "--address", "127.0.0.1") == said
    assert printed("health", env={"NAFTIKO_CONTROL_PORT": port}) == said
    assert printed("health", env={"NAFTIKO_CONTROL": f"127.0.0.1:{port}"}) == said


def test_status(port, running):
    lines = printed("status", "--port", port).splitlines()
    rest = httpx.URL(running.rest).port
    assert lines[0] == "Quay: UP"
    assert re.fullmatch(r"  Engine:    \S+ \(Python [\d.]+, native: false\)", lines[1])
    assert re.fullmatch(r"  Uptime:    (\d+[hm] )*\d+s", lines[2])
    assert lines[4:6] == ["  Adapters:", f"    front   {f':{rest}':<8} started"]


def test_metrics_are_filtered_by_name(port, running):
    httpx.get(f"{running.rest}/x", trust_env=False, timeout=LIMIT)
    lines = printed("metrics", "--port", port, "--filter", "REQUEST_TOTAL").splitlines()
    assert lines[1] == "# TYPE ikanos_request_total counter"
    assert all(re.match(r"(# (HELP|TYPE) )?ikanos_request_total[ {]", line) for line in lines)
    assert run("metrics", "--port", port, "--filter", "(").returncode == 2


def test_configuration_is_shown_checked_and_reloaded(port, tmp_path):
    assert "label: Quay" in printed("config", "--port", port)
    assert printed("config", "validate", "--port", port).splitlines()[-1] == "valid, reloadable"
    other = tmp_path / "other.yaml"
    other.write_text(FILE.replace("8080", "8081"))
    said = printed("config", "validate", str(other), "--port", port)
    assert said.splitlines()[-2:] == ["exposes.rest front.port: 8080 -> 8081", "valid, reloadable"]
    other.write_text(FILE.replace("9464", "9465"))
    said = printed("config", "validate", str(other), "--port", port)
    own = "exposes.control.port: 9464 -> 9465 (needs a restart)"
    assert said.splitlines()[-2:] == [own, "valid, not reloadable"]
    other.write_text("a: [")
    assert run("config", "validate", str(other), "--port", port).returncode == 1


def test_levels_and_lives(port, running):
    assert "naftiko" in printed("logs", "--port", port)
    assert printed("logs", "--logger", "naftiko.link", "--level", "error", "--port", port) == "naftiko.link: ERROR\n"
    rest = httpx.URL(running.rest).port
    assert printed("lifecycle", "--port", port) == f"front :{rest}  up  (0 in flight)\n"
    assert printed("lifecycle", "front", "--state", "down", "--port", port) == f"front :{rest}  down  (0 in flight)\n"
    done = run("health", "--port", port)
    assert (done.returncode, done.stdout.splitlines()[1]) == (1, "Readiness: DEGRADED (1/2 adapters started)")
    printed("lifecycle", "front", "--state", "up", "--port", port)
    assert run("lifecycle", "nosuch", "--state", "up", "--port", port).returncode == 1


def test_what_is_logged_is_followed_until_ctrl_c(port, running):
    printed("logs", "--logger", "naftiko.access", "--level", "info", "--port", port)
    following = forks.start(
        [NAFTIKO, "logs", "--follow", "--port", port], env=surroundings(), stdout=subprocess.PIPE, text=True
    )
    with following:
        lines = iter(following.stdout.readline, "")
        first: list[str] = []
        reading = threading.Thread(target=lambda: first.append(next(lines)))
        reading.start()
        end = time.monotonic() + LIMIT
        while reading.is_alive():
            assert time.monotonic() < end, "nothing followed"
            httpx.get(f"{running.rest}/x", trust_env=False, timeout=LIMIT)
            reading.join(0.05)
        following.send_signal(signal.SIGINT)
        assert following.wait(LIMIT) == 0
    assert re.fullmatch(r"\S+Z INFO naftiko.access request .*method=GET .*route=/x .*status=200 .*\n", first[0])
    printed("logs", "--logger", "naftiko.access", "--level", "warn", "--port", port)


def test_a_trace_that_is_not_there(port):
    done = run("traces", "deadbeef", "--port", port)
    assert (done.returncode, done.stdout) == (1, "")
    assert "Trace not found: deadbeef" in done.stderr


def test_the_port_is_that_of_the_file_in_the_working_directory(port, tmp_path: Path):
    (tmp_path / "quay.yaml").write_text(FILE.replace("9464", port))
    assert printed("status", cwd=tmp_path).startswith("Quay: UP")


@pytest.mark.parametrize(
    "command", [["health"], ["status"], ["metrics"], ["traces"], ["logs"], ["config"], ["lifecycle"]]
)
def test_where_nobody_listens_it_is_said_how_to_open_one(command, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = str(taken.getsockname()[1])
    done = run(*command, "--port", free, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"nobody answers at http://localhost:{free}" in done.stderr
    assert "--control 9464" in done.stderr
    assert "type: control" in done.stderr
