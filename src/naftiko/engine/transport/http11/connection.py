"""One connection: a request goes out, its answer comes in, then the next (RFC 9112, 9.3); none is sent ahead."""

from __future__ import annotations

import asyncio
import contextlib
import select
import sys
from typing import Final, Protocol, cast

import httpx

from naftiko.engine.transport.http11.origin import Origin
from naftiko.engine.transport.http11.outgoing import Outgoing
from naftiko.engine.transport.http11.reading import Reading

_UNTAKEN: Final = 128 * 1024
"""Bytes of a body that nobody has taken yet above which no more are read from the socket."""
_MUCH: Final = 64 * 1024
"""Bytes of a piece behind which more is waiting already."""
_EXACTLY: Final = 0.001
"""Seconds by which a loop's timers may be early."""


class EndedError(httpx.RemoteProtocolError):
    """The connection ended before the head of an answer.

    Attributes:
        was_kept: whether it had served another request, and nothing of this one's answer came: its server may have
            closed it for being idle, without having seen the request (RFC 9112, 9.3.1). Or nothing was sent at all.
    """

    def __init__(self, *, was_kept: bool) -> None:
        super().__init__("Server disconnected without a response")
        self.was_kept = was_kept


class Keeper(Protocol):
    """Who keeps connections."""

    def keep(self, connection: Connection) -> None:
        """Take a connection that may serve another request."""

    def forget(self, connection: Connection) -> None:
        """Take note of a connection's end."""


class Connection(asyncio.Protocol):
    """A connection to one origin.

    Args:
        keeper: who keeps it between its requests.
        origin: where it leads.
        read: seconds of silence after which an answer is given up.

    Attributes:
        origin: where it leads.
        free_since: the loop's time since which it serves no request.
    """

    __slots__ = (
        "_changed",
        "_check",
        "_flowing",
        "_heard_at",
        "_is_last",
        "_is_paused",
        "_keeper",
        "_loop",
        "_read",
        "_reading",
        "_requests",
        "_sending",
        "_transport",
        "free_since",
        "origin",
    )

    def __init__(self, keeper: Keeper, origin: Origin, read: float) -> None:
        self.origin = origin
        self.free_since = 0.0
        self._keeper = keeper
        self._read = read
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._requests = 0
        self._reading: Reading | None = None
        self._changed: asyncio.Future[None] | None = None  # whoever wants more of the answer waits for it
        self._sending: asyncio.Task[None] | None = None
        self._flowing: asyncio.Future[None] | None = None  # who sends a body, where the socket takes no more of it
        self._is_last = False
        self._is_paused = False
        self._heard_at = 0.0
        self._check: asyncio.TimerHandle | None = None

    async def ask(self, outgoing: Outgoing) -> Reading:
        """Send a request and return its answer once its head is there; ``more`` waits for the rest.

        Raises:
            EndedError: the connection ended before.
            httpx.TransportError: there is no answer, or it is none; the connection is closed.
            Exception: what the source of the body raised; likewise.
        """
        transport = self._transport
        if transport is None:
            raise EndedError(was_kept=True)
        reading = self._reading = Reading(outgoing.method)
        self._requests += 1
        self._is_last = outgoing.closes
        transport.write(outgoing.first)
        if outgoing.rest or outgoing.source is not None:
            self._sending = self._loop.create_task(self._send(outgoing, transport))
        self._heard_at = self._loop.time()
        if self._check is None:
            self._check = self._loop.call_later(self._read, self._check_silence)
        while not reading.has_head and reading.error is None:
            await self.more(reading)
        if reading.error is not None:
            raise reading.error
        return reading

    async def more(self, reading: Reading) -> None:
        """Wait until there is more of an answer, or it has ended; to be called when all that came is taken."""
        if self._reading is not reading:
            return
        self._changed = self._loop.create_future()
        try:
            await self._changed
        except BaseException:  # whoever waited has gone
            self.leave(reading)
            raise

    def take(self, reading: Reading) -> bytes:
        """Return what came of an answer's body since the last time."""
        data = reading.take()
        self._read_on(reading)
        return data

    def leave(self, reading: Reading) -> None:
        """Close the connection if the answer was not read to its end: what is left must not meet the next request."""
        if self._reading is reading:
            self.abort()

    def abort(self) -> None:
        """Close the connection at once."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()
            self._keeper.forget(self)
        if self._check is not None:
            self._check.cancel()
            self._check = None
        sending, self._sending = self._sending, None
        if sending is not None:
            sending.cancel()
        reading, self._reading = self._reading, None
        if reading is not None and not reading.is_complete:
            reading.fail(httpx.ReadError("the connection was closed"))
        self._wake()

    async def stays_open(self) -> bool:
        """Look whether the server has closed the connection meanwhile, where the event loop has not looked yet.

        A request that must not be sent twice can't be tried again after it met a closed connection, so it should not
        meet one.
        """
        if self._transport is not None and _has_news(self._transport):
            await asyncio.sleep(0)  # one turn polls the sockets,
            await asyncio.sleep(0)  # and a second one runs what the poll found, behind this task
        return self._transport is not None

    # What the event loop tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the socket."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Read a part of the answer."""
        reading = self._reading
        if reading is None:  # nobody asked: it could pass for the answer to the next request
            self.abort()
            return
        self._heard_at = self._loop.time()
        reading.feed(data)
        if reading.is_complete:
            self._finish(reading)
        elif reading.error is not None:
            self.abort()
        elif reading.has_head:
            if (len(data) >= _MUCH or reading.size > _UNTAKEN) and not self._is_paused and self._transport is not None:
                self._is_paused = True
                self._transport.pause_reading()  # uvloop would read on in this turn, for as long as something is there
                self._loop.call_soon(self._read_on, reading)
            self._wake()

    def eof_received(self) -> None:
        """See the end of what the server says: there is nobody to talk to any more."""
        self._end(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """See the end of the connection."""
        self._end(exc)

    def pause_writing(self) -> None:
        """Let whoever sends a body wait: the socket takes no more of it."""
        self._flowing = self._loop.create_future()
        self._heard_at = self._loop.time()

    def resume_writing(self) -> None:
        """Let them go on."""
        flowing, self._flowing = self._flowing, None
        self._heard_at = self._loop.time()
        if flowing is not None and not flowing.done():
            flowing.set_result(None)

    def _finish(self, reading: Reading) -> None:
        """Be free for another request, or close."""
        transport = self._transport
        if (
            transport is None
            or not reading.keeps
            or self._is_last
            or self._sending is not None  # an early answer: the rest of the body is no longer wanted (RFC 9112, 9.3)
            or transport.get_write_buffer_size()
        ):
            self.abort()
            return
        self._resume(transport)  # what TLS had decrypted came all the same
        self._reading = None
        self.free_since = self._heard_at
        self._wake()
        self._keeper.keep(self)

    def _read_on(self, reading: Reading) -> None:
        """Read more of an answer, unless too much of it waits to be taken."""
        if self._reading is reading and self._transport is not None and reading.size <= _UNTAKEN:
            self._resume(self._transport)

    def _resume(self, transport: asyncio.Transport) -> None:
        if self._is_paused:
            self._is_paused = False
            self._heard_at = self._loop.time()
            transport.resume_reading()

    def _end(self, error: Exception | None) -> None:
        reading = self._reading
        if reading is not None and not (error is None and reading.end()):
            if reading.has_head:
                reading.fail(httpx.ReadError("the body is cut"))
            else:
                ended = EndedError(was_kept=self._requests > 1 and not reading.heard)
                ended.__cause__ = error
                reading.fail(ended)
        self.abort()

    def _wake(self) -> None:
        changed, self._changed = self._changed, None
        if changed is not None and not changed.done():
            changed.set_result(None)

    def _check_silence(self) -> None:
        """Give an answer up that has been silent for too long; the one timer of a connection, set anew when it is due.

        While the source of a body gives nothing, or nobody takes what came, the silence is not the server's.
        """
        self._check = None
        reading = self._reading
        if reading is None:
            return
        now = self._loop.time()
        if self._is_paused or (self._sending is not None and self._flowing is None):
            self._heard_at = now
        left = self._heard_at + self._read - now
        if left > _EXACTLY:
            self._check = self._loop.call_later(left, self._check_silence)
        else:
            reading.fail(httpx.ReadTimeout("nothing came in time"))
            self.abort()

    async def _send(self, outgoing: Outgoing, transport: asyncio.Transport) -> None:
        """Write a body as fast as the socket takes it."""
        reading = self._reading
        try:
            async with contextlib.aclosing(outgoing.body()) as pieces:
                async for piece in pieces:
                    transport.write(piece)
                    await (asyncio.sleep(0) if self._flowing is None else self._flowing)  # others get their turn
        except BaseException as error:  # whatever it is: without the rest of the body there will be no answer
            if self._sending is not None and reading is not None:
                self._sending = None
                reading.fail(error if isinstance(error, Exception) else httpx.WriteError("the body broke off"))
                self.abort()
            if not isinstance(error, Exception):
                raise
        else:
            self._sending = None
            self._heard_at = self._loop.time()


def _has_news(transport: asyncio.Transport) -> bool:
    """Tell whether there is something to be read from an idle connection, such as its end."""
    if sys.platform == "win32":
        return True  # there is no cheap way to know
    poll = select.poll()
    poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)
    return bool(poll.poll(0))
