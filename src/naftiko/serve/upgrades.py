"""The connection of a caller that becomes a WebSocket (RFC 6455), where the route that it asks for opens one.

The request is one of HTTP until its app says otherwise: hosts, origins, credentials, limits and inputs are looked at as
for any other. Frames are read and written by ``websockets``; without it no upgrade is offered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, cast

from naftiko.expose.http.upgrade import NoUpgrade
from naftiko.observe.requests import REQUEST, RequestRecord

if TYPE_CHECKING:
    from websockets.frames import Frame

    from naftiko.serve.connections import Connection

_MAX_MESSAGE: Final = 256 * 1024
"""Bytes of the largest message of a caller."""
_WAITING: Final = 16
"""Messages of a caller that may wait; then no more is read."""
_CLOSING: Final = 2.0
"""Seconds that a caller has to answer our close."""
_SWITCHED: Final = 101
_LONGEST_REASON: Final = 123
_IS_THERE: Final = find_spec("websockets") is not None


def asks_for_socket(headers: list[tuple[bytes, bytes]]) -> bool:
    """Tell whether a request asks for a WebSocket, and there is what reads and writes frames."""
    return _IS_THERE and any(name == b"upgrade" and value.lower() == b"websocket" for name, value in headers)


class UpgradedConnection(asyncio.Protocol):
    """What reads and writes a connection from its upgrade on.

    Args:
        connection: the connection so far: it counts as before, and is told of the end.
        scope: of the request.

    Raises:
        NoUpgrade: the request is no handshake.
    """

    def __init__(self, connection: Connection, scope: Mapping[str, Any]) -> None:
        from websockets.protocol import Protocol, Side  # noqa: PLC0415 - with the first upgrade

        self._connection = connection
        self._transport = connection.transport
        self._frames = Protocol(Side.SERVER, max_size=_MAX_MESSAGE)
        self._messages: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._pieces: list[bytes] = []
        self._can_write = asyncio.Event()
        self._can_write.set()
        record: RequestRecord = scope[REQUEST]
        response = _accepted(scope, record)
        record.status = _SWITCHED
        connection.cycle.response_started = True
        self._transport.set_protocol(self)
        self._transport.write(response)

    def data_received(self, data: bytes) -> None:
        """Read a piece."""
        self._frames.receive_data(data)
        self._read()
        if self._messages.qsize() >= _WAITING:
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        """Take note that the caller sends no more."""
        self._frames.receive_eof()
        self._read()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits, and those who count connections."""
        self._can_write.set()
        self._messages.put_nowait(None)
        self._connection.connection_lost(exc)

    def pause_writing(self) -> None:
        """Send no more for now."""
        self._can_write.clear()
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        """Go on sending."""
        self._can_write.set()
        self._connection.resume_writing()

    def _read(self) -> None:
        for frame in self._frames.events_received():
            self._take(cast("Frame", frame))
        self._flush()
        if self._frames.close_expected():
            self._part()

    def _take(self, frame: Frame) -> None:
        if frame.opcode.name in {"TEXT", "BINARY", "CONT"}:
            self._pieces.append(bytes(frame.data))
            if frame.fin:
                self._messages.put_nowait(b"".join(self._pieces))
                self._pieces.clear()
        elif frame.opcode.name == "CLOSE":
            self._messages.put_nowait(None)

    def _flush(self) -> None:
        for data in self._frames.data_to_send():
            if data:
                self._transport.write(data)
            elif self._transport.can_write_eof():
                self._transport.write_eof()

    def _part(self) -> None:
        """Close the connection once the caller has, or after a while."""
        self._connection.loop.call_later(_CLOSING, self._transport.close)

    async def send(self, message: bytes) -> None:
        """Send a message; see ``CallerSocket``."""
        await self._can_write.wait()
        if self._is_open:
            self._frames.send_text(message)
            self._flush()

    @property
    def _is_open(self) -> bool:
        return self._frames.state.name == "OPEN" and not self._transport.is_closing()

    async def receive(self) -> bytes | None:
        """Return the next message; see ``CallerSocket``."""
        message = await self._messages.get()
        if self._messages.qsize() < _WAITING and not self._transport.is_closing():
            self._transport.resume_reading()
        if message is None:
            self._messages.put_nowait(None)  # it stays the end
        return message

    def close(self, code: int, reason: str = "") -> None:
        """End it; see ``CallerSocket``."""
        cycle = self._connection.cycle
        if self._is_open:
            cut = reason.encode("utf-8")[:_LONGEST_REASON].decode("utf-8", "ignore")
            self._frames.send_close(code, cut)
            self._flush()
            self._part()
        elif not self._transport.is_closing():
            self._part()
        cycle.response_complete = True
        cycle.wake()


def _accepted(scope: Mapping[str, Any], record: RequestRecord) -> bytes:
    """Return the answer to a handshake.

    Raises:
        NoUpgrade: it is none.
    """
    from websockets.datastructures import Headers  # noqa: PLC0415 - likewise
    from websockets.http11 import Request  # noqa: PLC0415 - likewise
    from websockets.server import ServerProtocol  # noqa: PLC0415 - likewise

    fields = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    response = ServerProtocol().accept(Request(scope["raw_path"].decode("latin-1"), Headers(fields)))
    if response.status_code != _SWITCHED:
        raise NoUpgrade("the request is no handshake of a WebSocket (RFC 6455 chapter 4.2.1)")
    for name, value in record.fields or ():
        if name.lower() != b"date":
            response.headers[name.decode("latin-1")] = value.decode("latin-1")
    return response.serialize()
