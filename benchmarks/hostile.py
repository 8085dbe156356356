"""No input stops the loop, and none costs more memory than it may: thousands of hostile ones against a served app.

    python benchmarks/hostile.py --cases 10000

A process of its own asks for ``/ping`` every few milliseconds and looks at the memory of the server and its processes,
so that nothing of this program's own work is measured. A stop of the loop is the time in which the server's thread ran
while a ping waited (proc(5), schedstat): what it waited for a processor is the machine's, and is told beside it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from hostile_cases import Case, cases

HERE: Final = Path(__file__).parent
CAPABILITY: Final = HERE / "capabilities" / "hostile.yaml"
PING: Final = b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n"
CONSTANT: Final = 320 * 1024 * 1024
"""Bytes that an input may cost in any case: the processes that work on it, with what they have loaded."""
FACTOR: Final = 10
PATIENCE: Final = 40.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What one case did.

    Attributes:
        stop_ms: the longest that the loop ran on while a ping waited.
        ping_ms: the longest that a ping took, whatever the machine did meanwhile.
        memory: bytes that the server and its processes had more than before, at the most.
        seconds: until the answer was there.
        status: of the answer; 0 for none.
    """

    name: str
    size: int
    stop_ms: float
    ping_ms: float
    memory: int
    seconds: float
    status: int

    @property
    def factor(self) -> float:
        """How many times its size it cost, beyond the constant."""
        return max(0, self.memory - CONSTANT) / max(1, self.size)


# The process that measures


def family(pid: int) -> list[int]:
    """Return a process and all below it."""
    try:
        found = [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []
    return [pid, *(below for each in found for below in family(each))]


def memory_of(pid: int) -> int:
    """Return the memory of a process and all below it, shared pages counted once (proc(5), smaps_rollup)."""
    total = 0
    for each in family(pid):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{each}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
    return total


def ran_of(pid: int) -> float:
    """Return for how many seconds the first thread of a process has run (proc(5), schedstat)."""
    return int(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[0]) / 1e9


def measure(port: int, pid: int) -> None:
    """Ping, look, and write a line with the worst since the last one for each line that comes."""
    stop, worst, most, ping = 0.0, 0.0, 0, socket.create_connection(("127.0.0.1", port))
    ping.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    looked = 0.0
    while True:
        ran, began = ran_of(pid), time.perf_counter()
        ping.sendall(PING)
        while b"pong" not in ping.recv(4096):
            pass
        took = time.perf_counter() - began
        worst, stop = max(worst, took), max(stop, min(took, ran_of(pid) - ran))
        if began - looked > 0.08:  # looking takes a millisecond, too
            looked, most = began, max(most, memory_of(pid))
        if select.select([sys.stdin], [], [], 0.003)[0]:
            if not sys.stdin.readline():
                return
            print(json.dumps([stop * 1000, worst * 1000, max(most, memory_of(pid))]), flush=True)
            stop, worst, most = 0.0, 0.0, 0


class Probe:
    """The process that measures, from here."""

    def __init__(self, port: int, pid: int) -> None:
        command = [sys.executable, __file__, "--measure", str(port), str(pid)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def read(self) -> tuple[float, float, int]:
        """Return the worst stop and ping in milliseconds, and the most memory in bytes, since the last look."""
        assert self._process.stdin is not None  # for the type checker
        assert self._process.stdout is not None  # for the type checker
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        stop, ping, memory = json.loads(self._process.stdout.readline())
        return stop, ping, memory

    def close(self) -> None:
        """End it."""
        self._process.communicate()


# The upstream and the server


class Upstream:
    """Answers every request with what it is told to, from a thread that only moves bytes."""

    def __init__(self) -> None:
        self.answer = b""
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def say(self, case: Case) -> None:
        """Answer with a case's answer."""
        body = b'{"ok":true}' if case.answer is None else case.answer
        coding = b"Content-Encoding: %b\r\n" % case.coding if case.coding else b""
        self.answer = b"HTTP/1.1 %d X\r\nContent-Type: %b\r\n%bContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (
            *(case.status, case.media_type, coding, len(body), body),
        )

    def _listen(self) -> None:
        while True:
            connection, _ = self._listening.accept()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(PATIENCE)
            data = bytearray()
            while b"\r\n\r\n" not in data:
                data += connection.recv(65536)
            head, _, body = bytes(data).partition(b"\r\n\r\n")
            lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            left = int(lengths[0].partition(b":")[2]) - len(body) if lengths else 0
            while left > 0:
                left -= len(connection.recv(1 << 20)) or left
            connection.sendall(self.answer)


@contextlib.contextmanager
def served(upstream: int) -> Iterator[tuple[subprocess.Popen[str], dict[str, int]]]:
    """Run the server; yield it with its ports."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "naftiko", "serve", str(CAPABILITY), "--log-level", "error"]
        command += ["--port", "rest=0", "--port", "mcp=0", "--base-uri", f"up=http://127.0.0.1:{upstream}"]
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
        ports: dict[str, int] = {}
        assert process.stdout is not None  # for the type checker
        while len(ports) < 2:  # rest and mcp
            kind, url, *_ = process.stdout.readline().split() or ["", ""]
            if kind in {"rest", "mcp"}:
                ports[kind] = int(url.partition("127.0.0.1:")[2].partition("/")[0])
        try:
            while len(family(process.pid)) < 2:  # it and the template of its processes
                time.sleep(0.05)
            yield process, ports
        finally:
            process.terminate()
            process.communicate()


def ask(port: int, request: bytes) -> int:
    """Send a request; return the status of its answer, all of which is read, or 0 where there is none."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        sender = threading.Thread(target=_send, args=(connection, request), daemon=True)
        sender.start()
        head = b""
        while piece := connection.recv(1 << 20):
            head = head or piece[:12]
        return int(head[9:12]) if head[9:12].isdigit() else 0
    return 0


def _send(connection: socket.socket, request: bytes) -> None:
    with contextlib.suppress(OSError):
        connection.sendall(request)
        if b"\r\n\r\n" not in request:  # nothing more comes
            connection.shutdown(socket.SHUT_WR)


# The run


def run(options: argparse.Namespace) -> tuple[list[Seen], float]:
    """Run the cases; return what each did, and the worst ping while nothing happened, in milliseconds."""
    upstream = Upstream()
    seen: list[Seen] = []
    calm: list[float] = []
    with served(upstream.port) as (process, ports):
        for port, request in (("rest", b"GET /json/x"), ("rest", b"GET /ping")):
            ask(ports[port], request + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        probe = Probe(ports["rest"], process.pid)
        probe.read()
        time.sleep(1)
        calm.append(probe.read()[1])
        until = time.monotonic() + options.seconds
        for at, case in enumerate(cases(options.seed, options.cases, options.largest)):
            if time.monotonic() > until:
                break
            if options.only and options.only not in case.name:
                continue
            upstream.say(case)
            before = probe.read()[2]
            began = time.perf_counter()
            status = ask(ports[case.port], case.request)
            seconds = time.perf_counter() - began
            stop, ping, most = probe.read()
            seen.append(
                Seen(case.name, case.size, round(stop, 1), round(ping, 1), most - before, round(seconds, 3), status)
            )
            if options.verbose:
                print(seen[-1], flush=True)
            if at % 50 == 0:
                time.sleep(0.2)
                calm.append(probe.read()[1])
            if process.poll() is not None:
                raise SystemExit(f"the server ended: {case}")
        probe.close()
    return seen, max(calm)


def told(seen: list[Seen], calm: float, limit: float) -> dict[str, Any]:
    """Return the figures, the worst cases first."""
    by_stop = sorted(seen, key=lambda each: -each.stop_ms)
    stops = [each.stop_ms for each in by_stop]
    over = [each for each in by_stop if each.stop_ms > limit]
    fat = sorted((each for each in seen if each.factor > FACTOR), key=lambda each: -each.factor)
    mute = [each for each in seen if not each.status and not each.name.startswith("head")]
    return {
        "cases": len(seen),
        "worst ping while nothing happens, ms": round(calm, 1),
        "stops of the loop, ms": {"p50": stops[len(stops) // 2], "p99": stops[len(stops) // 100], "worst": stops[0]},
        f"stops over {limit:g} ms": [asdict(each) for each in over[:20]],
        "over ten times its size": [asdict(each) for each in fat[:20]],
        "no answer": [asdict(each) for each in mute[:20]],
        "worst stops": [asdict(each) for each in by_stop[:10]],
        "most memory": [asdict(each) for each in sorted(seen, key=lambda each: -each.memory)[:5]],
        "longest": [asdict(each) for each in sorted(seen, key=lambda each: -each.seconds)[:5]],
        "broken": len(over) + len(fat) + len(mute),
    }


def main() -> None:
    """Run, and fail where a limit is broken."""
    if sys.argv[1:2] == ["--measure"]:
        measure(int(sys.argv[2]), int(sys.argv[3]))
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--largest", type=int, default=10_000_000, metavar="BYTES")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no case after so many seconds")
    parser.add_argument("--limit-ms", type=float, default=100.0, help="the longest stop of the loop")
    parser.add_argument("--only", default="", help="the cases whose names have this text")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE.parent / "src"), os.environ.get("PYTHONPATH", "")])
    seen, calm = run(options)
    figures = told(seen, calm, options.limit_ms)
    print(json.dumps(figures, indent=1))
    sys.exit(bool(figures["broken"]))


if __name__ == "__main__":
    main()
