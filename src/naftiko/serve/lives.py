"""Whether adapters take calls, as the operator wants it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import Final, TypeAlias

UP: Final = "up"
DRAIN: Final = "drain"
DOWN: Final = "down"
Key: TypeAlias = tuple[str, str, str]
"""A file, the kind of an adapter, its namespace."""
Calls: TypeAlias = Callable[[], Collection[asyncio.Task[None]]]


class Lives:
    """The adapters that take no calls; all others do.

    Args:
        seconds: how long calls are waited for; a stream that tells what happens has no end.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._states: dict[Key, str] = {}
        self._draining: dict[Key, asyncio.Task[None]] = {}

    def of(self, key: Key) -> str:
        """Return ``up``, ``drain`` while calls are still being finished, or ``down``."""
        return self._states.get(key, UP)

    @property
    def held(self) -> Collection[Key]:
        """The adapters that take none."""
        return self._states.keys()

    def steer(self, chosen: Mapping[Key, Calls], state: str) -> None:
        """Change the state of adapters.

        Args:
            chosen: what each of them is at: the requests of its socket.
            state: one of the three; ``drain`` becomes ``down`` when what they are at now is done.
        """
        for key, calls in chosen.items():
            if (draining := self._draining.pop(key, None)) is not None:
                draining.cancel()
            if state == UP:
                self._states.pop(key, None)
                continue
            self._states[key] = state
            if state == DRAIN:
                mine = asyncio.current_task()
                at = [task for task in calls() if task is not mine]
                self._draining[key] = asyncio.create_task(self._drain(key, at))

    async def _drain(self, key: Key, at: Collection[asyncio.Task[None]]) -> None:
        if at:
            await asyncio.wait(at, timeout=self._seconds)
        self._states[key] = DOWN
        self._draining.pop(key, None)
