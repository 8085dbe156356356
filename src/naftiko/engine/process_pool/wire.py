"""Jobs and their results between the processes of a pool.

Pickled, a length before each; what all have in common is a number.
"""

from __future__ import annotations

import io
import itertools
import pickle
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from weakref import WeakValueDictionary

import httpx

from naftiko.engine.process_pool.outside import Answered, Wanted
from naftiko.engine.transport.whole import Whole
from naftiko.ground.errors import CallError
from naftiko.observe.redaction import Learnt

_NUMBERS: Final = itertools.count()


class Shared:
    """An object that stays where it is: what is sent to another process of the pool is its number.

    Attributes:
        number: the same in all processes that were forked after it was made.
    """

    number: int

    def __init__(self) -> None:
        self.number = next(_NUMBERS)
        _KNOWN[self.number] = self


_KNOWN: Final[WeakValueDictionary[int, Shared]] = WeakValueDictionary()


def numbered(number: int) -> Shared:
    """Return the object with a number.

    Raises:
        KeyError: it is none of this process's.
    """
    return _KNOWN[number]


def next_number() -> int:
    """Return the number that no object has yet: those that are made from now on are unknown to earlier forks."""
    return next(_NUMBERS)


LENGTH: Final = struct.Struct("!Q")


class NotShared(Exception):  # it is answered by doing the work here
    """An object was made after the processes were forked, so they don't have it."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job.

    Attributes:
        function: a coroutine function of a module.
        arguments: of it.
        answers: what upstreams answered, by the call's key.
        seconds: how long it may take.
        room: bytes of memory that it may take beside what the process has.
    """

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    answers: Mapping[str, Answered]
    seconds: float
    room: int


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a job; exactly one of the first three says something.

    Attributes:
        value: of the function.
        error: what it raised on purpose.
        fault: the traceback of what it did not.
        wanted: the requests and scripts without an answer yet.
        is_out_of_memory: whether the room was not enough.
        secrets: what was learnt to be one: the server has to hide it, too.
        log: lines that were logged: the logger, the level, the text.
        is_last: whether the process ends: it has grown.
    """

    value: Any = None
    error: CallError | None = None
    fault: str = ""
    wanted: Mapping[str, Wanted] | None = None
    is_out_of_memory: bool = False
    secrets: Mapping[str, Learnt] | None = None
    log: Sequence[tuple[str, int, str]] = ()
    is_last: bool = False


def packed(message: Job | Result, shared_before: int) -> memoryview:
    """Return a message as it is sent.

    Args:
        message: the message.
        shared_before: the number up to which the other side has the shared objects.

    Raises:
        NotShared: it holds an object that the other side doesn't have.
    """
    file = io.BytesIO()
    file.write(LENGTH.pack(0))
    _Pickler(file, shared_before).dump(message)
    made = file.getbuffer()
    LENGTH.pack_into(made, 0, len(made) - LENGTH.size)
    return made


def unpacked(data: bytes | bytearray) -> Any:
    """Return a message that came, without its length."""
    return _Unpickler(_View(data)).load()


class _View:
    """A file of bytes that are there: ``io.BytesIO`` would copy them first."""

    def __init__(self, data: bytes | bytearray) -> None:
        self._view = memoryview(data)
        self._at = 0

    def read(self, size: int) -> bytes:
        """Return the next bytes."""
        return bytes(self._next(size))

    def readinto(self, buffer: bytearray | memoryview) -> int:
        """Fill a buffer; return how many bytes it got."""
        found = self._next(len(buffer))
        buffer[: len(found)] = found
        return len(found)

    def readline(self) -> bytes:
        """Return the next line, which no message of ours has."""
        raise pickle.UnpicklingError("a line")

    def _next(self, size: int) -> memoryview:
        found = self._view[self._at : self._at + size]
        self._at += len(found)
        return found


class _Pickler(pickle.Pickler):
    def __init__(self, file: io.BytesIO, shared_before: int) -> None:
        super().__init__(file, protocol=5)
        self._shared_before = shared_before

    def persistent_id(self, obj: Any) -> int | None:
        if not isinstance(obj, Shared):
            return None
        if obj.number >= self._shared_before:
            raise NotShared
        return obj.number

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, httpx.Response):
            request = obj.request
            said = {name: value for name, value in obj.extensions.items() if isinstance(value, bytes)}
            return _response, (
                obj.status_code,
                obj.headers.raw,
                obj.content,
                request.method,
                str(request.url),
                said,
            )
        return NotImplemented


def _response(
    status: int, headers: list[tuple[bytes, bytes]], content: bytes, method: str, url: str, said: Mapping[str, bytes]
) -> Whole:
    return Whole(status, headers, content, httpx.Request(method, url), said)


class _Unpickler(pickle.Unpickler):  # see the module's text
    def persistent_load(self, pid: int) -> Shared:
        return numbered(pid)
