"""The connections that are kept, and the exchange of a request for its answer on one of them."""

from __future__ import annotations

import asyncio
import functools
import ssl
from collections.abc import AsyncIterator, Callable

import httpx

from naftiko.engine.transport.http11.connecting import Connecting
from naftiko.engine.transport.http11.connection import Connection, EndedError
from naftiko.engine.transport.http11.origin import Origin
from naftiko.engine.transport.http11.outgoing import Outgoing
from naftiko.engine.transport.http11.reading import Reading
from naftiko.engine.transport.limits import KEEP_ALIVE, REPEATED, Exchange, Limits
from naftiko.engine.transport.whole import Whole


class Exchanges:
    """The connections of one event loop, by where they lead.

    A request takes the one that was free last: the others get old, and are closed in time.

    Args:
        limits: connect and read are kept here.
        verify: see ``Connecting``.
    """

    def __init__(self, limits: Limits, verify: bool | ssl.SSLContext) -> None:  # noqa: FBT001 - the same flag as httpx's
        self._loop = asyncio.get_running_loop()
        self._read = limits.read
        self._connecting = Connecting(limits.connect, verify)
        self._free: dict[Origin, list[Connection]] = {}
        self._open: set[Connection] = set()
        self._sweep: asyncio.TimerHandle | None = None
        self._is_closed = False

    def prepared(self, request: httpx.Request, _proxy: str | None) -> Exchange:
        """Take a request, which goes there directly.

        Raises:
            ValueError, httpx.TransportError, httpx.InvalidURL: as from ``Outgoing``.
        """
        return functools.partial(self._exchange, request, Outgoing(request))

    async def _exchange(self, request: httpx.Request, outgoing: Outgoing, done: Callable[[], None]) -> httpx.Response:
        free = self._free.get(outgoing.origin)
        is_repeated = outgoing.method in REPEATED
        connection = free.pop() if free and is_repeated else await self._connection(outgoing)
        try:
            reading = await connection.ask(outgoing)
        except EndedError as error:
            if not (error.was_kept and is_repeated and outgoing.is_whole):
                raise
            connection = await self._opened(outgoing.origin)
            reading = await connection.ask(outgoing)
        said = {"http_version": b"HTTP/1.1", "reason_phrase": reading.reason}
        if reading.is_complete and not reading.is_coded:
            whole = Whole(reading.status, reading.headers, reading.take(), request, said)
            done()
            return whole
        body = _Body(connection, reading, done)
        return httpx.Response(reading.status, headers=reading.headers, stream=body, request=request, extensions=said)

    async def aclose(self) -> None:
        """Close the connections."""
        self._is_closed = True
        if self._loop.is_closed():
            return
        if self._sweep is not None:
            self._sweep.cancel()
        for connection in tuple(self._open):
            connection.abort()
        await asyncio.sleep(0)  # an aborted connection closes its socket one turn later

    def keep(self, connection: Connection) -> None:
        """Keep a connection for the next request."""
        free = self._free.get(connection.origin)
        if free is None:
            free = self._free[connection.origin] = []
        free.append(connection)
        if self._sweep is None:
            self._sweep = self._loop.call_later(KEEP_ALIVE, self._close_old)

    def forget(self, connection: Connection) -> None:
        """Forget a connection that has ended."""
        self._open.discard(connection)
        free = self._free.get(connection.origin)
        if free is not None and connection in free:
            free.remove(connection)

    async def _connection(self, outgoing: Outgoing) -> Connection:
        """Return a connection of a request that must not be sent twice, or a new one."""
        free = self._free.get(outgoing.origin)
        while free:
            connection = free.pop()
            if await connection.stays_open():
                return connection
        return await self._opened(outgoing.origin)

    async def _opened(self, origin: Origin) -> Connection:
        connection = await self._connecting.connect(origin, Connection(self, origin, self._read))
        if self._is_closed:
            connection.abort()
            raise httpx.ConnectError("the transport is closed")
        self._open.add(connection)
        return connection

    def _close_old(self) -> None:
        """Close the connections that have been free for too long."""
        self._sweep = None
        oldest = now = self._loop.time()
        for origin, free in [*self._free.items()]:
            for connection in [*free]:
                if connection.free_since + KEEP_ALIVE <= now:
                    connection.abort()
            if free:
                oldest = min(oldest, free[0].free_since)
            else:
                del self._free[origin]
        if self._free:
            self._sweep = self._loop.call_later(oldest + KEEP_ALIVE - now, self._close_old)


class _Body(httpx.AsyncByteStream):
    """The raw body of an answer; closing it frees the connection."""

    def __init__(self, connection: Connection, reading: Reading, done: Callable[[], None]) -> None:
        self._connection = connection
        self._reading = reading
        self._done: Callable[[], None] | None = done

    async def __aiter__(self) -> AsyncIterator[bytes]:
        reading = self._reading
        while True:
            if reading.size:
                yield self._connection.take(reading)
            elif reading.error is not None:
                raise reading.error
            elif reading.is_complete:
                return
            else:
                await self._connection.more(reading)

    async def aclose(self) -> None:
        done, self._done = self._done, None
        if done is not None:
            self._connection.leave(self._reading)
            done()
