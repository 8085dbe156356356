"""With workers: all of them serve exactly what was checked, and one that starts later serves the last valid plan."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from pathlib import Path

import httpx
import pytest
from front import wait_until
from served import LIMIT, get, served

FILE = """\
naftiko: 1.0.0-alpha2
capability:
  binds: [{{namespace: env, keys: {{VERSION: VERSION}}}}]
  consumes:
    - {{import: up, from: ./api.yaml}}
  exposes:
    - type: rest
      namespace: front
      port: {port}
      resources:
        - path: /said
          operations: [{{method: GET, call: up.get, with: {{v: "{version}-{{{{VERSION}}}}"}}}}]
{more}
"""
API = """\
consumes:
  - {type: http, namespace: up, baseUri: "http://127.0.0.1:9", resources: [{path: /r, operations: [{name: get, method: GET, inputParameters: [{name: v, in: query}]}]}]}
"""
BESIDE = """\
    - {{type: rest, namespace: beside, port: {port}, resources: [{{path: /beside, operations: [{{method: GET, call: up.get}}]}}]}}
"""
BROKEN = "naftiko: 1.0.0-alpha2\ncapability: [\n"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as opened:
        return int(opened.getsockname()[1])


class Files:
    """A capability, what it imports, and an env file."""

    def __init__(self, folder: Path) -> None:
        self.path, self.env = folder / "said.yaml", folder / "said.env"
        self.port = free_port()
        self.write("v1")

    def write(self, version: str, more: str = "") -> None:
        self.env.write_text(f"VERSION={version}\n")
        self.path.with_name("api.yaml").write_text(API)
        self.path.write_text(FILE.format(port=self.port, version=version, more=more))

    def break_one(self, which: str) -> None:
        {
            "file": lambda: self.path.write_text(BROKEN),
            "no file": self.path.unlink,
            "import": lambda: self.path.with_name("api.yaml").write_text("consumes: [\n"),
            "env file": lambda: self.env.write_text("no line\n"),
        }[which]()

    def said(self) -> str:
        answer = get(f"http://127.0.0.1:{self.port}/said")
        assert answer.status_code == 200, answer.text
        return answer.text

    def served(self, *options: str):
        return served(self.path, "--mock", "--workers", "2", "--env-file", self.env, *options, ready=("rest ",))


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path)


def workers_of(pid: int) -> list[int]:
    return sorted(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


def all_say(files: Files, word: str) -> bool:
    """Whether each of many answers, each over a connection of its own, says so."""
    return all(word in files.said() for _ in range(12))


@pytest.mark.parametrize("which", ["file", "no file", "import", "env file"])
def test_a_worker_that_dies_comes_back_with_the_last_valid_plan(files, which):
    """It was reloaded in place, and what is on the disk by then is broken."""
    with files.served("--control", "0", "--reload") as running:
        wait_until(lambda: all_say(files, "v1-v1"), running.said)
        files.write("v2")
        wait_until(lambda: all_say(files, "v2-v2"), running.said)
        files.break_one(which)
        for victim in workers_of(running.process.pid)[:2]:
            os.kill(victim, signal.SIGKILL)
            wait_until(lambda gone=victim: gone not in workers_of(running.process.pid), running.said)
            wait_until(lambda: len(workers_of(running.process.pid)) == 3, running.said)
        assert all_say(files, "v2-v2")
        assert not any("no worker comes" in line for line in running.errors)
        running.stop()


@pytest.mark.parametrize("which", ["file", "import", "env file"])
def test_files_that_break_once_they_are_checked_break_no_worker(files, which):
    with files.served() as running:
        wait_until(lambda: all_say(files, "v1-v1"), running.said)
        before = workers_of(running.process.pid)
        files.write("v2")
        running.process.send_signal(signal.SIGHUP)
        wait_until(lambda: any("reloaded: " in line for line in (*running.errors, *running.lines)), running.said)
        files.break_one(which)
        wait_until(lambda: any("all workers are restarted" in line for line in running.errors), running.said)
        wait_until(lambda: not set(before) & set(workers_of(running.process.pid)), running.said)
        assert all_say(files, "v2-v2")
        known = len(running.errors)
        running.process.send_signal(signal.SIGHUP)
        wait_until(lambda: any("no worker is replaced" in line for line in running.errors[known:]), running.said)
        assert all_say(files, "v2-v2")
        running.stop()


def test_what_nobody_has_told_of_is_not_served_by_a_worker_that_comes_back(files):
    with files.served() as running:
        files.write("v2")
        wait_until(lambda: all_say(files, "v1-v1"), running.said)
        (victim, *_) = workers_of(running.process.pid)
        files.write("v2")
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: victim not in workers_of(running.process.pid), running.said)
        wait_until(lambda: len(workers_of(running.process.pid)) == 2, running.said)
        assert all_say(files, "v1-v1")
        running.stop()


def test_callers_of_a_listener_that_goes_are_answered_or_refused(files):
    """None is reset while workers are replaced: the old plan answers, or nobody listens."""
    port = free_port()
    files.write("v1", BESIDE.format(port=port))
    outcomes: list[str] = []
    end = threading.Event()

    def call() -> None:
        while not end.is_set():
            try:
                outcomes.append(str(get(f"http://127.0.0.1:{port}/beside").status_code))
            except httpx.ConnectError as error:
                outcomes.append("refused" if "refused" in str(error) else repr(error))
                time.sleep(0.01)
            except httpx.HTTPError as error:
                outcomes.append(repr(error))

    with files.served() as running:
        callers = [threading.Thread(target=call) for _ in range(4)]
        for each in callers:
            each.start()
        wait_until(lambda: "200" in outcomes, running.said)
        files.write("v2")
        running.process.send_signal(signal.SIGHUP)
        wait_until(lambda: outcomes[-4:] == ["refused"] * 4, lambda: f"{outcomes[-20:]} {running.said()}")
        end.set()
        for each in callers:
            each.join(LIMIT)
        assert set(outcomes) == {"200", "refused"}
        assert all_say(files, "v2-v2")
        running.stop()
