"""Several processes behind the same sockets, supervised: one that dies is replaced, and the ports never close.

The supervisor holds the listening sockets and runs nothing else that could fail. Each worker is a fork with the sockets
inherited, so what was loaded before the fork is shared memory; each listens on a socket of its own on the same port,
so that the system spreads the connections evenly. SIGHUP reads the files again and restarts the workers one after the
other: a new one is ready before an old one stops, so that no request fails. SIGINT and SIGTERM let all requests in
flight finish.
Each worker's event loop gives a sign of life every second; one that stands still is ended and replaced.
"""

from __future__ import annotations

import contextlib
import logging
import mmap
import os
import select
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from naftiko.ground.errors import NaftikoError
from naftiko.observe.lines import LINES
from naftiko.serve.systemd import Notifier

_log = logging.getLogger(__name__)

READY_SECONDS = 60
"""How long a new worker may take until it serves."""
PULSE_SECONDS = 1.0
"""How often a worker's event loop gives a sign of life."""
HANG_SECONDS = 20.0
"""How long a worker may give none; far longer than anything that it does between two steps of its loop."""
_LIVES = 5.0
"""How old the last sign of life of a worker may be that lives; systemd hears none while all are older."""
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)
_RESTART_PAUSE = 1.0
"""Seconds between two replacements of a worker that dies at once: a fault at start must not spin."""

_RESTART = b"r"
"""What a worker says among its signs of life when a changed file needs another listener."""

DRAIN_SIGNAL = signal.SIGQUIT
"""Tells a worker that it is replaced: it closes its connections politely before it stops."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a worker is told by its supervisor.

    Attributes:
        slot: which socket of each listener is its own, from 0.
        ready: to be called once it serves.
        pulse: to be called every ``PULSE_SECONDS`` from then on.
        reload: whether to load the files anew.
        restart: asks the supervisor to replace all workers, since a changed file needs another listener.
        lifeline: a file descriptor that ends when the supervisor does; the worker then stops.
        is_last: tells whether all workers stop, so that nobody will listen on its sockets after it.
    """

    slot: int
    ready: Callable[[], None]
    pulse: Callable[[], None]
    reload: bool
    restart: Callable[[], None]
    lifeline: int
    is_last: Callable[[], bool]


RunWorker = Callable[[Assignment], None]
"""Runs a worker until it is told to stop."""


@dataclass(slots=True)
class Worker:
    """A process that serves.

    Attributes:
        started: seconds, monotonic.
        pulse: where its signs of life come from.
        seen: when the last one came.
        stopping: whether it was told to stop.
    """

    pid: int
    slot: int
    started: float
    pulse: int
    seen: float
    stopping: bool = False


class Supervisor:
    """Keeps a number of workers alive.

    Args:
        count: how many.
        run: runs one of them, in its own process.
        grace: seconds that workers get to finish when they are told to stop.
        scout: looks, in a process of its own, at what the files want by now, and says so; what reads files may hang.
        prepare: takes what it says before workers are replaced; it tells whether they are to be.
        stopping: called in this process when they are told: it closes its own listening sockets, in whose queues
            callers would otherwise wait for nobody.
        hang_seconds: how long a worker may give no sign of life.
        apart: how many processes there are beside the workers, which serve no callers; their slots are the last ones.

    Attributes:
        notifier: tells systemd how it goes.
        part: called before a worker is told that it is replaced, with its slot; after the last one with ``None``.
    """

    def __init__(
        self,
        count: int,
        run: RunWorker,
        *,
        grace: float,
        stopping: Callable[[], None],
        scout: Callable[[], bytes] = bytes,
        prepare: Callable[[bytes], bool] = lambda _: True,
        hang_seconds: float = HANG_SECONDS,
        apart: int = 0,
    ) -> None:
        self.notifier = Notifier({})
        self.part: Callable[[int | None], None] = lambda _: None
        self._apart = apart
        self._hang_seconds = hang_seconds
        self._count = count
        self._run = run
        self._grace = grace
        self._tell_stopping = stopping
        self._scout = scout
        self._prepare = prepare
        self._came: list[int] = []
        self._workers: dict[int, Worker] = {}
        self._stopping = False
        self._all_stop = mmap.mmap(-1, 1)  # one byte that all of its processes see
        self._wake_reader, self._wake_writer = os.pipe()
        self._lifeline_reader, self._lifeline_writer = os.pipe()

    def supervise(self) -> None:
        """Start the workers and keep them until SIGINT or SIGTERM; return when all have ended.

        Raises:
            NaftikoError: none of them comes to serve.
        """
        os.set_blocking(self._wake_writer, False)
        previous = {number: signal.signal(number, _ignore) for number in _SIGNALS}
        signal.set_wakeup_fd(self._wake_writer, warn_on_full_buffer=False)
        try:
            for slot in range(self._count):
                self._start(slot, reload=False)
            if not self._workers and not self._is_told_to_stop():
                raise NaftikoError("no worker came to serve; the log says why")
            for slot in range(self._count, self._count + self._apart):
                self._start(slot, reload=False)
            self._tell_ready()
            while self._workers:
                self._handle(self._wait())
        finally:
            signal.set_wakeup_fd(-1)
            for number, handler in previous.items():
                signal.signal(number, handler)
            for end in (self._wake_reader, self._wake_writer, self._lifeline_reader, self._lifeline_writer):
                os.close(end)

    def _wait(self) -> list[int]:
        """Wait for signals, or a moment; return their numbers."""
        began = time.monotonic()
        readable = [] if self._came else self._readable(PULSE_SECONDS)
        came, self._came = [*self._came, *self._signals(readable)], []
        now = time.monotonic()
        slept = (
            now - began > PULSE_SECONDS + self._hang_seconds / 2
        )  # this process stood still itself, and so may all the others have
        for worker in self._workers.values():
            if slept or worker.pulse in readable:
                worker.seen = now
                with contextlib.suppress(BlockingIOError):
                    if _RESTART in os.read(worker.pulse, 4096):
                        came.append(signal.SIGHUP)
        return came

    def _readable(self, seconds: float, *others: int) -> list[int]:
        """Wait until there is a signal, a sign of life, or something from another descriptor."""
        self._give_pulse()
        seconds = min(seconds, self.notifier.watchdog or seconds)
        pulses = [worker.pulse for worker in self._workers.values()]
        readable, _, _ = select.select([self._wake_reader, *pulses, *others], [], [], seconds)
        return readable

    def _give_pulse(self) -> None:
        """Tell systemd that this lives, if some worker does: a service whose loops all stand still is none."""
        now = time.monotonic()
        if any(now - worker.seen < _LIVES for worker in self._workers.values()):
            self.notifier.alive()

    def _tell_ready(self) -> None:
        self.notifier.ready(f"Serving with {self._count} workers")

    def _signals(self, readable: list[int]) -> list[int]:
        return list(os.read(self._wake_reader, 4096)) if self._wake_reader in readable else []

    def _handle(self, signals: list[int]) -> None:
        if signal.SIGINT in signals or signal.SIGTERM in signals:
            self._stop_all()
        self._reap()
        self._end_hanging()
        if signal.SIGHUP in signals and not self._stopping:
            self.notifier.reloading()
            try:
                self._restart()
            finally:
                self._tell_ready()

    def _end_hanging(self) -> None:
        """End workers whose event loop stands still; they are replaced when they are gone."""
        now = time.monotonic()
        for worker in self._workers.values():
            if now - worker.seen > self._hang_seconds and not worker.stopping:
                _log.error(
                    "worker %d gives no sign of life for %.0f seconds; it is ended", worker.pid, self._hang_seconds
                )
                worker.seen = now
                with contextlib.suppress(ProcessLookupError):
                    os.kill(worker.pid, signal.SIGKILL)

    def _start(self, slot: int, *, reload: bool) -> Worker | None:
        """Fork a worker and wait until it serves; ``None`` where it ended before that, or this process shall stop.

        One that is still starting when this process is told to stop is stopped as the others are: it may be at calls
        already, since what is quick to start answers first.
        """
        if self._is_told_to_stop():
            return None
        reader, writer = os.pipe()
        # A worker that is told something before it has its own handlers hears it then; ours would take it for our own.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            self._be_a_worker(slot, writer, reload=reload)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(writer)
        os.set_blocking(reader, False)
        now = time.monotonic()
        serves = self._comes_to_serve(reader, now + READY_SECONDS)
        if serves or self._is_told_to_stop():
            worker = Worker(pid, slot, now, reader, time.monotonic())
            self._workers[pid] = worker
            return worker if serves else None
        os.close(reader)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        return None

    def _comes_to_serve(self, reader: int, deadline: float) -> bool:
        """Wait for a new worker's first byte; signals that come meanwhile are kept, and a stop ends the waiting."""
        while (left := deadline - time.monotonic()) > 0:
            readable = self._readable(min(left, PULSE_SECONDS), reader)
            self._came += self._signals(readable)
            if reader in readable:
                return os.read(reader, 1) == b"1"
            if self._is_told_to_stop():
                return False
            self._note_pulses(readable)
        return False

    def _is_told_to_stop(self) -> bool:
        """Tell whether a stop has come that is not yet done."""
        return not {signal.SIGINT, signal.SIGTERM}.isdisjoint(self._came)

    def _be_a_worker(self, slot: int, writer: int, *, reload: bool) -> NoReturn:
        signal.set_wakeup_fd(-1)
        os.close(self._lifeline_writer)
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(DRAIN_SIGNAL, signal.SIG_IGN)  # until it serves
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)

        os.set_blocking(writer, False)
        for other in self._workers.values():
            os.close(other.pulse)

        def give(sign: bytes) -> None:
            with contextlib.suppress(OSError):  # the supervisor is gone, or hasn't read the last ones
                os.write(writer, sign)

        code = 1
        try:
            self._run(
                Assignment(
                    slot,
                    lambda: give(b"1"),
                    lambda: give(b"."),
                    reload,
                    lambda: give(_RESTART),
                    self._lifeline_reader,
                    lambda: self._all_stop[0] == 1,
                )
            )
            code = 0
        except NaftikoError as error:
            _log.error("a worker can not start: %s", error)  # it says what is wrong
        except BaseException:  # noqa: BLE001  # a fork must not return into its parent's code
            _log.exception("a worker failed")
        finally:
            LINES.drain()
            os._exit(code)

    def _reap(self) -> None:
        """Take note of workers that ended; replace those that were not told to."""
        for pid in list(self._workers):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if not ended:
                continue
            worker = self._workers.pop(pid)
            os.close(worker.pulse)
            if worker.stopping or self._stopping:
                continue
            _log.error("worker %d ended with %s; it is replaced", pid, _reason(status))
            self._replace(worker)

    def _replace(self, worker: Worker) -> None:
        """Start another worker in place of one that died, with what was loaded first if the files are broken now."""
        if time.monotonic() - worker.started < _RESTART_PAUSE:
            time.sleep(_RESTART_PAUSE)
        comes = self._start(worker.slot, reload=True) or self._start(worker.slot, reload=False)
        if comes is None and not self._is_told_to_stop():
            _log.error("no worker comes to serve in place of %d; the others go on", worker.pid)

    def _restart(self) -> None:
        """Replace the workers one by one; if a new one doesn't come to serve, the old ones stay."""
        said = self._scouted()
        if said is None or not self._prepare(said):
            if not self._is_told_to_stop():
                _log.error("the files can't be served as they are by now: no worker is replaced, the old ones stay")
            return
        for worker in [known for known in self._workers.values() if not known.stopping]:
            successor = self._start(worker.slot, reload=True)
            if successor is None:
                if not self._is_told_to_stop():
                    _log.error("a new worker did not come to serve; the old ones stay")
                return
            worker.stopping = True
            self.part(worker.slot)
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker.pid, DRAIN_SIGNAL)
        self.part(None)
        _log.info("all workers are restarted")

    def _scouted(self) -> bytes | None:
        """Return what the scout says; ``None`` where it fails, or hangs, or this process shall stop."""
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            self._be_a_scout(writer)
        os.close(writer)
        deadline, said = time.monotonic() + READY_SECONDS, bytearray()
        while (left := deadline - time.monotonic()) > 0:
            readable = self._readable(min(left, PULSE_SECONDS), reader)
            self._came += self._signals(readable)
            if {signal.SIGINT, signal.SIGTERM}.intersection(self._came):
                break
            if reader in readable:
                piece = os.read(reader, 65_536)
                said += piece
                if not piece:
                    break
            self._note_pulses(readable)
        os.close(reader)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        return bytes(said) or None

    def _be_a_scout(self, writer: int) -> NoReturn:
        signal.set_wakeup_fd(-1)
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        try:
            said = self._scout() or b"-"
            while said:
                said = said[os.write(writer, said) :]
        except BaseException:  # noqa: BLE001  # a fork must not return into its parent's code
            _log.exception("the files could not be read again")
        finally:
            LINES.drain()
            os._exit(0)

    def _note_pulses(self, readable: list[int]) -> None:
        """Take note of signs of life that come while something else is waited for."""
        now = time.monotonic()
        for worker in self._workers.values():
            if worker.pulse in readable:
                worker.seen = now
                os.read(worker.pulse, 4096)

    def _stop_all(self) -> None:
        """Tell every worker to stop; a second time, end them at once."""
        number = signal.SIGKILL if self._stopping else signal.SIGTERM
        if not self._stopping:
            self.notifier.stopping()
            self._tell_stopping()
        self._stopping = True
        self._all_stop[0] = 1
        for worker in self._workers.values():
            worker.stopping = True
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker.pid, number)
        deadline = time.monotonic() + self._grace + 2
        while self._workers and time.monotonic() < deadline and number == signal.SIGTERM:
            if {signal.SIGINT, signal.SIGTERM}.intersection(self._wait()):
                break  # told a second time: at once
            self._reap()
        for worker in self._workers.values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker.pid, signal.SIGKILL)


def _ignore(number: int, frame: object) -> None:
    """Do nothing: the wake-up pipe tells the loop."""


def _reason(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def worker_count(text: str) -> int:
    """Return how many workers ``--workers`` asks for; ``auto`` is one for each processor.

    Raises:
        ValueError: it is no number from 1 to 256, and not ``auto``.
    """
    if text == "auto":
        return max(1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    count = int(text)
    if not 1 <= count <= 256:  # noqa: PLR2004  # more processes than that is a slip
        raise ValueError(f"{count} workers")
    return count
