"""Time limits of calls, with one timer for all that may take equally long.

``asyncio.timeout`` sets a timer of the loop and takes it back for each call, though one call of many thousands meets
it: 4 % of what a call costs in Python. Whoever comes later ends later, so of those that have the same limit only the
first must be watched.
"""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType
from typing import Final

_EXACTLY: Final = 0.001
"""Seconds by which a loop's timers may be early."""


class Deadline:
    """A context that takes so many seconds at most: it is cancelled then, and raises ``TimeoutError``.

    It is what ``asyncio.timeout`` is, for a number of seconds that many have in common.

    Args:
        seconds: from where it is entered; it is entered once.
    """

    __slots__ = ("_before", "_is_over", "_running", "_seconds", "_task", "at")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __enter__(self) -> None:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        if task is None:
            raise RuntimeError("a time limit is set in a task")
        if _here.loop is not loop:
            _here.loop, _here.known = loop, {}
        deadlines = _here.known.get(self._seconds)
        if deadlines is None:
            deadlines = _here.known[self._seconds] = _Deadlines(loop)
        self._task = task
        self._before = task.cancelling()
        self._is_over = False
        self._running = deadlines.running
        self.at = loop.time() + self._seconds
        self._running[self] = None
        if not deadlines.is_watched:
            deadlines.watch(self.at)

    def end(self) -> None:
        """Cancel what runs: its time is over."""
        self._is_over = True
        self._task.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.pop(self, None)
        # Ours alone: a cancellation from elsewhere, such as the server's stop, goes on.
        if self._is_over and self._task.uncancel() <= self._before and kind is asyncio.CancelledError:
            raise TimeoutError from error


class _Deadlines:
    """Those of so many seconds, in one event loop.

    Attributes:
        running: in the order in which they end.
        is_watched: whether there is a timer; where nothing runs any more, it finds that out, and sets no other.
    """

    __slots__ = ("_loop", "is_watched", "running")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.running: dict[Deadline, None] = {}
        self.is_watched = False

    def watch(self, at: float) -> None:
        self.is_watched = True
        self._loop.call_at(at, self._look)

    def _look(self) -> None:
        """End those whose time is over."""
        self.is_watched = False
        soon = self._loop.time() + _EXACTLY
        while self.running:
            first = next(iter(self.running))
            if first.at > soon:
                self.watch(first.at)
                return
            del self.running[first]
            first.end()


class _Here(threading.local):
    """What the event loop of a thread has; one loop after another may run in it."""

    loop: asyncio.AbstractEventLoop | None = None
    known: dict[float, _Deadlines]


_here = _Here()
