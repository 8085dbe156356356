"""Places for a bounded number of things at once; who finds none waits, and waiting callers take turns by address."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
from collections import OrderedDict, deque
from collections.abc import AsyncIterator


class QueueFull(Exception):
    """Nobody left a place within the time that was waited."""


class FairQueue:
    """Places, and lines of those who wait for one.

    Each address has a line of its own, and the lines are served in turn: who sends a thousand made-up tokens waits
    behind their own, and everybody else behind one of them.

    Args:
        places: how many have one at once.
        waiting: how many wait at most; above it whoever came last in the longest line is sent away.
        patience: seconds that anybody waits.
    """

    def __init__(self, places: int, *, waiting: int = 1000, patience: float = 5.0) -> None:
        self._free = places
        self._most_waiting = waiting
        self._patience = patience
        self._waiting = 0
        self._lines: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @contextlib.asynccontextmanager
    async def turn(self, address: str) -> AsyncIterator[None]:
        """Hold a place while the block lasts.

        Raises:
            QueueFull: there was none in time.
        """
        if self._free:
            self._free -= 1
        else:
            await self._wait(neighbourhood(address))
        try:
            yield
        finally:
            self._leave()

    async def _wait(self, line: str) -> None:
        mine = asyncio.get_running_loop().create_future()
        if self._waiting >= self._most_waiting and not self._sent_away(line):
            raise QueueFull
        self._lines.setdefault(line, deque()).append(mine)
        self._waiting += 1
        try:
            async with asyncio.timeout(self._patience):
                await mine
        except BaseException as error:
            if mine.done() and not mine.cancelled() and mine.exception() is None:
                self._leave()  # it came just now: whoever is next may have it
            else:
                self._forget(line, mine)
            if isinstance(error, TimeoutError):
                raise QueueFull from None
            raise

    def _sent_away(self, line: str) -> bool:
        """Send the last of the longest line away; ``False`` where that would be whoever comes now."""
        longest = max(self._lines, key=lambda each: len(self._lines[each]))
        if len(self._lines[longest]) <= len(self._lines.get(line, ())):
            return False
        last = self._lines[longest][-1]
        self._forget(longest, last)
        last.set_exception(QueueFull())
        return True

    def _forget(self, line: str, one: asyncio.Future[None]) -> None:
        waiting = self._lines.get(line)
        if waiting is not None and one in waiting:
            waiting.remove(one)
            self._waiting -= 1
            if not waiting:
                del self._lines[line]

    def _leave(self) -> None:
        """Give the place to the first of the next line; a line that was served goes behind all others."""
        while self._lines:
            line, waiting = next(iter(self._lines.items()))
            first = waiting.popleft()
            self._waiting -= 1
            if waiting:
                self._lines.move_to_end(line)
            else:
                del self._lines[line]
            if not first.done():
                first.set_result(None)
                return
        self._free += 1


def neighbourhood(address: str) -> str:
    """Return what one caller has of addresses: one of IPv4, 2⁶⁴ of IPv6 (RFC 6177)."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    if known.version == 4 or known.ipv4_mapped is not None:  # noqa: PLR2004  # IPv4
        return str(getattr(known, "ipv4_mapped", None) or known)
    return str(ipaddress.ip_network((int(known) >> 64 << 64, 64)))
