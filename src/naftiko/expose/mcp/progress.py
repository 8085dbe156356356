"""Progress of slow calls, for clients that asked for it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, Final, TypeAlias

from mcp.server.context import ServerRequestContext

from naftiko.engine.request import dump_json
from naftiko.engine.streaming.telling import seeing

FIRST_AFTER: Final = 2.0
"""Seconds that a call may take before it is worth a word."""
EVERY: Final = 2.0


_AT_ONCE: Final = 20
"""Items that are shown as they come; of what comes faster than ``PER_SECOND`` from then on only some are."""
PER_SECOND: Final = 10.0
_SHOWN: Final = 1000
"""Characters of an item that are shown."""
Context: TypeAlias = ServerRequestContext[Any, Any]


@contextlib.asynccontextmanager
async def reporting(context: Context, name: str, *, streams: bool = False) -> AsyncIterator[None]:
    """Report progress while the block runs, if the client gave a token; there is no total.

    Args:
        context: of the request.
        name: of the tool.
        streams: whether it gets items of streams, which are counted and shown then; else it counts seconds.
    """
    if not context.meta or context.meta.get("progress_token") is None:
        yield
        return
    items = _Items(context, name) if streams else None
    token = None if items is None else seeing.set(items.seen)
    ticking = asyncio.create_task(_tick(context, name) if items is None else items.tick())
    try:
        yield
    finally:
        if token is not None:
            seeing.reset(token)
        ticking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await ticking


async def _tick(context: Context, name: str) -> None:
    started = time.monotonic()
    await asyncio.sleep(FIRST_AFTER)
    while True:
        passed = round(time.monotonic() - started, 1)
        await context.session.report_progress(passed, None, f"`{name}` is waiting for its upstream ({passed:g} s)")
        await asyncio.sleep(EVERY)


class _Items:
    """The items of the streams that one call gets: their number is its progress, which only grows."""

    def __init__(self, context: Context, name: str) -> None:
        self._context = context
        self._name = name
        self._count = 0
        self._silent = 0
        self._room = float(_AT_ONCE)
        self._last = time.monotonic()

    async def seen(self, _count: int, make: Callable[[], Any] | None) -> None:
        """Report an item, unless there were too many of late."""
        self._count += 1
        self._silent = 0
        now = time.monotonic()
        self._room = min(self._room + (now - self._last) * PER_SECOND, _AT_ONCE)
        self._last = now
        if self._room >= 1:
            self._room -= 1
            said = f"{self._count} items" if make is None else _shortened(dump_json(make()).decode())
            await self._context.session.report_progress(float(self._count), None, said)

    async def tick(self) -> None:
        """Report now and then that nothing comes: less than an item, and more each time."""
        while True:
            await asyncio.sleep(EVERY)
            if time.monotonic() - self._last >= EVERY:
                self._silent += 1
                progress = self._count + self._silent / (self._silent + 1)
                said = f"`{self._name}` is waiting for its upstream ({self._count} items so far)"
                await self._context.session.report_progress(progress, None, said)


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
