"""What systemd and the server say to each other: sockets that come as descriptors, and datagrams that say how it goes."""

from __future__ import annotations

import os
import re
import signal
import socket
import sys
import time
from pathlib import Path

import httpx
import pytest
from front import FILE, PORTS, wait_until
from served import LIMIT, NAFTIKO, Served, get, served, surroundings

from naftiko.serve.given import Given, Inherited
from naftiko.serve.sockets import CannotListen
from naftiko.serve.systemd import Notifier, inherited

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="systemd is Linux' own")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "front.yaml"
    path.write_text(FILE)
    return path


class Manager:
    """Takes the datagrams, as systemd does."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.settimeout(0.05)
        self.said = []

    def heard(self):
        while True:
            try:
                self.said.append(self.socket.recv(4096).decode().splitlines())
            except TimeoutError:
                return self.said

    def wait(self, line, *, after=0):
        """Wait for a line; return after which datagram it came."""
        found = wait_until(
            lambda: [at for at, said in enumerate(self.heard()) if at >= after and line in said], lambda: str(self.said)
        )
        return found[0] + 1


@pytest.fixture(params=["path", "abstract"])
def manager(request, tmp_path):
    name = str(tmp_path / "notify") if request.param == "path" else f"@naftiko-test-{os.getpid()}"
    made = Manager(name.replace("@", "\0") if name.startswith("@") else name)
    made.address = name
    yield made
    made.socket.close()


@pytest.mark.parametrize("workers", [1, 2])
def test_ready_reloading_stopping_and_signs_of_life(file, manager, workers):
    env = {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "1000000"}
    with served(file, *PORTS, "--workers", str(workers), env=env) as running:
        at = manager.wait("READY=1")
        assert any(line.startswith("STATUS=Serving") for line in manager.said[at - 1])
        manager.wait("WATCHDOG=1", after=manager.wait("WATCHDOG=1"))
        running.process.send_signal(signal.SIGHUP)
        at = manager.wait("RELOADING=1")
        assert any(re.fullmatch(r"MONOTONIC_USEC=\d+", line) for line in manager.said[at - 1])
        at = manager.wait("READY=1", after=at)
        assert get(f"{running.rest}/r/1").status_code == 200
        running.process.send_signal(signal.SIGTERM)
        manager.wait("STOPPING=1", after=at)
        assert running.wait() == 0
        assert sum("STOPPING=1" in said for said in manager.heard()) == 1


def test_a_loop_that_stands_still_gives_no_sign_of_life(file, manager):
    """The process is there, and its loop does nothing: systemd hears of nothing, and ends it."""
    with served(file, *PORTS, env={"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "400000"}) as running:
        manager.wait("WATCHDOG=1")
        running.process.send_signal(signal.SIGSTOP)
        time.sleep(0.3)
        before = len(manager.heard())
        time.sleep(1.5)
        assert len(manager.heard()) == before
        running.process.send_signal(signal.SIGCONT)
        manager.wait("WATCHDOG=1", after=before)


def test_workers_that_all_stand_still_give_none_either(file, manager):
    env = {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "400000"}
    with served(file, *PORTS, "--workers", "2", env=env) as running:
        manager.wait("WATCHDOG=1")
        workers = children(running.process.pid)
        assert len(workers) == 2
        for each in workers:
            os.kill(each, signal.SIGSTOP)
        try:
            wait_until(lambda: _is_quiet(manager), running.said)  # the supervisor itself goes on
        finally:
            for each in workers:
                os.kill(each, signal.SIGCONT)
        manager.wait("WATCHDOG=1", after=len(manager.said))


def _is_quiet(manager):
    before = len(manager.heard())
    time.sleep(1.5)
    return len(manager.heard()) == before


def children(pid):
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({}, 0.0),
        ({"NOTIFY_SOCKET": "/nowhere", "WATCHDOG_USEC": "3000000"}, 1.5),
        ({"NOTIFY_SOCKET": "/nowhere", "WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"}, 0.0),
        ({"NOTIFY_SOCKET": "/nowhere", "WATCHDOG_USEC": "3000000", "WATCHDOG_PID": str(os.getpid())}, 1.5),
        ({"NOTIFY_SOCKET": "/nowhere", "WATCHDOG_USEC": "often"}, 0.0),
        ({"NOTIFY_SOCKET": "vsock:2:1", "WATCHDOG_USEC": "3000000"}, 0.0),
        ({"WATCHDOG_USEC": "3000000"}, 0.0),
    ],
)
def test_who_wants_signs_of_life(environment, seconds):
    notifier = Notifier(environment)
    assert environment == {}  # no child speaks for us
    assert notifier.watchdog == seconds
    notifier.ready("nobody hears it, and nothing fails")
    notifier.alive()


class Activated(Served):
    """A server as systemd starts it: descriptors from 3 on, and its own process id in the environment."""

    def __init__(self, file, listening, names, *options, pid="$$"):
        numbers = [each.fileno() for each in listening]
        moves = [f"exec {40 + at}<&{number}" for at, number in enumerate(numbers)]
        moves += [f"exec {3 + at}<&{40 + at} {40 + at}<&-" for at in range(len(numbers))]
        script = f'{"; ".join(moves)}; export LISTEN_PID={pid}; exec {NAFTIKO} serve "$@"'
        env = surroundings(LISTEN_FDS=str(len(numbers)), LISTEN_FDNAMES=":".join(names))
        command = ["bash", "-c", script, "serve", str(file), "--mock", *options]
        super().__init__(command, env, None, numbers)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.wait()
        self.process.stdout.close()
        self.process.stderr.close()


def listener():
    return socket.create_server(("127.0.0.1", 0))


def port(each):
    return each.getsockname()[1]


@pytest.mark.parametrize("workers", [1, 2])
def test_adapters_listen_on_sockets_that_have_their_names(file, workers):
    rest, mcp, control = listener(), listener(), listener()
    names = ("tools", "rest", "control")
    with Activated(file, (mcp, rest, control), names, "--workers", str(workers), "--control", "0") as running:
        running.wait_for("rest ", "mcp ", "control ")
        assert running.rest == f"http://127.0.0.1:{port(rest)}"
        assert running.mcp == f"http://127.0.0.1:{port(mcp)}/mcp"
        assert get(f"{running.rest}/r/1").status_code == 200
        assert get(f"http://127.0.0.1:{port(control)}/health/live").status_code == 200
        running.process.send_signal(signal.SIGHUP)
        word = "all workers are restarted" if workers > 1 else "reload"
        wait_until(lambda: any(word in line for line in (*running.errors, *running.lines)), running.said)
        assert get(f"{running.rest}/r/1").status_code == 200
        assert running.stop() == 0
        # Who comes now waits in the socket, which is systemd's, until the next server is there.
        with socket.create_connection(("127.0.0.1", port(rest)), timeout=LIMIT) as waiting:
            waiting.sendall(b"GET /r/1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            with Activated(file, (mcp, rest, control), names, "--workers", str(workers), "--control", "0") as second:
                assert waiting.recv(12) == b"HTTP/1.1 200"
                ready = f"http://127.0.0.1:{port(control)}/health/ready"
                wait_until(lambda: get(ready).status_code == 200, second.said)
                assert second.stop() == 0
    for each in (rest, mcp, control):
        each.close()


def test_a_socket_without_a_name_is_known_by_its_port_or_is_the_only_one(file):
    with listener() as given:
        with Activated(file, (given,), ("naftiko.socket",)) as running:  # both adapters: they share it as a port
            running.wait_for("rest ", "mcp ")
            assert running.mcp == f"http://127.0.0.1:{port(given)}/mcp"
            assert get(f"{running.rest}/r/1").status_code == 200
        with listener() as other:
            ports = ("--port", f"rest={port(given)}", "--port", f"mcp={port(other)}")
            with Activated(file, (other, given), ("unknown", "unknown"), *ports) as running:
                running.wait_for("rest ", "mcp ")
                assert running.rest == f"http://127.0.0.1:{port(given)}"
                assert get(f"{running.rest}/r/1").status_code == 200


def test_a_unix_socket_of_systemd_is_not_removed(file, tmp_path):
    path = tmp_path / "s.sock"
    with socket.socket(socket.AF_UNIX) as given:
        given.bind(str(path))
        given.listen()
        with Activated(file, (given,), ("rest",), "--port", "mcp=0") as running:
            running.wait_for("rest ", "mcp ")
            with httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), timeout=LIMIT) as client:
                assert client.get("http://localhost/r/1").status_code == 200
            assert running.stop() == 0
        assert path.exists()


def test_sockets_of_another_process_are_none_of_ours(file):
    with listener() as given, Activated(file, (given,), ("rest",), *PORTS[:4], pid="1") as running:
        running.wait_for("rest ", "mcp ")
        assert running.rest != f"http://127.0.0.1:{port(given)}"


def test_a_socket_that_nobody_wants_is_told(file):
    with listener() as given, Activated(file, (given,), ("shop",), *PORTS[:4]) as running:
        running.wait_for("rest ", "mcp ")
        wait_until(lambda: any("passes the socket `shop`" in line for line in running.errors), running.said)


def test_what_is_no_socket_is_told(tmp_path):
    environment = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "0"}
    assert inherited(environment) == []
    assert environment == {}
    assert inherited({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "many"}) == []


@pytest.mark.parametrize("kind", ["file", "datagram", "not listening"])
def test_descriptors_that_nobody_can_come_to(file, tmp_path, kind):
    if kind == "file":
        made = (tmp_path / "x").open("wb")
    else:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if kind == "datagram" else socket.SOCK_STREAM)
    with made, Activated(file, (made,), ("rest",)) as running:
        assert running.wait() == 1
        assert "descriptor 3 of LISTEN_FDS (rest) is no socket" in " ".join(running.errors)


def test_the_only_socket_is_not_the_operators():
    with Inherited(socket.AF_INET, socket.SOCK_STREAM) as made:
        made.bind(("127.0.0.1", 0))
        made.name = "naftiko.socket"
        given = Given(inherited=[made])
        assert given.place(["control"], 9464, for_operators=True) is None
        assert given.unused == [made]
        assert given.place(["front", "rest"], 8080, for_operators=False) == made.getsockname()
        assert given.unused == []


def test_a_path_comes_before_a_socket():
    given = Given(paths={"rest": "/run/rest.sock"})
    assert given.place(["front", "rest"], 8080, for_operators=False) == ("unix:/run/rest.sock", 0)
    assert given.place(["tools", "mcp"], 9090, for_operators=False) is None
    with pytest.raises(CannotListen):
        given.open("unix:/run/nowhere/at/all.sock", 0, 1)
