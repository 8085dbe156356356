"""Logs watched live: each watcher has a queue of its own, which never grows beyond its bound."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self

from naftiko.observe.access import LOGGER as ACCESS
from naftiko.observe.access import WATCHERS
from naftiko.observe.audit import LOGGER as AUDIT
from naftiko.observe.formatters import JsonFormatter
from naftiko.observe.levels import ROOT, level_number
from naftiko.observe.redaction import Redactor

MOST_WAITING: Final = 1_000
"""Records that wait for a watcher; the oldest are dropped, and counted."""


class Watch(AsyncIterator[Mapping[str, Any]]):
    """The records of some loggers from some level on, as they come, from when it is opened until it is closed.

    What a watcher doesn't want is neither formatted nor queued. A record is data: ``time``, ``level``, ``logger``,
    ``message`` and what it carries, or what a line of the access log has; the first one after a gap has ``dropped``,
    how many are missing. Secrets are hidden. Below the level of a logger nothing is written, and nothing is seen.

    Args:
        redactors: hide secrets.
        logger: its name; those below it belong to it; ``ROOT``: all.
        level: the least severe one.
        most: records that may wait.

    Attributes:
        dropped: how many records were dropped so far.

    Raises:
        ValueError: there is no such level.
    """

    def __init__(
        self, redactors: Sequence[Redactor], *, logger: str = ROOT, level: str = "TRACE", most: int = MOST_WAITING
    ) -> None:
        self._formatter = JsonFormatter(redactors)
        self._name = "" if logger.upper() == ROOT else logger
        self._level = level_number(level)
        self._waiting: deque[Mapping[str, Any]] = deque()
        self._most = most
        self._untold = 0
        self.dropped = 0
        self._lock = threading.Lock()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._news = asyncio.Event()
        self._is_woken = False
        self._handler = _Handler(self)
        self._is_closed = False

    def open(self) -> Self:
        """Watch from now on."""
        logging.getLogger().addHandler(self._handler)
        WATCHERS.append(self.take_line)
        return self

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Watch no more; who iterates comes to the end."""
        if not self._is_closed:
            self._is_closed = True
            logging.getLogger().removeHandler(self._handler)
            if self.take_line in WATCHERS:
                WATCHERS.remove(self.take_line)
            self._wake()

    async def aclose(self) -> None:
        """Watch no more; see ``close``."""
        self.close()

    def wants(self, name: str, level: int) -> bool:
        """Tell whether a record of this logger and level is one of those."""
        is_named = not self._name or name == self._name or name.startswith(f"{self._name}.")
        return is_named and level >= self._level and name != AUDIT

    def take_line(self, entry: dict[str, Any]) -> None:
        """Take a line of the access log, which has no secrets."""
        if self.wants(ACCESS, logging.INFO):
            self._put(entry)

    def take(self, record: logging.LogRecord) -> None:
        """Take a record, from whichever thread."""
        self._put(self._formatter.entry(record))

    def _put(self, entry: Mapping[str, Any]) -> None:
        with self._lock:
            if len(self._waiting) >= self._most:
                self._waiting.popleft()
                self._untold += 1
                self.dropped += 1
            self._waiting.append(entry)
            is_first, self._is_woken = not self._is_woken, True
        if is_first:
            self._wake()

    def _wake(self) -> None:
        if threading.get_ident() == self._thread:
            self._news.set()
            return
        with contextlib.suppress(RuntimeError):  # the loop has ended, and the watcher with it
            self._loop.call_soon_threadsafe(self._news.set)

    def _next(self) -> Mapping[str, Any] | None:
        with self._lock:
            if self._waiting:
                entry = self._waiting.popleft()
                untold, self._untold = self._untold, 0
                return {**entry, "dropped": untold} if untold else entry
            self._is_woken = False
            self._news.clear()
            return None

    async def __anext__(self) -> Mapping[str, Any]:
        """Wait for the next one."""
        while True:
            entry = self._next()
            if entry is not None:
                return entry
            if self._is_closed:
                raise StopAsyncIteration
            await self._news.wait()


class _Handler(logging.Handler):
    """Hands records to a watch."""

    def __init__(self, watching: Watch) -> None:
        super().__init__()
        self._watching = watching

    def emit(self, record: logging.LogRecord) -> None:
        """Hand over what the watcher wants."""
        if self._watching.wants(record.name, record.levelno):
            self._watching.take(record)
