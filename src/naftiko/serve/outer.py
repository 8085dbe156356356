"""A connection that came over TLS, or by way of a proxy."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any

from naftiko.observe.requests import RequestRecord
from naftiko.serve.connections import Connection, Refused
from naftiko.serve.front import Front
from naftiko.serve.handshakes import Handshake
from naftiko.serve.limits import Connections
from naftiko.serve.tls import subject_of


class OuterConnection(Connection):
    """A connection of which more is known than the socket says.

    Args:
        connections: all of the process.
        front: what is between callers and the apps.
        handshake: the connection as it was counted until now; ``None`` without TLS.
    """

    def __init__(
        self, connections: Connections, front: Front, handshake: Handshake | None = None, **kwargs: Any
    ) -> None:
        super().__init__(connections, **kwargs)
        self._handshake = handshake
        self._front = front
        self._proxies = front.proxies
        self._counting: deque[str] = deque()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Take a new connection in, in place of its handshake."""
        if self._handshake is not None:
            self._all.leave(self._handshake)
            self.certificate = subject_of(transport.get_extra_info("peercert"))
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let a closed connection go, and whoever called by way of it."""
        super().connection_lost(exc)
        while self._counting:
            self._all.uncount(self._counting.popleft())

    def on_response_complete(self) -> None:
        """Let the caller of a proxy go with its answer."""
        if self._counting:
            self._all.uncount(self._counting.popleft())
        super().on_response_complete()

    def _counted(self) -> str:
        if self._proxies is not None and not self._proxies.trusts(self.address):
            self._proxies = None  # its word is nobody's
        return self.address if self._proxies is None else ""

    def _record(self, asked: bytes | None, every: Sequence[tuple[bytes, bytes]]) -> RequestRecord:
        record = super()._record(asked, every)
        record.certificate = self.certificate
        if self._proxies is not None:
            client = self.scope["client"]
            record.client = client[0] if client else ""
        return record

    def _complete_scope(self, method: bytes, version: str) -> None:
        """Complete the scope with what a trusted proxy says.

        Raises:
            Refused: there are too many requests of the caller.
        """
        if self._proxies is None:
            super()._complete_scope(method, version)
            return
        seen = self._proxies.seen(self.headers, self.client)
        self.root_path = self._front.root_path if seen.prefix is None else seen.prefix
        super()._complete_scope(method, version)
        scope = self.scope
        scope["root_path"] = self.root_path
        scope["client"] = seen.client
        if seen.scheme:
            scope["scheme"] = seen.scheme
        if seen.host:
            self.headers[:] = [(name, seen.host if name == b"host" else value) for name, value in self.headers]
        if seen.client is not None and self._all.limits.connections_per_address:
            reason = self._all.count(seen.client[0])
            if reason:
                self._refusal = (503, "too-many-connections", reason)
                raise Refused
            self._counting.append(seen.client[0])
