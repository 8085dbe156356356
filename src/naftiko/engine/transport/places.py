"""The places of a pool: how many calls may be under way to one API, and how its operations share them.

A plain semaphore serves who comes first, so one slow operation holds all places, and its siblings wait for it. Here an
operation may hold a part of what the others leave, much as a switch shares its buffer among its ports (Choudhury and
Hahne, "Dynamic queue length thresholds", 1998): alone it gets most of the places, and one that holds none finds some
left. Of those who wait, the operation that holds the fewest is served first.
"""

from __future__ import annotations

import asyncio
from typing import Final

NO_OPERATION: Final = ""
"""Of requests that are no operation's, such as those for a token: they take any free place."""


_EXACTLY: Final = 1e-9
"""0.7 of 10 is not quite 7 in binary."""


class Places:
    """The places of one pool, in one event loop.

    Args:
        most: how many there are.
        share: the part of the places that one operation may hold of what the others leave, above 0, at most 1. With 0.8
            of 50 the first that takes what it can get has 40, the next 8, and the third and the fourth have one each.
    """

    __slots__ = ("_free", "_held", "_most", "_share", "_waiting")

    def __init__(self, most: int, share: float) -> None:
        self._most = most
        self._free = most
        self._share = share
        self._held: dict[str, int] = {}
        self._waiting: dict[str, dict[asyncio.Future[None], None]] = {}

    @property
    def in_use(self) -> int:
        """How many are taken."""
        return self._most - self._free

    @property
    def waiting(self) -> int:
        """How many calls wait for one."""
        return sum(map(len, self._waiting.values()))

    def take(self, operation: str) -> bool:
        """Take a place at once; return whether there was one for this operation."""
        if not self._free or operation in self._waiting or not self._may(operation):
            return False
        self._hold(operation)
        return True

    async def wait(self, operation: str) -> None:
        """Wait for a place; whoever is cancelled meanwhile has none."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(operation, {})[waiter] = None
        try:
            await waiter
        except BaseException:
            if waiter.cancelled():
                self._forget(operation, waiter)
            else:  # it was given in the moment of the cancellation
                self.give_back(operation)
            raise

    def give_back(self, operation: str) -> None:
        """Give a place back, to the next who waits for one."""
        self._free += 1
        held = self._held.get(operation, 0) - 1
        if held > 0:
            self._held[operation] = held
        else:
            self._held.pop(operation, None)
        while self._waiting and self._free and self._serve():
            pass

    def _may(self, operation: str) -> bool:
        """Tell whether an operation may have a free place: the first always, then up to its part of what is left.

        Where nobody else holds any, that is rounded up: of two places one operation alone may have both.
        """
        held = self._held.get(operation, 0)
        if not held:
            return True
        left = held + self._free
        part = self._share * left
        return held + _EXACTLY < part if left == self._most else held + 1 <= part + _EXACTLY

    def _hold(self, operation: str) -> None:
        self._free -= 1
        if operation:
            self._held[operation] = self._held.get(operation, 0) + 1

    def _serve(self) -> bool:
        """Give a place to the first waiter of the operation that holds the fewest; return whether one may have it."""
        operation = min(self._waiting, key=lambda waiting: self._held.get(waiting, 0))
        if not self._may(operation):
            return False
        waiters = self._waiting.pop(operation)
        waiter = next(iter(waiters))
        del waiters[waiter]
        if waiters:  # behind the others: of those that hold as few, each gets its turn
            self._waiting[operation] = waiters
        if not waiter.done():
            self._hold(operation)
            waiter.set_result(None)
        return True

    def _forget(self, operation: str, waiter: asyncio.Future[None]) -> None:
        waiters = self._waiting.get(operation)
        if waiters is not None:
            waiters.pop(waiter, None)
            if not waiters:
                del self._waiting[operation]
