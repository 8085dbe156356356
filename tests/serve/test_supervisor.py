"""The supervisor alone, with workers that hang on purpose; and what callers see when everything stops."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Self

import pytest
from served import LIMIT, run, served, surroundings
from test_workers import CAPABILITY, wait_until, workers_of

from naftiko.serve.server import Patience, Servers, Site
from naftiko.serve.sockets import listen
from naftiko.testing import StandInUpstream
from virtual_time import virtual_time

SCRIPT = """
import logging, signal, sys, threading, time
from naftiko.serve.workers import PULSE_SECONDS, Supervisor
logging.basicConfig(level="INFO", stream=sys.stdout)

def work(assignment):
    if assignment.reload and sys.argv[1] == "hangs in its reload":
        time.sleep(1000)
    ending = threading.Event()
    if sys.argv[1] == "is at a call before it is ready":
        signal.signal(signal.SIGTERM, lambda *_: ending.set())
        print("serves", flush=True)
        ending.wait()
        time.sleep(0.5)
        print("finished", flush=True)
        return
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    signal.signal(signal.SIGQUIT, lambda *_: ending.set())
    assignment.ready()
    print("serves", flush=True)
    while not ending.wait(0.1):
        assignment.pulse()

Supervisor(2, work, grace=float(sys.argv[2]), stopping=lambda: None, hang_seconds=2).supervise()
print("ended", flush=True)
"""


class Supervised:
    """A supervisor in a process of its own, once so many workers say that they serve."""

    def __init__(self, way: str, grace: float = 2, workers: int = 2) -> None:
        self._workers = workers
        command = [sys.executable, "-c", SCRIPT, way, str(grace)]
        self.process = subprocess.Popen(command, env=surroundings(), stdout=subprocess.PIPE, text=True)
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        self.lines.extend(self.process.stdout)

    def has(self, text: str, times: int = 1) -> bool:
        return sum(text in line for line in self.lines) >= times

    def __enter__(self) -> Self:
        wait_until(lambda: len(workers_of(self.process.pid)) == self._workers, "workers")
        wait_until(lambda: self.has("serves", self._workers), "they serve")
        return self

    def __exit__(self, *_: object) -> None:
        workers = set()
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGSTOP)  # it would replace those that are killed before it
            workers = workers_of(self.process.pid)
        self.process.kill()
        self.process.wait(LIMIT)
        for pid in workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._reader.join(LIMIT)
        self.process.stdout.close()


def test_a_worker_that_stands_still_is_ended_and_replaced():
    with Supervised("well") as supervised:
        pid = supervised.process.pid
        victim = min(workers_of(pid))
        os.kill(victim, signal.SIGSTOP)
        wait_until(lambda: victim not in workers_of(pid) and len(workers_of(pid)) == 2, "another worker")
        wait_until(lambda: supervised.has("gives no sign of life"), "a line about it")
        supervised.process.terminate()
        assert supervised.process.wait(LIMIT) == 0


def test_a_supervisor_that_stood_still_itself_ends_nobody():
    with Supervised("well") as supervised:
        pid = supervised.process.pid
        before = workers_of(pid)
        everybody = [pid, *before]
        for each in everybody:
            os.kill(each, signal.SIGSTOP)
        time.sleep(5)
        for each in everybody:
            os.kill(each, signal.SIGCONT)
        time.sleep(2)
        assert workers_of(pid) == before
        assert not supervised.has("no sign of life")


def test_a_stop_is_heard_while_a_worker_hangs_in_its_reload():
    with Supervised("hangs in its reload") as supervised:
        before = workers_of(supervised.process.pid)
        supervised.process.send_signal(signal.SIGHUP)
        wait_until(lambda: len(workers_of(supervised.process.pid)) == 3, "a worker that reloads")
        supervised.process.terminate()
        assert supervised.process.wait(LIMIT) == 0
        wait_until(lambda: supervised.has("ended"), "its last line")
        for pid in before:
            assert not Path(f"/proc/{pid}").exists()


def test_a_stop_waits_for_a_worker_that_is_still_starting():
    """One listener may be at calls while the next one still starts."""
    with Supervised("is at a call before it is ready", grace=LIMIT, workers=1) as supervised:
        supervised.process.terminate()
        assert supervised.process.wait(LIMIT) == 0
        wait_until(lambda: supervised.has("ended"), "its last line")
        assert [line.strip() for line in supervised.lines] == ["serves", "finished", "ended"]


def test_a_second_stop_ends_workers_at_once():
    with Supervised("well", grace=LIMIT) as supervised:
        for worker in workers_of(supervised.process.pid):
            os.kill(worker, signal.SIGSTOP)
        supervised.process.terminate()
        time.sleep(0.3)
        supervised.process.terminate()
        assert supervised.process.wait(LIMIT) == 0  # long before its grace is over, which is as long, and more


@pytest.fixture
def file(tmp_path: Path):
    stand_in = StandInUpstream()
    stand_in.on("GET", "/x", {"ok": True})
    with stand_in:
        path = tmp_path / "capability.yaml"
        path.write_text(CAPABILITY.format(url=stand_in.url, path="x"))
        yield path


def test_two_servers_with_workers_do_not_share_a_port(file: Path):
    with served(file, "--port", "rest=0", "--workers", "2", ready=("rest ",)) as server:
        port = server.rest.rpartition(":")[2]
        second = run("serve", str(file), "--port", f"rest={port}", "--workers", "2")
        assert second.returncode == 1
        assert "is in use" in second.stderr
        assert server.stop() == 0


def asked(port: int) -> str:
    """Ask over a fresh connection; return how it went."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=LIMIT) as connection:
            connection.sendall(b"GET /x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            answer = b""
            while piece := connection.recv(65_536):
                answer += piece
            return answer[9:12].decode() or "closed without an answer"
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, type(error).__name__)


def test_a_stop_of_workers_resets_nobody(file: Path):
    """Fresh connections while it stops are answered, or refused before they are made; none is taken and dropped."""
    with served(file, "--port", "rest=0", "--workers", "2", ready=("rest ",)) as server:
        wait_until(lambda: len(workers_of(server.process.pid)) == 2, "two workers")
        port = int(server.rest.rpartition(":")[2])
        assert {asked(port) for _ in range(40)} == {"200"}  # the system spreads them: both workers serve
        outcomes: Counter[str] = Counter()
        stop = threading.Event()

        def keep_asking() -> None:
            while not stop.is_set():
                outcome = asked(port)
                outcomes[outcome] += 1
                if outcome == "ECONNREFUSED":
                    return

        threads = [threading.Thread(target=keep_asking) for _ in range(8)]
        for thread in threads:
            thread.start()
        wait_until(lambda: outcomes["200"] > 50, "answers")
        assert server.stop() == 0
        stop.set()
        for thread in threads:
            thread.join(LIMIT)
    assert outcomes.pop("200") > 50
    assert set(outcomes) <= {"ECONNREFUSED"}, outcomes


@virtual_time
async def test_what_is_drained_gets_as_long_as_a_call_may_take():
    """A worker that is replaced finishes calls that take longer than a stop would wait for them."""

    async def app(scope, receive, send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        await asyncio.sleep(4)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    opened = listen("127.0.0.1", 0)
    servers = Servers([Site(opened, lambda: app)], patience=Patience(stop=1, drain=20))
    task = asyncio.create_task(servers.run())
    reader, writer = await asyncio.open_connection(*opened.getsockname())
    writer.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    await asyncio.sleep(0.2)
    servers.drain()
    assert (await reader.read()).endswith(b"ok")
    await task
    writer.close()
    opened.close()
