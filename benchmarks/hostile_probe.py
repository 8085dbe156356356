"""What `benchmarks/hostile.py` measures with: a process of its own that pings a server and looks at its processes.

    python benchmarks/hostile_probe.py PORT PID

**Stop of the loop.** It asks for ``/ping`` every few milliseconds. A ping that waits is a loop that stands still, or a
machine that is busy with something else. So the stop is the time of a processor that the server's own threads took
while that ping waited, and no longer than the wait. All threads count, for one that holds the interpreter's lock stops
the loop as well; the processes beside the server don't, for they stop nobody. How long the ping waited by the clock is
told beside it.

**Memory.** The kernel keeps the most that a process had (proc(5), VmHWM), and is told to begin anew for each case. The
server counts with what it has more than before, and each process that worked meanwhile with all that it has more than
the one that it was forked from, be it left from an earlier case.
"""

from __future__ import annotations

import contextlib
import json
import math
import select
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PING: Final = b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n"
BETWEEN_PINGS: Final = 0.003
BETWEEN_LOOKS: Final = 0.02
GROWN: Final = 96 * 1024 * 1024
_RESETS_THE_PEAK: Final = "5"
_OF_A_PROCESS: Final = 2
"""The clock of all threads of a process (clock_getcpuclockid(3): the id is below the complement of the process's)."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The worst since the last look.

    Attributes:
        stop_ms: the longest that the server worked on while a ping waited.
        ping_ms: the longest that a ping took by the clock.
        memory: bytes that the server had more than before, and those that worked for it had, at the most.
    """

    stop_ms: float
    ping_ms: float
    memory: int


def family(pid: int) -> list[int]:
    """Return a process and all below it."""
    try:
        found = [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []
    return [pid, *(below for each in found for below in family(each))]


def worked(pid: int) -> float:
    """Return the seconds of a processor that all threads of a process have taken."""
    return time.clock_gettime((~pid << 3) | _OF_A_PROCESS)


def peak(pid: int) -> int:
    """Return the most memory that a process had, in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


class _Memory:
    """The memory of a server and of what works for it."""

    def __init__(self, server: int) -> None:
        self._server = server
        self._template = family(server)[1]
        self._calm = peak(self._template)
        self._before = 0
        self._began: dict[int, float] = {}
        self._most: dict[int, int] = {}
        self.begin()

    def look(self) -> None:
        for each in family(self._server):
            with contextlib.suppress(OSError):
                self._began.setdefault(each, 0.0)
                if worked(each) > self._began[each]:
                    self._most[each] = peak(each)

    def begin(self) -> None:
        self._began.clear()
        self._most.clear()
        for each in family(self._server):
            with contextlib.suppress(OSError):
                Path(f"/proc/{each}/clear_refs").write_text(_RESETS_THE_PEAK)
                # One that has grown so much ends (engine.process_pool.template), and does nothing for the next case.
                is_ending = peak(each) > self._calm + GROWN and each != self._server
                self._began[each] = math.inf if is_ending else worked(each)
        self._before = peak(self._server)

    def most(self) -> int:
        self.look()
        self._most.pop(self._template, None)  # it forks
        before = {self._server: self._before}
        return sum(max(0, most - before.get(each, self._calm)) for each, most in self._most.items())


def measure(port: int, pid: int) -> None:
    """Ping, look, and write a line with the worst since the last one for each line that comes."""
    ping = socket.create_connection(("127.0.0.1", port))
    ping.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    memory = _Memory(pid)
    stop, worst, looked = 0.0, 0.0, 0.0
    while True:
        before, began = worked(pid), time.perf_counter()
        ping.sendall(PING)
        while b"pong" not in ping.recv(4096):
            pass
        took = time.perf_counter() - began
        worst, stop = max(worst, took), max(stop, min(took, worked(pid) - before))
        if began - looked > BETWEEN_LOOKS:
            looked = began
            memory.look()
        if select.select([sys.stdin], [], [], BETWEEN_PINGS)[0]:
            if not sys.stdin.readline():
                return
            print(json.dumps([stop * 1000, worst * 1000, memory.most()]), flush=True)
            stop, worst = 0.0, 0.0
            memory.begin()


class Probe:
    """The process that measures, from here."""

    def __init__(self, port: int, pid: int) -> None:
        command = [sys.executable, __file__, str(port), str(pid)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def read(self) -> Figures:
        """Return the worst since the last look."""
        assert self._process.stdin is not None  # for the type checker
        assert self._process.stdout is not None  # for the type checker
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return Figures(*json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        """End it."""
        self._process.communicate()


if __name__ == "__main__":
    measure(int(sys.argv[1]), int(sys.argv[2]))
