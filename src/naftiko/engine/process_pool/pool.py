"""The server's side of the pool: which documents take long, who works on what, for how long, and what comes back."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from naftiko.engine.memory import SMALL, Budget, keep
from naftiko.engine.process_pool.outside import Answered, Wanted
from naftiko.engine.process_pool.wire import LENGTH, Job, NotShared, Result, next_number, packed, unpacked
from naftiko.ground.errors import CallError, InputError, NaftikoError, Overloaded, Problem, UpstreamBroken
from naftiko.observe.redaction import Learnt

_LARGEST: Final = {
    "json": 512 * 1024,
    "text": 512 * 1024,
    "csv": 32 * 1024,
    "tsv": 32 * 1024,
    "psv": 32 * 1024,
    "xml": 32 * 1024,
    "markdown": 1024,
    "form": 16 * 1024,
}
"""Bytes of a document by its format up to which it is read where it is, mapped and written in 20 ms at most."""
LIGHT: Final = 1024
"""Bytes of a document that is light whatever it is."""
_FEW_BYTES: Final = 8 * 1024
"""The same for the other formats: yaml, html, avro, protobuf."""
_SURELY_LIGHT: Final = 16 * 1024
_MOST_VALUES: Final = 4_000
"""Values and escapes of a JSON document, likewise: each costs microseconds where it is mapped, checked or mended."""


def is_heavy(content: bytes, kind: str) -> bool:
    """Tell whether a document of a format is better read elsewhere."""
    size = len(content)
    if kind != "json":
        return size > _LARGEST.get(kind, _FEW_BYTES)
    return size > _SURELY_LIGHT and (size > _LARGEST["json"] or _values(content) > _MOST_VALUES)


def _values(content: bytes) -> int:
    return content.count(b",") + content.count(b"[") + content.count(b"{") + content.count(b"\\")


ResultT = TypeVar("ResultT")

SECONDS: Final = 20.0
"""How long a job may take of a processor; an upstream's or a caller's document that takes longer is made to."""
CLOCK: Final = 3
"""How many times as long it may take by the clock, since others are at work, too."""
_IDLE: Final = 10.0
"""Seconds after which a process without a job ends."""
_PATIENCE: Final = 30.0
"""Seconds that a job waits for a process; then the caller is told to try again."""
_ROOM: Final = 256 * 1024 * 1024
"""Bytes of memory that a job may take in any case, to which ten times its document is added."""
_FACTOR: Final = 10
_BUFFER: Final = 1024 * 1024
_LEAST: Final = 4
_GOOD_BYTES: Final = 1


class Died(Exception):  # it is told as what the job was about
    """A process ended in the middle of a job."""


@dataclass(slots=True)
class _Process:
    """A process of the pool."""

    channel: socket.socket
    handle: int

    def end(self) -> None:
        """End it, whatever it does."""
        with contextlib.suppress(OSError):
            signal.pidfd_send_signal(self.handle, signal.SIGKILL)
        self.close()

    def close(self) -> None:
        """Let it end by itself."""
        self.channel.close()
        with contextlib.suppress(OSError):
            os.close(self.handle)


@dataclass(slots=True, eq=False)
class _Turn:
    """A job that wants a process.

    Attributes:
        need: bytes of memory.
        begun: done when it may begin, where it has to wait.
    """

    lane: str
    need: int
    begun: asyncio.Future[None] | None = None


class Pool:
    """Runs jobs in processes.

    Args:
        control: the socket of the template.
        template: the template's process id.
        most: processes at once; an operation has half of them at most.
        seconds: for one job.
        memory: what they take their memory from.
    """

    def __init__(
        self,
        control: socket.socket,
        template: int,
        *,
        memory: Budget,
        most: int = 0,
        seconds: float = SECONDS,
    ) -> None:
        self._control = control
        self._template = template
        self._shared_before = next_number()
        self._memory = memory
        self._most = most or max(_LEAST, os.cpu_count() or 1)
        self._seconds = seconds
        self._idle: deque[_Process] = deque()
        self._running: Counter[str] = Counter()
        self._waiting: deque[_Turn] = deque()
        self._ending: asyncio.TimerHandle | None = None
        self.done = 0

    async def run(
        self,
        function: Callable[..., Coroutine[Any, Any, ResultT]],
        *arguments: Any,
        lane: str,
        size: int = 0,
        answers: Mapping[str, Answered] | None = None,
        learn: Callable[[Mapping[str, Learnt]], None],
    ) -> ResultT:
        """Run a coroutine function in another process; return its result.

        Args:
            function: of a module.
            arguments: of it.
            lane: the operation; one of them doesn't take all processes.
            size: bytes of what the caller sent.
            answers: what upstreams answered already, by the call's key.
            learn: told what the function learnt to be secret.

        Raises:
            CallError: what the function raises; it takes too long, or too much memory; no process is free in time.
            NotShared: an argument is not known to the processes.
        """
        known = dict(answers or {})
        while True:
            sizes = (len(answer.content) for answer in known.values() if not isinstance(answer, CallError))
            need = _FACTOR * (size + sum(sizes))
            job = Job(function, arguments, known, self._seconds, _ROOM + need)
            most = self._memory.limit // 2  # what else is held has the other half
            result = await self._result(job, lane, min(need, most) if most else need)
            for name, level, text in result.log:
                logging.getLogger(name).log(level, "%s", text)
            if result.secrets:
                learn(result.secrets)
            if not result.wanted:
                made: ResultT = _outcome(result, lane, is_answer=bool(known))
                return made
            found = await asyncio.gather(*map(_called, result.wanted.values()))
            known.update(zip(result.wanted, found, strict=True))

    async def _result(self, job: Job, lane: str, need: int) -> Result:
        await self._turn(_Turn(lane, need))
        process: _Process | None = None
        try:
            process = self._idle.pop() if self._idle else await self._forked()
            result = await self._exchanged(process, packed(job, self._shared_before))
        except (OSError, Died):
            raise _too_costly(lane, self._seconds, is_answer=bool(job.answers)) from None
        else:
            if result.is_last:
                process.close()
            else:
                self._idle.append(process)
            process = None
            return result
        finally:
            if process is not None:  # it died, takes too long, or nobody waits for it any more
                process.end()
            self._leave(lane, need)

    async def _exchanged(self, process: _Process, message: memoryview) -> Result:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(
            self._seconds * (CLOCK + 1)
        ):  # the process ends by itself before, unless the system is stuck
            await loop.sock_sendall(process.channel, message)
            head = await _exactly(loop, process.channel, LENGTH.size)
            size: int = LENGTH.unpack(head)[0]
            if size > SMALL:
                keep(size)
            data = await _exactly(loop, process.channel, size)
        result: Result = unpacked(data)
        return result

    async def _turn(self, turn: _Turn) -> None:
        """Wait until there is a process and memory for a job.

        Raises:
            Overloaded: there isn't in time.
        """
        if self._has_room(turn):
            self._enter(turn)
            return
        turn.begun = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(_PATIENCE):
                await turn.begun
        except BaseException as error:
            if turn.begun.done() and not turn.begun.cancelled():  # it came together with the end of the wait
                self._leave(turn.lane, turn.need)
            else:
                with contextlib.suppress(ValueError):
                    self._waiting.remove(turn)
            if isinstance(error, TimeoutError):
                raise Overloaded("too many large documents are being worked on", retry_after=5.0) from None
            raise

    def _has_room(self, turn: _Turn) -> bool:
        running = self._running.total()
        if running >= self._most or self._running[turn.lane] >= max(1, self._most // 2):
            return False
        return not running or self._memory.has(turn.need)

    def _enter(self, turn: _Turn) -> None:
        self._running[turn.lane] += 1
        self._memory.taken += turn.need  # one job at least is done, whatever there is

    def _leave(self, lane: str, need: int) -> None:
        """End a job; its place goes to the first one that may have it."""
        self._running[lane] -= 1
        if not self._running[lane]:
            del self._running[lane]
        self._memory.give(need)
        self.done += 1
        for turn in [*self._waiting]:
            if self._has_room(turn) and turn.begun is not None:
                self._waiting.remove(turn)
                if not turn.begun.done():
                    self._enter(turn)
                    turn.begun.set_result(None)
        self._end_idle_later()

    def _end_idle_later(self) -> None:
        if self._ending is not None:
            self._ending.cancel()
        self._ending = asyncio.get_running_loop().call_later(_IDLE, self._end_idle)

    def _end_idle(self) -> None:
        while self._idle:
            self._idle.pop().close()

    async def _forked(self) -> _Process:
        """Have a process forked from the template."""
        loop = asyncio.get_running_loop()
        ours, its = socket.socketpair()
        for end in (ours, its):
            for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
                end.setsockopt(socket.SOL_SOCKET, option, _BUFFER)
        ours.setblocking(False)  # noqa: FBT003  # the socket's own signature
        try:
            socket.send_fds(self._control, [b"."], [its.fileno()])
            its.close()
            await _readable(loop, ours)
            _, descriptors, _, _ = socket.recv_fds(ours, _GOOD_BYTES, 1)
            return _Process(ours, descriptors[0])
        except IndexError:
            ours.close()
            raise Died from None
        except BaseException:
            ours.close()
            raise

    def close(self) -> None:
        """End all processes."""
        if self._ending is not None:
            self._ending.cancel()
        self._end_idle()
        self._control.close()
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._template, 0)


async def _called(wanted: Wanted) -> Answered:
    """Have done what a job wants; return what came of it."""
    try:
        return await wanted.answer()
    except CallError as error:
        return error


def _set(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


async def _readable(loop: asyncio.AbstractEventLoop, channel: socket.socket) -> None:
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_reader(channel, _set, ready)
    try:
        await ready
    finally:
        loop.remove_reader(channel)


async def _exactly(loop: asyncio.AbstractEventLoop, channel: socket.socket, size: int) -> bytearray:
    data = bytearray(size)
    view = memoryview(data)
    while view:
        read = await loop.sock_recv_into(channel, view)
        if not read:
            raise Died
        view = view[read:]
    return data


def _outcome(result: Result, lane: str, *, is_answer: bool) -> Any:
    if result.error is not None:
        raise result.error
    if result.is_out_of_memory:
        raise _too_large(lane, is_answer=is_answer)
    if result.fault:
        raise NaftikoError(f"in another process:\n{result.fault}")
    return result.value


def _too_costly(lane: str, seconds: float, *, is_answer: bool) -> CallError:
    """Return the error for a document that takes too long, or makes its process end."""
    limits = f"it takes more than {seconds:g} seconds of a processor, or too much memory"
    if is_answer:
        made = UpstreamBroken(f"the answer of `{lane}` can't be read: {limits}", hint=_LESS)
        made.operation = lane
        return made
    return InputError([Problem("body", "body", f"the inputs can't be read: {limits}", "less, or simpler values")])


def _too_large(lane: str, *, is_answer: bool) -> CallError:
    detail = "too much memory for its size"
    if is_answer:
        made = UpstreamBroken(f"the answer of `{lane}` takes {detail}", hint=_LESS)
        made.operation = lane
        return made
    return InputError([Problem("body", "body", f"the body takes {detail}", "less, or simpler values")])


_LESS: Final = "ask the API for less, for example for pages"


class _Here:
    """The pool of this process, if it has one."""

    __slots__ = ("pool",)

    def __init__(self) -> None:
        self.pool: Pool | None = None


_HERE: Final = _Here()


def current() -> Pool | None:
    """Return the pool of this process; ``None`` where everything is done where it is."""
    return _HERE.pool


def install(pool: Pool | None) -> None:
    """Use a pool from now on."""
    _HERE.pool = pool


__all__ = ["Died", "NotShared", "Pool", "current", "install"]
