"""One flight for all who wait for the same thing, and what it brought, kept for a while."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any, Final, Generic, TypeVar

from naftiko.expose.authentication.tokens import AuthorizationServerDown

K = TypeVar("K")
T = TypeVar("T")

RETRY_AFTER: Final = 5.0
"""Seconds for which a failure is told again without asking again: a server that is down is not hammered."""


class SingleFlight(Generic[K, T]):
    """Calls under way, by key.

    Args:
        most: how many there may be at once.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._tasks: dict[K, asyncio.Task[T]] = {}

    async def join(self, key: K, start: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Wait for the call of this key, which is started if there is none; whoever gives up doesn't end it.

        Raises:
            AuthorizationServerDown: there are too many, or the call raised it.
        """
        task = self._tasks.get(key)
        if task is None:
            if len(self._tasks) >= self._most:
                raise AuthorizationServerDown("too many tokens are being checked at once")
            task = self._tasks[key] = asyncio.create_task(start())
            task.add_done_callback(functools.partial(self._landed, key))
        return await asyncio.shield(task)

    def _landed(self, key: K, task: asyncio.Task[T]) -> None:
        del self._tasks[key]
        if not task.cancelled():
            task.exception()  # seen: those who waited may all have given up


class Kept(Generic[T]):
    """A value that is asked for when it is needed, and kept.

    Args:
        ask: gets it; raises ``AuthorizationServerDown``.
        life: seconds that it is kept.
        clock: seconds, never going backwards.
    """

    def __init__(self, ask: Callable[[], Coroutine[Any, Any, T]], *, life: float, clock: Callable[[], float]) -> None:
        self._ask = ask
        self._life = life
        self._clock = clock
        self._flights: SingleFlight[None, T] = SingleFlight(most=1)
        self._values: list[T] = []  # one or none
        self._got_at = 0.0
        self._asked_at: float | None = None
        self._failure: str | None = None

    async def get(self) -> T:
        """Return the value, at most ``life`` seconds old.

        Raises:
            AuthorizationServerDown: there is none, and it can't be had now; a later call tries again.
        """
        if self._values and self._clock() - self._got_at < self._life:
            return self._values[0]
        return await self._renewed(no_more_than_every=0.0)

    async def newer(self, *, no_more_than_every: float) -> T:
        """Ask anew, unless that was done within this many seconds: then return what is there.

        Raises:
            AuthorizationServerDown: the last time it couldn't be had.
        """
        return await self._renewed(no_more_than_every=no_more_than_every)

    async def _renewed(self, *, no_more_than_every: float) -> T:
        wait = max(no_more_than_every, RETRY_AFTER) if self._failure else no_more_than_every
        if self._asked_at is not None and self._clock() - self._asked_at < wait:
            if self._failure is not None:
                raise AuthorizationServerDown(self._failure)
            if self._values:
                return self._values[0]
        return await self._flights.join(None, self._fly)

    async def _fly(self) -> T:
        # Noted when it lands, not before: whoever comes in between joins the flight.
        try:
            value = await self._ask()
        except AuthorizationServerDown as error:
            self._asked_at, self._failure = self._clock(), error.detail
            raise
        self._asked_at = self._got_at = self._clock()
        self._failure = None
        self._values = [value]
        return value
