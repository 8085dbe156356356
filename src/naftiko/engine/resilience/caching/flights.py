"""Requests that are under way, each for all who ask the same meanwhile."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from typing import Any, Final, Generic, TypeVar

ResultT = TypeVar("ResultT")
_MOST_PASSED: Final = 4096
_PASSED_SECONDS: Final = 30.0


class _Flight(Generic[ResultT]):
    __slots__ = ("task", "waiters")

    def __init__(self, task: asyncio.Task[ResultT]) -> None:
        self.task = task
        self.waiters = 0


class Flights(Generic[ResultT]):
    """What is asked for once at a time, by key.

    It goes on while somebody waits for it: who asked first may leave before the others.
    """

    def __init__(self) -> None:
        self._flights: dict[str, _Flight[ResultT]] = {}
        self._passed: OrderedDict[str, float] = OrderedDict()

    async def joined(self, key: str, work: Callable[[], Coroutine[Any, Any, ResultT]]) -> tuple[ResultT, bool]:
        """Return what comes of work, and whether somebody else had begun it.

        Args:
            key: what is asked for.
            work: asks for it; what goes wrong is a result, and nothing that it raises.
        """
        flight = self._flights.get(key)
        is_another = flight is not None
        if flight is None:
            flight = self._begin(key, work)
        flight.waiters += 1
        try:
            return await asyncio.shield(flight.task), is_another
        finally:
            flight.waiters -= 1
            if not flight.waiters and not flight.task.done():
                self._left(key, flight)
                flight.task.cancel()

    def start(self, key: str, work: Callable[[], Coroutine[Any, Any, ResultT]]) -> bool:
        """Begin work that nobody waits for, unless it is under way; return whether it was begun."""
        if key in self._flights:
            return False
        self._begin(key, work).waiters += 1
        return True

    def _begin(self, key: str, work: Callable[[], Coroutine[Any, Any, ResultT]]) -> _Flight[ResultT]:
        flight = self._flights[key] = _Flight(asyncio.create_task(work()))
        flight.task.add_done_callback(lambda _: self._left(key, flight))
        return flight

    def _left(self, key: str, flight: _Flight[ResultT]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]

    def pass_by(self, key: str) -> None:
        """Remember that the answers of a key can't be stored: for some time nobody waits for another's."""
        self._passed[key] = asyncio.get_running_loop().time() + _PASSED_SECONDS
        self._passed.move_to_end(key)
        if len(self._passed) > _MOST_PASSED:
            self._passed.popitem(last=False)

    def passes_by(self, key: str) -> bool:
        """Tell whether it is remembered."""
        until = self._passed.get(key)
        if until is None:
            return False
        if until > asyncio.get_running_loop().time():
            return True
        del self._passed[key]
        return False
