"""One of several processes at a time does what costs something, and the others wait for what comes of it."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from typing import Final

from naftiko.engine.shared_state.lane import Away
from naftiko.engine.shared_state.script import Script
from naftiko.engine.shared_state.store import SharedStore

_LEASE: Final = 5.0
"""Seconds after which others do it too, where whoever began has not finished."""
_FIRST_LOOK, _LAST_LOOK = 0.01, 0.1
_RELEASE: Final = Script(
    """
if redis.pcall('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""
)
_RELEASING: Final[set[asyncio.Task[None]]] = set()
"""Turns on their way to be given up, so that nobody forgets them."""


@contextlib.asynccontextmanager
async def turn(store: SharedStore, name: str) -> AsyncIterator[bool]:
    """Wait for the turn; yield whether another one may have done it meanwhile, so that it is worth a look.

    Nobody waits for longer than 5 s: not for who takes longer, nor for a process that has died. While the store is
    away nobody waits at all.
    """
    mine = secrets.token_hex(8)
    try:
        is_mine = await store.ask("SET", name, mine, "NX", "PX", int(_LEASE * 1000))
    except Away:
        yield False
        return
    if not is_mine:
        await _wait(store, name)
        yield True
        return
    try:
        yield True  # it may have been done between the last look and this turn
    finally:
        task = asyncio.create_task(_released(store, name, mine), name="shared state: turn")
        _RELEASING.add(task)
        task.add_done_callback(_RELEASING.discard)


async def _released(store: SharedStore, name: str, mine: str) -> None:
    with contextlib.suppress(Away):
        await store.run(_RELEASE, [name], mine)


async def _wait(store: SharedStore, name: str) -> None:
    loop, pause = asyncio.get_running_loop(), _FIRST_LOOK
    end = loop.time() + _LEASE
    while loop.time() < end:
        await asyncio.sleep(pause)
        pause = min(_LAST_LOOK, pause * 1.5)
        try:
            if not await store.ask("EXISTS", name):
                return
        except Away:
            return
