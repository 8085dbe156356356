"""No input stops the loop, and none costs more memory than it may: thousands of hostile ones against a served app.

    python benchmarks/hostile.py --cases 10000

Of fourteen cases of a kind one has the largest size, one 1 to 10 MB, four 20 KB to 1 MB, eight are smaller. A case is
judged by the time of a processor for which the loop stood still, which a machine that is busy with something else
doesn't lengthen; the wait by the clock is told beside it (`hostile_probe.py` says how both are measured). Memory may be
ten times the size of the input, and a constant: the process that works on it, with what it has loaded.

Small cases are in flight together. What is measured then is no less than what each of them alone does; where it is
worth a look, each of them is done again alone, and that figure counts.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from hostile_cases import MCP, OLDER, SESSION, WHAT, Case, cases, rest, wire
from hostile_probe import Figures, Probe, family

HERE: Final = Path(__file__).parent
CAPABILITY: Final = HERE / "capabilities" / "hostile.yaml"
CONSTANT: Final = 384 * 1024 * 1024
"""Bytes that an input may cost in any case: the room of a job, what its process has loaded and may keep from others."""
FACTOR: Final = 10
PATIENCE: Final = 65.0
TOGETHER: Final = 8
"""Small cases in flight at once."""
SMALL: Final = 100_000
WORTH_A_LOOK_MS: Final = 25.0
LARGE: Final = 1_000_000
"""Bytes of an input from which on its memory as a multiple of its size says something."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one case did.

    Attributes:
        stop_ms: the longest for which the loop stood still, in time of a processor.
        ping_ms: the longest that a ping took by the clock, whatever the machine did meanwhile.
        memory: bytes that the server had more than before, and its processes had, at the most.
        seconds: until the answer was there.
        status: of the answer; 0 for none.
        leaves: whether its caller waited for no answer.
        alone: whether nothing else was in flight; else the figures are those of all that was.
    """

    name: str
    size: int
    stop_ms: float
    ping_ms: float
    memory: int
    seconds: float
    status: int
    leaves: bool
    alone: bool

    @property
    def factor(self) -> float:
        """How many times its size it cost, beyond the constant."""
        return max(0, self.memory - CONSTANT) / max(1, self.size)

    def shown(self) -> dict[str, Any]:
        """Return it for people."""
        return {**asdict(self), "times its size": round(self.memory / max(1, self.size), 1)}


# The upstream and the servers


class Upstream:
    """Answers every request with what it is told to, from threads that only move bytes."""

    def __init__(self) -> None:
        self._answers: dict[bytes, bytes] = {}
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    @contextlib.contextmanager
    def saying(self, what: bytes, answer: bytes | None) -> Iterator[None]:
        """Answer so to requests that have a text in their path."""
        if answer is None:
            yield
            return
        self._answers[what] = answer
        yield
        del self._answers[what]

    def _listen(self) -> None:
        while True:
            connection, _ = self._listening.accept()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(PATIENCE)
            data = bytearray()
            while b"\r\n\r\n" not in data:
                piece = connection.recv(65536)
                if not piece:
                    return
                data += piece
            head, _, body = bytes(data).partition(b"\r\n\r\n")
            lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            left = int(lengths[0].partition(b":")[2]) - len(body) if lengths else 0
            while left > 0:
                left -= len(connection.recv(1 << 20)) or left
            what = re.search(rb"w[0-9]{7}", head.partition(b"\r\n")[0])
            connection.sendall(self._answers.get(what[0] if what else b"", wire(b'{"ok":true}')))
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(1 << 16):  # a reset would take the answer with it
                pass


class Server:
    """A server of the capability, and what measures it.

    Attributes:
        ports: by ``rest`` and ``mcp``.
        probe: measures it.
    """

    def __init__(self, upstream: int, *more: str) -> None:
        command = [sys.executable, "-m", "naftiko", "serve", str(CAPABILITY), "--log-level", "error", *more]
        command += ["--port", "rest=0", "--port", "mcp=0", "--base-uri", f"up=http://127.0.0.1:{upstream}"]
        self._folder = tempfile.TemporaryDirectory()
        self._process = subprocess.Popen(command, cwd=self._folder.name, stdout=subprocess.PIPE, text=True)
        self.ports: dict[str, int] = {}
        assert self._process.stdout is not None  # for the type checker
        while "mcp" not in self.ports:  # the last line
            kind, url, *_ = self._process.stdout.readline().split() or ["", ""]
            self.ports[kind] = int(url.partition("127.0.0.1:")[2].partition("/")[0] or 0)
        while len(family(self._process.pid)) < 2:  # it and the template of its processes
            time.sleep(0.05)
        for path in ("/ping", "/json/x"):
            ask(self.ports["rest"], rest(path))
        self.ask_mcp(b"tools/list", b"{}")
        self.probe = Probe(self.ports["rest"], self._process.pid)

    def ask_mcp(self, method: bytes, params: bytes) -> bytes:
        """Send a request to its MCP server; return the answer, head and all."""
        body = b'{"jsonrpc":"2.0","id":1,"method":"%b","params":%b}' % (method, params)
        return ask(self.ports["mcp"], rest("/mcp", body, MCP + OLDER))

    def check(self, last: Case) -> None:
        """Make sure that it still runs."""
        if self._process.poll() is not None:
            raise SystemExit(f"the server ended: {last}")

    def close(self) -> None:
        """End it."""
        self.probe.close()
        self._process.terminate()
        self._process.communicate()
        self._folder.cleanup()


def ask(port: int, request: bytes, *, leaves: bool = False) -> bytes:
    """Send a request; return the beginning of its answer, all of which is read."""
    begun = b""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        if len(request) < 1 << 16:
            _send(connection, request, leaves)
        else:
            threading.Thread(target=_send, args=(connection, request, leaves), daemon=True).start()
        while piece := connection.recv(1 << 20):
            begun = begun if len(begun) > 4096 else begun + piece[:4096]
    return begun


def _send(connection: socket.socket, request: bytes, leaves: bool) -> None:  # noqa: FBT001  # of a thread
    with contextlib.suppress(OSError):
        connection.sendall(request)
        if leaves:
            connection.shutdown(socket.SHUT_WR)


# The run


class Run:
    """A run of cases.

    Attributes:
        seen: what each did.
        calm: the figures of the servers while nothing happened.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._upstream = Upstream()
        self._servers: dict[str, Server] = {}
        self._number = 0
        self.seen: list[Seen] = []
        self.calm: list[Figures] = []

    def run(self) -> None:
        """Run all."""
        plain, keeping = Server(self._upstream.port), Server(self._upstream.port, "--stateful")
        self._servers = {"rest": plain, "mcp": plain, "session": keeping}
        waiting: dict[Server, list[Case]] = {plain: [], keeping: []}
        try:
            self._look_at_calm(plain, keeping)
            with ThreadPoolExecutor(TOGETHER) as threads:
                for case in self._cases():
                    server = self._servers[case.port]
                    if case.size > SMALL:
                        self._together(server, [case], threads)
                        continue
                    waiting[server].append(case)
                    if len(waiting[server]) == TOGETHER:
                        self._together(server, waiting[server], threads)
                        waiting[server] = []
                for server, left in waiting.items():
                    self._together(server, left, threads)
            self._look_at_calm(plain, keeping)
        finally:
            for server in (plain, keeping):
                server.close()

    def _cases(self) -> Iterator[Case]:
        until = time.monotonic() + self._options.seconds
        for case in cases(self._options.seed, self._options.cases, self._options.largest):
            if time.monotonic() > until:
                return
            if self._options.only in case.name:
                yield case

    def _look_at_calm(self, *servers: Server) -> None:
        for server in servers:
            server.probe.read()
        time.sleep(1)
        self.calm += [server.probe.read() for server in servers]

    def _together(self, server: Server, group: Sequence[Case], threads: ThreadPoolExecutor) -> None:
        if not group:
            return
        # One each: who gives the same id to two requests of a session waits for ever.
        sessions = [self._session(server) if case.port == "session" else b"" for case in group]
        server.probe.read()
        done = list(threads.map(self._sent, [server] * len(group), group, sessions))
        figures = server.probe.read()
        server.check(group[-1])
        worth_a_look = figures.stop_ms > WORTH_A_LOOK_MS or figures.memory > CONSTANT
        if len(group) > 1 and worth_a_look:
            for case in group:
                self._together(server, [case], threads)
            return
        for case, (seconds, status) in zip(group, done, strict=True):
            stop, ping = round(figures.stop_ms, 1), round(figures.ping_ms, 1)
            alone = len(group) == 1
            how = (stop, ping, figures.memory, round(seconds, 3), status, case.leaves, alone)
            self.seen.append(Seen(case.name, case.size, *how))
            if self._options.verbose:
                print(self.seen[-1], flush=True)

    def _sent(self, server: Server, case: Case, session: bytes) -> tuple[float, int]:
        """Send a case; return the seconds until its answer, and its status or 0."""
        self._number += 1
        what = b"w%07d" % self._number
        request = case.request
        if case.answer is not None:
            request = request.replace(WHAT, what)
        if session:
            request = request.replace(SESSION, session, 1)
        with self._upstream.saying(what, case.answer):
            began = time.perf_counter()
            head = ask(server.ports["rest" if case.port == "rest" else "mcp"], request, leaves=case.leaves)[9:12]
            return time.perf_counter() - began, int(head) if head.isdigit() else 0

    def _session(self, server: Server) -> bytes:
        """Return a session that is open."""
        about = b'{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"x","version":"1"}}'
        answer = server.ask_mcp(b"initialize", about)
        found = re.search(rb"(?i)mcp-session-id: *([0-9a-f]+)", answer)
        if found is None:
            raise SystemExit(f"no session: {answer!r}")
        return found[1]


def told(run: Run, limit: float) -> dict[str, Any]:
    """Return the figures, the worst cases first."""
    seen = run.seen
    by_stop = sorted(seen, key=lambda each: -each.stop_ms)
    by_memory = sorted(seen, key=lambda each: (-each.factor, -each.memory))
    large = sorted((each for each in seen if each.size >= LARGE), key=lambda each: -each.memory / each.size)
    over = [each for each in by_stop if each.stop_ms > limit]
    fat = [each for each in by_memory if each.factor > FACTOR]
    mute = [each for each in seen if not each.status and not each.leaves]
    return {
        "cases": len(seen),
        "alone": sum(each.alone for each in seen),
        "of 1 MB and more": len(large),
        "MB of input": round(sum(each.size for each in seen) / 1e6),
        "stops in calm, ms": [(round(each.stop_ms, 1), round(each.ping_ms, 1)) for each in run.calm],
        "stops, ms of a processor": _spread([each.stop_ms for each in seen]),
        "waits, ms by the clock": _spread([each.ping_ms for each in seen]),
        "memory of 1 MB and more, times the size": _spread([each.memory / each.size for each in large]),
        "worst memory beyond the constant, times the size": round(by_memory[0].factor, 2),
        f"stops over {limit:g} ms": [each.shown() for each in over[:40]],
        "over ten times its size": [each.shown() for each in fat[:40]],
        "no answer": [each.shown() for each in mute[:40]],
        "worst stops": [each.shown() for each in by_stop[:5]],
        "worst memory": [each.shown() for each in by_memory[:5]],
        "worst memory, times the size": [each.shown() for each in large[:5]],
        "longest": [each.shown() for each in sorted(seen, key=lambda each: -each.seconds)[:5]],
        "broken": len(over) + len(fat) + len(mute),
    }


def _spread(figures: Sequence[float]) -> dict[str, float]:
    ordered = sorted(figures, reverse=True) or [0.0]
    places = {"p50": len(ordered) // 2, "p99": len(ordered) // 100, "worst": 0}
    return {name: round(ordered[at], 1) for name, at in places.items()}


def main() -> None:
    """Run, and fail where a limit is broken."""
    about, _, how = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        description=about, epilog=how, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--largest", type=int, default=10_000_000, metavar="BYTES")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no case after so many seconds")
    parser.add_argument(
        "--limit-ms", type=float, default=100.0, help="the longest stop of the loop, in time of a processor"
    )
    parser.add_argument("--only", default="", help="the cases whose names have this text")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE.parent / "src"), os.environ.get("PYTHONPATH", "")])
    began = time.monotonic()
    run = Run(options)
    run.run()
    figures = told(run, options.limit_ms)
    print(json.dumps({**figures, "minutes": round((time.monotonic() - began) / 60, 1)}, indent=1))
    sys.exit(bool(figures["broken"]))


if __name__ == "__main__":
    main()
