"""A request that becomes a WebSocket (RFC 6455), if its app says so.

The server offers it in the scope of a request whose caller asks for it, under ``UPGRADE``. Until the offer is taken the
request is one of HTTP: what it asks for may be refused as any other, and may be answered without an upgrade.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol, TypeAlias

UPGRADE: Final = "naftiko.upgrade"
"""The key of a scope that has the ``Offer``, where its caller asks for a WebSocket."""


class NoUpgrade(Exception):
    """The request is no handshake of a WebSocket; its text says why."""


class CallerSocket(Protocol):
    """The open WebSocket of a caller."""

    async def send(self, message: bytes) -> None:
        """Send a message of text; it waits while the caller reads nothing."""
        ...

    async def receive(self) -> bytes | None:
        """Return the caller's next message, ``None`` once there is none any more."""
        ...

    def close(self, code: int, reason: str = "") -> None:
        """End it; the reason is cut to what fits (RFC 6455 chapter 5.5)."""
        ...


Offer: TypeAlias = Callable[[], CallerSocket]
"""Answers 101; raises ``NoUpgrade`` where nothing has been sent."""
