"""A connection that came over TLS."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from naftiko.observe.requests import RequestRecord
from naftiko.serve.connections import Connection
from naftiko.serve.handshakes import Handshake
from naftiko.serve.limits import Connections
from naftiko.serve.tls import subject_of


class OuterConnection(Connection):
    """A connection of which more is known than the socket says.

    Args:
        connections: all of the process.
        handshake: the connection as it was counted until now; ``None`` without TLS.
    """

    def __init__(self, connections: Connections, handshake: Handshake | None = None, **kwargs: Any) -> None:
        super().__init__(connections, **kwargs)
        self._handshake = handshake

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Take a new connection in, in place of its handshake."""
        if self._handshake is not None:
            self._all.leave(self._handshake)
            self.certificate = subject_of(transport.get_extra_info("peercert"))
        super().connection_made(transport)

    def _record(self, asked: bytes | None, every: Sequence[tuple[bytes, bytes]]) -> RequestRecord:
        record = super()._record(asked, every)
        record.certificate = self.certificate
        return record
