"""Where the time of a call goes; nothing is measured unless somebody asks for it."""

from __future__ import annotations

from collections.abc import Awaitable
from contextvars import ContextVar
from time import perf_counter
from types import TracebackType
from typing import TypeVar

ResultT = TypeVar("ResultT")


class Stopwatch:
    """The time during which at least one of the things that it is entered for goes on.

    Calls that run side by side are counted once: what a caller waits for is the clock on the wall.

    Attributes:
        seconds: the time so far, of what has ended.
    """

    __slots__ = ("_began", "_running", "seconds")

    def __init__(self) -> None:
        self.seconds = 0.0
        self._running = 0
        self._began = 0.0

    def __enter__(self) -> None:
        if not self._running:
            self._began = perf_counter()
        self._running += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running -= 1
        if not self._running:
            self.seconds += perf_counter() - self._began

    async def during(self, work: Awaitable[ResultT]) -> ResultT:
        """Return what is awaited, and measure it."""
        with self:
            return await work


class CallTiming:
    """The times of one call.

    Attributes:
        queue: waiting for a free connection to an upstream.
        upstream: waiting for an upstream, that queue included.
    """

    __slots__ = ("queue", "upstream")

    def __init__(self) -> None:
        self.queue = Stopwatch()
        self.upstream = Stopwatch()


measured: ContextVar[CallTiming | None] = ContextVar("naftiko.measured", default=None)
"""The times of the call that is running, where it is measured."""
