"""How much callers may take: limits of their connections, and all connections of a process together.

What is counted is counted where it is cheap: times once a second for all connections together.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections import Counter
from dataclasses import dataclass, field
from typing import Final, Protocol

_log = logging.getLogger(__name__)
_TICK: Final = 1.0
"""Seconds between two looks at how long each connection has waited."""
_BUSY: Final = 0.1
"""Seconds for which connections that are all busy are taken to be so still."""
_SHARE: Final = 64
"""Of all connections, one in so many is closed where there is no place."""
_LINGER: Final = 1.0
"""Seconds in which a caller who is refused can read why."""
_MOST_LEAVING: Final = 32
"""Refused callers who are waited for at once."""
_QUIET: Final = 60.0
"""Seconds in which one kind of refusal is logged once."""


class Admitted(Protocol):
    """What counts as a connection: one that is served, and one that is still agreeing on TLS.

    Attributes:
        address: the caller's, as the socket says; ``""`` where it has none.
        counts_for: the address that it counts for; ``""``: for none.
        since: when what it waits for now began, by the loop's clock.
        loop: its event loop.
    """

    address: str
    counts_for: str
    since: float
    loop: asyncio.AbstractEventLoop

    @property
    def is_idle(self) -> bool:
        """Whether no request is on its way or being answered."""

    def look(self, now: float, limits: ConnectionLimits) -> None:
        """Close it if its time is over."""

    def end(self) -> None:
        """Close it."""


class Leaving(Admitted, Protocol):
    """A connection whose caller still reads why it is refused.

    Attributes:
        transport: what it is closed with.
    """

    transport: asyncio.Transport


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What a caller may ask of the server before any capability is asked.

    Attributes:
        head_bytes: the request line and the header fields together; more is answered with 431 (RFC 6585 chapter 5).
        head_fields: header fields of a request, likewise.
        head_seconds: time for a whole head, and for the first byte of a new connection.
        body_seconds: time for a body, extended by a second for each ``rate`` bytes of it.
        rate: bytes a second that a body comes with at least.
        write_seconds: time in which a caller reads something of an answer that waits for it, and of a large one a
            piece of 100 KB or so.
        keep_alive_seconds: time that a connection stays open between two requests.
        connections: at once in this process; 0 for any number. Above it idle ones are closed, new ones answered 503.
        connections_per_address: at once of one address; 0 for any number.
    """

    head_bytes: int = 64 * 1024
    head_fields: int = 100
    head_seconds: float = 20.0
    body_seconds: float = 30.0
    rate: int = 500
    write_seconds: float = 60.0
    keep_alive_seconds: int = 75
    connections: int = 0
    connections_per_address: int = 0


@dataclass(slots=True)
class Connections:
    """All connections of a process, over all of its listeners.

    Attributes:
        refused: how many requests and connections were refused or closed, by reason.
    """

    limits: ConnectionLimits = field(default_factory=ConnectionLimits)
    refused: Counter[str] = field(default_factory=Counter)
    _open: set[Admitted] = field(default_factory=set)
    _by_address: Counter[str] = field(default_factory=Counter)
    _told: dict[str, float] = field(default_factory=dict)
    _watch: asyncio.TimerHandle | None = None
    _all_busy_until: float = 0.0
    _leaving: dict[Leaving, None] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._open)

    def admit(self, connection: Admitted) -> str:
        """Take a connection in; return why it can't be, or ``""``."""
        limits = self.limits
        reason = self._too_many_of(connection.counts_for, "connections open")
        if reason:
            return reason
        is_full = limits.connections and len(self._open) >= limits.connections
        if is_full and not self._close_idle_ones(connection.loop.time()):
            return f"{limits.connections} connections are open, the most that this server takes"
        self._open.add(connection)
        self._by_address[connection.counts_for] += 1
        if self._watch is None:
            self._watch = connection.loop.call_later(_TICK, self._look, connection.loop)
        return ""

    def leave(self, connection: Admitted) -> None:
        """Forget a connection that is closed."""
        self._leaving.pop(connection, None)  # type: ignore[call-overload]  # it may be there
        if connection in self._open:
            self._open.discard(connection)
            self.uncount(connection.counts_for)

    def count(self, address: str) -> str:
        """Count a request of an address whose connections are a proxy's; return why it can't be, or ``""``."""
        reason = self._too_many_of(address, "requests under way")
        if not reason:
            self._by_address[address] += 1
        return reason

    def uncount(self, address: str) -> None:
        """Forget a request, or a connection, of an address."""
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]

    def _too_many_of(self, address: str, what: str) -> str:
        most = self.limits.connections_per_address
        if most and address and self._by_address[address] >= most:
            return f"{address} has {most} {what}, the most that one address may have"
        return ""

    def tell(self, kind: str, reason: str) -> None:
        """Count what was refused or closed, and log it unless one of its kind was logged a moment ago."""
        self.refused[kind] += 1
        now = asyncio.get_running_loop().time()
        if now - self._told.get(kind, -_QUIET) >= _QUIET:
            self._told[kind] = now
            _log.warning("%s (%d so far)", reason, self.refused[kind])

    def part_with(self, connection: Leaving) -> None:
        """Close a connection whose caller is refused, a moment after the answer.

        What the caller still sends would meet a closed socket, which resets the connection and takes the answer with it
        (RFC 9112 chapter 9.6). Only the last few are waited for: each holds a descriptor.
        """
        if len(self._leaving) >= _MOST_LEAVING:
            first = next(iter(self._leaving))
            del self._leaving[first]
            first.transport.close()
        self._leaving[connection] = None
        if connection.transport.can_write_eof():  # TLS has no half of a connection
            connection.transport.write_eof()
        connection.loop.call_later(_LINGER, connection.transport.close)

    def _close_idle_ones(self, now: float) -> bool:
        """Close a few connections that wait longest for their next request; return whether there were any.

        One look at all of them is for several callers, and one that found none for all who come a moment later: who
        connects again and again must not make the server count.
        """
        if now < self._all_busy_until:
            return False
        idle = [connection for connection in self._open if connection.is_idle]
        if not idle:
            self._all_busy_until = now + _BUSY
            return False
        few = max(1, len(self._open) // _SHARE)
        for connection in heapq.nsmallest(few, idle, key=lambda connection: connection.since):
            connection.end()
            self.leave(connection)
        most = self.limits.connections
        self.tell(
            "idle-connections", f"{most} connections are open, the most that this server takes; idle ones are closed"
        )
        return True

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """Close the connections whose time is over, once a tick while there are any."""
        now = loop.time()
        for connection in [*self._open]:
            connection.look(now, self.limits)
        self._watch = loop.call_later(_TICK, self._look, loop) if self._open else None
