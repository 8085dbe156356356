"""How long, how much and how many: what one consumes entry may use, and how long connections are kept."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import httpx

Exchange: TypeAlias = Callable[[Callable[[], None]], Coroutine[Any, Any, httpx.Response]]
"""Sends a request once, and gives the answer as soon as its head is there. What it is called with it calls when the
answer needs its connection no more; where it fails, its caller knows."""

KEEP_ALIVE: Final = 15.0
"""Seconds that an idle connection is kept; many servers close theirs after 5 to 75."""

REPEATED: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "REPORT", "SEARCH", "QUERY"})
"""Safe methods (RFC 9110, 9.2.1): a request that changes nothing is sent once more, on a fresh connection, when a kept
one turns out to be closed. PUT and DELETE are not: the first may have been carried out, and a second DELETE would then
answer that there is nothing to delete (RFC 9110, 9.2.2)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of the calls to one upstream; times in seconds.

    Attributes:
        connections: open connections at once. Small pools beat large ones: 20 to 50 keep any upstream busy.
        share: the part of the connections that one operation may hold of what others leave; see ``places.Places``.
        queue: the wait for a free connection.
        connect: name lookup, TCP and TLS handshake together.
        read: silence while an answer is awaited or read.
        total: a whole exchange, redirects and body included; with ``stream`` until the answer's headers are there.
        response_bytes: the largest body that is read into memory, counted after decompression.

    Raises:
        ValueError: a limit that is not above zero, which would refuse every call, or a share above 1.
    """

    connections: int = 50
    share: float = 0.8
    queue: float = 5.0
    connect: float = 10.0
    read: float = 30.0
    total: float = 60.0
    response_bytes: int = 64 * 1024 * 1024

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            if not getattr(self, field.name) > 0:
                raise ValueError(f"the limit {field.name} must be above zero")
        if self.share > 1:
            raise ValueError("the limit share must be 1 at most")


DEFAULT_LIMITS: Final = Limits()
