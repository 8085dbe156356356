"""Connections that stay open for messages both ways (RFC 6455), through aiohttp: proxies and TLS are those of calls."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import httpx

from naftiko.engine.transport.aiohttp_exchanges import headers_of, httpx_error, session, without_user
from naftiko.engine.transport.failures import NoWebSocket
from naftiko.engine.transport.limits import Limits
from naftiko.engine.transport.message import address_of
from naftiko.engine.transport.whole import Whole

if TYPE_CHECKING:
    import ssl

    import aiohttp

MAX_MESSAGE: Final = 1 << 20
"""Bytes of the largest message that is taken."""
_SWITCHED: Final = 101
_EXCERPT: Final = 64 * 1024
_TOO_BIG: Final = 1009
_CLOSING: Final = 2.0
"""Seconds that the other side has to answer our close."""
_PROTOCOL: Final = "sec-websocket-protocol"
_GOOD: Final = frozenset({1000, 1001, 1005})
"""Codes of an end in good order (RFC 6455 chapter 7.4): done, going away, and none."""


class SocketCut(Exception):
    """A connection ended, and not in good order.

    Args:
        reason: completes "the stream of api.example:443 …".
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class WebSocket:
    """An open connection; closing it twice does nothing the second time."""

    def __init__(self, connection: Any, give_back: Callable[[], None]) -> None:
        self._connection = connection
        self._give_back: Callable[[], None] | None = give_back

    async def send(self, message: bytes) -> None:
        """Send a message of text.

        Raises:
            SocketCut: there is no connection any more.
        """
        try:
            await self._connection.send_str(message.decode("utf-8"))
        except Exception as error:
            if isinstance(error, OSError) or httpx_error(error) is not None:
                raise SocketCut("was cut: the connection closed before its end") from error
            raise

    async def receive(self) -> bytes | None:
        """Return the next message, ``None`` at the end.

        Raises:
            SocketCut: the connection broke, the other side says that something is wrong, or a message is too large.
        """
        message: Any = await self._connection.receive()
        kind = message.type.name
        if kind == "TEXT":
            return message.data.encode("utf-8") if isinstance(message.data, str) else bytes(message.data)
        if kind == "BINARY":
            return bytes(message.data)
        if kind == "CLOSE" and message.data in _GOOD:
            return None
        if kind == "CLOSE":
            said = f", saying: {str(message.extra)[:200]}" if message.extra else ""
            raise SocketCut(f"was closed with the code {message.data}{said}")
        code = getattr(message.data, "code", None)
        if kind == "ERROR" and code is not None:
            too_large = f": a message is larger than {MAX_MESSAGE:,} bytes" if code == _TOO_BIG else ""
            raise SocketCut(f"is not what RFC 6455 says{too_large}")
        raise SocketCut("was cut: the connection closed before its end")

    async def aclose(self) -> None:
        """Close it, and give its place back."""
        give_back, self._give_back = self._give_back, None
        if give_back is not None:
            try:
                await self._connection.close()
            finally:
                self._connection.release()
                give_back()


class Switched(Whole):
    """The answer 101, with the connection that is open from then on.

    Attributes:
        connection: whoever gets the answer closes it.
    """

    def __init__(self, request: httpx.Request, connection: WebSocket) -> None:
        super().__init__(_SWITCHED, (), b"", request, {})
        self.connection = connection

    async def aclose(self) -> None:
        """Close the connection."""
        await self.connection.aclose()


class WebSockets:
    """Opens the WebSockets of one event loop.

    Args:
        limits: connect and read are kept here.
        tls: what https and wss trust.
    """

    def __init__(self, limits: Limits, tls: bool | ssl.SSLContext) -> None:  # noqa: FBT001 - the same flag as httpx's
        import yarl  # noqa: PLC0415 - with aiohttp, at the first call

        self._url = yarl.URL
        self._limits = limits
        self._tls = tls
        response, line = _kinds()
        self._session = session(limits, keeps=False, response=response, socket=line)

    async def open(self, request: httpx.Request, proxy: str | None, done: Callable[[], None]) -> httpx.Response:
        """Send a handshake; return its answer: 101 with the open connection, or what the other side says instead.

        Raises:
            httpx.TransportError: as from the transport's ``handle_async_request``.
        """
        import aiohttp  # noqa: PLC0415 - likewise

        headers = [pair for pair in headers_of(request) if pair[0].lower() != _PROTOCOL]
        offered = [value for name, value in request.headers.multi_items() if name.lower() == _PROTOCOL]
        address = address_of(request)
        if "@" in address:
            address = without_user(address, headers)
        try:
            connection = await self._session.ws_connect(
                self._url(address, encoded=True),
                protocols=[each.strip() for each in ",".join(offered).split(",") if each.strip()],
                headers=headers,
                timeout=aiohttp.ClientWSTimeout(ws_receive=None, ws_close=_CLOSING),
                heartbeat=self._limits.read,
                max_msg_size=MAX_MESSAGE,
                ssl=self._tls if address.startswith(("wss:", "https:")) else True,
                proxy=proxy,
            )
        except _Refusal as refusal:
            done()
            return Whole(refusal.status, refusal.headers, refusal.body, request, {})
        except aiohttp.WSServerHandshakeError as error:
            raise NoWebSocket("no WebSocket") from error
        except Exception as error:
            if told := httpx_error(error):
                raise told from error
            raise
        return Switched(request, WebSocket(connection, done))

    async def aclose(self) -> None:
        """Close what is open."""
        await self._session.close()


class _Refusal(Exception):
    """An answer that doesn't open a WebSocket, with the beginning of its body."""

    def __init__(self, status: int, headers: tuple[tuple[bytes, bytes], ...], body: bytes) -> None:
        super().__init__()
        self.status = status
        self.headers = headers
        self.body = body


@functools.cache
def _kinds() -> tuple[type[aiohttp.ClientResponse], type[aiohttp.ClientWebSocketResponse]]:
    """Return what answers and connections are made of; made once aiohttp is there."""
    import aiohttp  # noqa: PLC0415 - likewise

    class Handshake(aiohttp.ClientResponse):
        """The answer to a handshake; one that is no 101 is an answer as any other, redirects too: none is followed."""

        async def start(self, connection: Any) -> aiohttp.ClientResponse:
            await super().start(connection)
            if self.status != _SWITCHED:
                body = await self.content.read(_EXCERPT)
                raise _Refusal(self.status, self.raw_headers, body)
            return self

    class Line(aiohttp.ClientWebSocketResponse):
        """A connection that lets its socket go in any case: aiohttp keeps one that broke while it was read."""

        def release(self) -> None:
            self._response.close()

    return Handshake, Line
