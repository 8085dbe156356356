"""Loggers while they log: their levels, and what they write from now on."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from naftiko.observe.levels import ROOT, LoggerLevels, level_number, loggers
from naftiko.observe.logs import JsonFormatter
from naftiko.observe.redaction import Redactor

_MOST_WAITING: Final = 1000
"""Records that wait for a slow reader; more are dropped, and counted."""


def logger_levels() -> dict[str, LoggerLevels]:
    """Return the levels of ``ROOT``, of our own loggers, and of those that have one of their own."""
    found = loggers().items()
    return {name: each for name, each in found if name == ROOT or _is_ours(name) or each["configuredLevel"]}


def _is_ours(name: str) -> bool:
    return name.split(".", maxsplit=1)[0] == "naftiko"


def set_logger_level(name: str, level: str) -> None:
    """Change the level of a logger, until the process ends."""
    logging.getLogger(None if name == ROOT else name).setLevel(level_number(level))


class LoggedRecords(AsyncIterator[Mapping[str, Any]]):
    """Log records from now on, as objects: ``time``, ``level``, ``logger``, ``message`` and what they carry.

    What is not for it isn't formatted. It ends with ``aclose``.

    Args:
        logger: its name; those below it belong to it; ``ROOT``: all.
        level: the least severe one.
        redactors: hide secrets.
    """

    def __init__(self, logger: str, level: str, redactors: Sequence[Redactor]) -> None:
        self._queue: asyncio.Queue[Mapping[str, Any] | None] = asyncio.Queue()
        self._handler = _Handler(self._queue, asyncio.get_running_loop())
        self._handler.setLevel(level_number(level))
        self._handler.setFormatter(JsonFormatter([*redactors]))
        if logger != ROOT:
            self._handler.addFilter(logging.Filter(logger))
        logging.getLogger().addHandler(self._handler)

    async def __anext__(self) -> Mapping[str, Any]:
        """Wait for the next one."""
        found = await self._queue.get()
        if found is None:
            raise StopAsyncIteration
        return found

    async def aclose(self) -> None:
        """Listen no more."""
        logging.getLogger().removeHandler(self._handler)
        self._queue.put_nowait(None)


class _Handler(logging.Handler):
    """Puts records into a queue of an event loop, from whichever thread."""

    def __init__(self, queue: asyncio.Queue[Mapping[str, Any] | None], loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._queue = queue
        self._loop = loop
        self._dropped = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Format and hand over."""
        if self._queue.qsize() >= _MOST_WAITING:
            self._dropped += 1
            return
        entry = json.loads(self.format(record))
        if self._dropped:
            entry["dropped"], self._dropped = self._dropped, 0
        self._loop.call_soon_threadsafe(self._queue.put_nowait, entry)
