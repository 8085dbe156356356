"""The process that the others of a pool are forked from, and what each of them does."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import logging
import os
import resource
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace
from typing import Final, NoReturn

from naftiko.engine.memory import Budget
from naftiko.engine.process_pool.outside import ROLE, NotYet, Outside, lacks_memory
from naftiko.engine.process_pool.pool import CLOCK, Pool, install
from naftiko.engine.process_pool.wire import LENGTH, Job, Result, packed, unpacked
from naftiko.ground.errors import CallError
from naftiko.observe.redaction import JOURNAL
from naftiko.plan.deadline import CHECK_LIMIT, LONG

_NICE: Final = 5
"""A job gives way to the server, which everybody waits for."""
_GROWN: Final = 96 * 1024 * 1024
"""Bytes that a process may have grown by; a larger one ends, and gives back what its parsers kept."""
_SHARE_OF_A_RESULT: Final = 4
"""One part in so many of a job's room is for what comes of it."""
_OOM_SCORE: Final = b"500"
_PAGE: Final = resource.getpagesize()
_GOOD_BYTE: Final = b"."


def open_pool(seconds: float, memory: Budget) -> Pool | None:
    """Fork the template and return the pool over it; ``None`` on a system that has no such processes.

    What is loaded by now is known to the processes.

    Args:
        seconds: for one job.
        memory: what jobs take their memory from.
    """
    if sys.platform != "linux" or not hasattr(os, "pidfd_open"):
        return None
    return Pool(*fork_template(), seconds=seconds, memory=memory)


def fork_template() -> tuple[socket.socket, int]:
    """Fork the template; return the socket over which it is asked for processes, and its id.

    It ends when the other end of that socket is closed, which the end of this process does.
    """
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pid = os.fork()
    if pid == 0:
        _end_with(_be_template, its)
    its.close()
    return ours, pid


def _end_with(work: Callable[[socket.socket], None], channel: socket.socket) -> NoReturn:
    """Do the work of a forked process, which never returns to what it was forked from."""
    try:
        work(channel)
    finally:
        os._exit(0)


def _be_template(control: socket.socket) -> None:
    _leave_the_server(control.fileno())
    gc.freeze()
    gc.disable()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody has to wait for the processes (wait(2), NOTES)
    while True:
        data, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not data:
            return
        if os.fork() == 0:
            control.close()
            _end_with(_work, socket.socket(fileno=descriptors[0]))
        for descriptor in descriptors:
            os.close(descriptor)


def _leave_the_server(keep: int) -> None:
    """Let go of everything that is the server's: its signals, its sockets, its terminal."""
    signal.set_wakeup_fd(-1)
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(each, signal.SIG_IGN)  # it is the server that ends, and its processes with it
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    most = min(limit, 1 << 20) if limit != resource.RLIM_INFINITY else 1 << 20
    os.closerange(3, keep)
    os.closerange(keep + 1, most)
    os.nice(_NICE)
    CHECK_LIMIT.seconds = LONG
    install(None)
    JOURNAL.is_kept = True
    with contextlib.suppress(OSError):
        ctypes.CDLL(None).malloc_trim(0)
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "wb") as file:  # noqa: PTH123  # one line
        file.write(_OOM_SCORE)


def _work(channel: socket.socket) -> None:
    """Do jobs, one after the other, until the server closes the channel or the process has grown."""
    socket.send_fds(channel, [_GOOD_BYTE], [os.pidfd_open(os.getpid())])
    begun = _sizes()
    log = _Log()
    log.install()
    with asyncio.Runner() as runner:
        while (data := _received(channel)) is not None:
            job: Job = unpacked(data)
            del data
            result = _done(job, runner)
            grown = _sizes()[1] - begun[1] > _GROWN
            told = replace(result, secrets=JOURNAL.taken(), log=log.taken(), is_last=grown)
            channel.sendall(_packed(told, job.room // _SHARE_OF_A_RESULT))
            del job, result
            if grown:
                return


def _packed(result: Result, most: int) -> memoryview:
    """Return a result as it is sent; one of more bytes is too much for the server, which holds it twice."""
    try:
        made = packed(result, sys.maxsize)
        too_large = replace(result, value=None, is_out_of_memory=True)
        return made if len(made) <= most else packed(too_large, sys.maxsize)
    except Exception:  # noqa: BLE001  # the server tells it
        return packed(Result(fault=traceback.format_exc(), is_last=result.is_last), sys.maxsize)


class _Log(logging.Handler):
    """Keeps what is logged for the server to write."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[tuple[str, int, str]] = []

    def install(self) -> None:
        """Be the only handler of all loggers."""
        loggers = [logging.getLogger(), *map(logging.getLogger, logging.root.manager.loggerDict)]
        for logger in loggers:
            logger.handlers.clear()
        logging.getLogger().addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        self._lines.append((record.name, record.levelno, record.getMessage()))

    def taken(self) -> list[tuple[str, int, str]]:
        """Return the lines, and begin anew."""
        lines, self._lines = self._lines, []
        return lines


def _done(job: Job, runner: asyncio.Runner) -> Result:
    outside = ROLE.outside = Outside(job.answers)
    resource.setrlimit(resource.RLIMIT_AS, (_sizes()[0] + job.room, resource.RLIM_INFINITY))
    # The kernel ends the process when its time is over, whatever it does: that of the processor, which is its own, and
    # some more by the clock, since others may be at work.
    for number, timer, seconds in ((signal.SIGPROF, signal.ITIMER_PROF, job.seconds), _by_the_clock(job)):
        signal.signal(number, signal.SIG_DFL)
        signal.setitimer(timer, seconds)
    try:
        return Result(value=runner.run(job.function(*job.arguments)))
    except NotYet:
        return Result(wanted=outside.wanted)
    except CallError as error:
        return Result(error=error)
    except Exception as error:  # noqa: BLE001  # the server tells it
        return Result(is_out_of_memory=True) if lacks_memory(error) else Result(fault=traceback.format_exc())
    finally:
        for timer in (signal.ITIMER_PROF, signal.ITIMER_REAL):
            signal.setitimer(timer, 0)
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def _by_the_clock(job: Job) -> tuple[int, int, float]:
    return signal.SIGALRM, signal.ITIMER_REAL, job.seconds * CLOCK


def _sizes() -> tuple[int, int]:
    """Return this process's address space and its memory, in bytes (proc(5), statm)."""
    with open("/proc/self/statm", "rb") as file:  # noqa: PTH123  # a thousand times a second
        space, memory, *_ = file.read().split()
    return int(space) * _PAGE, int(memory) * _PAGE


def _received(channel: socket.socket) -> bytearray | None:
    """Return the next message; ``None`` at the end."""
    head = _exactly(channel, LENGTH.size)
    return None if head is None else _exactly(channel, LENGTH.unpack(head)[0])


def _exactly(channel: socket.socket, size: int) -> bytearray | None:
    data = bytearray(size)
    view = memoryview(data)
    while view:
        read = channel.recv_into(view)
        if not read:
            return None
        view = view[read:]
    return data
