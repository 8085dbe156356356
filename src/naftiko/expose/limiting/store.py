"""What callers have taken of their limits: the seam for a store that several processes share, and the one of a process.

A bucket of tokens is one number, the time at which it would be full again (the generic cell rate algorithm of ITU-T
I.371): nothing is refilled, and there is no timer.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

from naftiko.plan.limits import CallerLimits

MOST_KEYS: Final = 10_000
"""Callers of one limit that are remembered, those who came last."""
_ROUNDING: Final = 1e-6
"""Seconds: sums of times are not exact."""
_SWEPT: Final = 2
"""Full buckets that go when a new one comes, so that a crowd that has gone leaves nothing."""


class Taken(NamedTuple):
    """What came of asking for one request more.

    Attributes:
        allowed: whether it may go on.
        remaining: how many more may come at once.
        seconds: until all may come at once again; where it is refused, until one more may.
    """

    allowed: bool
    remaining: int
    seconds: float


class LimitStore(Protocol):
    """Counts what callers do. A shared one asks elsewhere, so it may wait; what leaves is told and not waited for."""

    async def take(self, key: bytes, limits: CallerLimits) -> Taken:
        """Take a request of ``limits.requests`` for a caller."""

    async def enter(self, key: bytes, most: int) -> int:
        """Begin a call of a caller; return how many more may be under way, or -1: it may not begin."""

    def leave(self, key: bytes) -> None:
        """End a call that began."""


class LocalStore:
    """The counts of one limit in this process, in bounded memory: about 200 bytes a caller.

    Args:
        most: callers whose buckets are remembered. One who is forgotten has a full bucket again.
        clock: seconds that never go back.
    """

    def __init__(self, most: int = MOST_KEYS, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._full: OrderedDict[bytes, float] = OrderedDict()
        self._running: dict[bytes, int] = {}

    def __len__(self) -> int:
        """Return how many buckets are remembered."""
        return len(self._full)

    async def take(self, key: bytes, limits: CallerLimits) -> Taken:
        """See ``LimitStore.take``."""
        now, interval = self._clock(), limits.interval
        room = limits.burst * interval
        known = self._full.get(key)
        begin = now if known is None or known < now else known
        full = begin + interval
        over = full - now - room
        if over > _ROUNDING:
            self._full.move_to_end(key)
            return Taken(allowed=False, remaining=0, seconds=over)
        if known is None:
            self._make_room(now)
        self._full[key] = full
        self._full.move_to_end(key)
        return Taken(allowed=True, remaining=int((room - (full - now) + _ROUNDING) / interval), seconds=full - now)

    def _make_room(self, now: float) -> None:
        """Let buckets go that are full, and the one that was asked longest ago where there are too many."""
        for _ in range(_SWEPT):
            oldest = next(iter(self._full), None)
            if oldest is None or (self._full[oldest] > now and len(self._full) < self._most):
                return
            del self._full[oldest]

    async def enter(self, key: bytes, most: int) -> int:
        """See ``LimitStore.enter``; only callers with calls under way are in memory."""
        running = self._running.get(key, 0)
        if running >= most:
            return -1
        self._running[key] = running + 1
        return most - running - 1

    def leave(self, key: bytes) -> None:
        """See ``LimitStore.leave``."""
        running = self._running[key] - 1
        if running:
            self._running[key] = running
        else:
            del self._running[key]

    @property
    def in_flight(self) -> int:
        """Calls under way."""
        return sum(self._running.values())
