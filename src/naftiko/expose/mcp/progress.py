"""Progress of slow calls, for clients that asked for it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any, Final

from mcp.server.context import ServerRequestContext

FIRST_AFTER: Final = 2.0
"""Seconds that a call may take before it is worth a word."""
EVERY: Final = 2.0


@contextlib.asynccontextmanager
async def reporting(context: ServerRequestContext[Any, Any], name: str) -> AsyncIterator[None]:
    """Report progress while the block runs, if the client gave a token; there is no total, so it counts seconds."""
    if not context.meta or context.meta.get("progress_token") is None:
        yield
        return
    ticking = asyncio.create_task(_tick(context, name))
    try:
        yield
    finally:
        ticking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await ticking


async def _tick(context: ServerRequestContext[Any, Any], name: str) -> None:
    started = time.monotonic()
    await asyncio.sleep(FIRST_AFTER)
    while True:
        passed = round(time.monotonic() - started, 1)
        await context.session.report_progress(passed, None, f"`{name}` is waiting for its upstream ({passed:g} s)")
        await asyncio.sleep(EVERY)
