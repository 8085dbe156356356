"""The connections to one upstream behind httpx's transport seam.

httpx's own pool walks all its connections on every call and all but stops at 256 callers. Here a call takes a place and
is exchanged in one of two ways: on connections of our own (``lean``), which cost a third of aiohttp's, or through
aiohttp, which speaks to proxies.
"""

from __future__ import annotations

import asyncio
import functools
import ssl
import sys
from collections.abc import Callable, Coroutine
from importlib import import_module
from importlib.util import find_spec
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

import httpx

from naftiko.engine.transport.environment import NO_PROXIES, Proxies, environment_proxies, platform_context
from naftiko.engine.transport.limits import DEFAULT_LIMITS, Exchange, Limits
from naftiko.engine.transport.places import NO_OPERATION, Places
from naftiko.observe.figures import Histogram
from naftiko.observe.timing import measured

if TYPE_CHECKING:
    from naftiko.engine.transport.websockets import WebSockets

OPERATION: Final = "naftiko.operation"
"""The extension of a request that names the operation it belongs to, which shares the connections with its siblings."""
MAY_GO: Final = "naftiko.may_go"
"""The extension of a request that is called after a wait, and raises where it should not be sent any more."""

FRAME: Final = "naftiko.frame"
"""The extension of the handshake of a WebSocket that has its first message, ``b""`` for none."""


class PoolFigures(NamedTuple):
    """How much a pool has to do.

    Attributes:
        limit: calls at once, and connections.
        in_use: calls under way.
        waiting: calls that wait for a connection.
        waits: how long calls waited that had to.
        refused: calls that waited in vain.
    """

    limit: int
    in_use: int
    waiting: int
    waits: Histogram
    refused: int


class Transport(httpx.AsyncBaseTransport):
    """A pool of connections to one upstream, speaking HTTP/1.1.

    It may be used from one event loop after another: each gets its own connections, opened at the first call.

    Args:
        limits: connections, queue, connect and read are kept here; the others are kept by ``fetch`` and ``stream``.
        verify: ``True`` trusts the platform's certificates, a context decides for itself, ``False`` trusts anyone.
        trust_env: whether HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY are honoured.
    """

    def __init__(
        self,
        limits: Limits = DEFAULT_LIMITS,
        *,
        verify: bool | ssl.SSLContext = True,
        trust_env: bool = True,
    ) -> None:
        self.limits = limits
        self._verify = verify
        self._trust_env = trust_env
        self._closed = False
        self._pools: dict[asyncio.AbstractEventLoop, _Pool] = {}

    def handle_async_request(self, request: httpx.Request) -> Coroutine[Any, Any, httpx.Response]:
        """Send ``request`` and return the answer as soon as its headers are there; its stream is the raw body.

        The URL and the headers go on the wire as they are. ``User-Agent`` and ``Accept-Encoding`` with what can be
        decoded are added where there is none, and nothing else. The answer must be closed: that gives its connection
        back, or closes it if the body wasn't read to its end.

        Raises:
            httpx.TransportError: as from httpx's own transport, such as ``ConnectError`` or ``ReadTimeout``.
            ValueError: a header with a control character, or bytes that are neither ASCII nor UTF-8; nothing was sent.
        """
        pool = self._pools.get(asyncio.get_running_loop())
        return self._first(request) if pool is None else pool.send(request)

    async def _first(self, request: httpx.Request) -> httpx.Response:
        """Send the first request of an event loop."""
        pool = await self._open()
        return await pool.send(request)

    async def connect(self, request: httpx.Request) -> httpx.Response:
        """Send the handshake of a WebSocket, and return its answer: 101 comes as ``Switched``.

        It holds a place of the pool until it is closed. No redirect is followed.

        Raises:
            httpx.TransportError, ValueError: as from ``handle_async_request``.
        """
        if "aiohttp" not in sys.modules:
            await asyncio.to_thread(import_module, "aiohttp")  # 100 ms and more, in which others go on
        pool = self._pools.get(asyncio.get_running_loop()) or await self._open()
        return await pool.send(request, pool.handshake(request))

    def figures(self) -> PoolFigures | None:
        """Return the figures of the running event loop's connections; ``None`` before the first call."""
        pool = self._pools.get(asyncio.get_running_loop())
        return None if pool is None else pool.figures()

    async def aclose(self) -> None:
        """Close the connections of the running event loop and of every finished one; calls then fail."""
        self._closed = True
        running = asyncio.get_running_loop()
        for loop in [loop for loop in self._pools if loop is running or loop.is_closed()]:
            await self._pools.pop(loop).aclose()

    async def _open(self) -> _Pool:
        if self._closed:
            raise httpx.ConnectError("the transport is closed")
        loop = asyncio.get_running_loop()
        pool = self._pools[loop] = _Pool(
            self.limits, self._verify, environment_proxies() if self._trust_env else NO_PROXIES
        )
        for finished in [other for other in self._pools if other.is_closed()]:
            await self._pools.pop(finished).aclose()
        return pool


class _Way(Protocol):
    """A way to exchange requests for answers."""

    def prepared(self, request: httpx.Request, proxy: str | None, /) -> Exchange:
        """Take a request; a ``ValueError`` says why it can't be sent as it is."""

    async def aclose(self) -> None:
        """Close the connections."""


class _Pool:
    """The connections of one event loop."""

    def __init__(self, limits: Limits, verify: bool | ssl.SSLContext, proxies: Proxies) -> None:  # noqa: FBT001 - private, and the same flag as httpx's
        self._limits = limits
        self._verify = verify
        self._proxies = proxies
        self._places = Places(limits.connections, limits.share)
        self._direct = _lean(limits, verify) or _through_aiohttp(limits, verify)
        self._proxied: _Way | None = None
        self._sockets: WebSockets | None = None
        self._waits = Histogram()
        self._refused = 0

    def figures(self) -> PoolFigures:
        places = self._places
        return PoolFigures(self._limits.connections, places.in_use, places.waiting, self._waits, self._refused)

    async def send(self, request: httpx.Request, exchange: Exchange | None = None) -> httpx.Response:
        if exchange is None:
            proxy = self._proxies.of(request.url) if self._proxies else None
            exchange = (self._direct if proxy is None else self._through_proxies()).prepared(request, proxy)
        operation = request.extensions.get(OPERATION, NO_OPERATION)
        if not self._places.take(operation):
            await self._wait_for_a_connection(operation)
            self._ask_again(request, operation)
        give_back = functools.partial(self._places.give_back, operation)
        try:
            return await exchange(give_back)
        except BaseException:
            give_back()
            raise

    def handshake(self, request: httpx.Request) -> Exchange:
        """Take a request that opens a WebSocket."""
        if self._sockets is None:
            self._sockets = _web_sockets(self._limits, self._verify)
        proxy = self._proxies.of(_as_http(request.url)) if self._proxies else None
        return functools.partial(self._sockets.open, request, proxy)

    async def aclose(self) -> None:
        await self._direct.aclose()
        if self._proxied is not None:
            await self._proxied.aclose()
        if self._sockets is not None:
            await self._sockets.aclose()

    def _through_proxies(self) -> _Way:
        if self._proxied is None:
            self._proxied = _through_aiohttp(self._limits, self._verify)
        return self._proxied

    def _ask_again(self, request: httpx.Request, operation: str) -> None:
        """Let a request go that has waited, unless somebody knows better by now."""
        may_go: Callable[[], None] | None = request.extensions.get(MAY_GO)
        if may_go is not None:
            try:
                may_go()
            except BaseException:
                self._places.give_back(operation)
                raise

    async def _wait_for_a_connection(self, operation: str) -> None:
        """Wait, and measure that apart from a slow connect."""
        timing = measured.get()
        began = perf_counter()
        try:
            async with asyncio.timeout(self._limits.queue):
                free = self._places.wait(operation)
                await (free if timing is None else timing.queue.during(free))
        except TimeoutError as error:
            self._refused += 1
            raise httpx.PoolTimeout("no connection became free") from error
        finally:
            self._waits.observe(perf_counter() - began)


def _lean(limits: Limits, verify: bool | ssl.SSLContext) -> _Way | None:  # noqa: FBT001 - likewise
    """Connections of our own, where their parser is installed: it is C, and not there for every Python."""
    if find_spec("httptools") is None:
        return None
    from naftiko.engine.transport.http11.exchanges import Exchanges  # noqa: PLC0415 - with its parser, at the first call

    return Exchanges(limits, verify)


def _through_aiohttp(limits: Limits, verify: bool | ssl.SSLContext) -> _Way:  # noqa: FBT001 - likewise
    from naftiko.engine.transport.aiohttp_exchanges import AiohttpExchanges  # noqa: PLC0415 - 100 ms, for who needs it

    return AiohttpExchanges(limits, verify)


def _web_sockets(limits: Limits, verify: bool | ssl.SSLContext) -> WebSockets:  # noqa: FBT001 - likewise
    from naftiko.engine.transport.websockets import WebSockets  # noqa: PLC0415 - aiohttp, for who needs it

    return WebSockets(limits, platform_context() if verify is True else verify)


def _as_http(url: httpx.URL) -> httpx.URL:
    """Return the URL that says which proxy leads to a WebSocket: that of the request which opens it."""
    return url.copy_with(scheme={"ws": "http", "wss": "https"}.get(url.scheme, url.scheme))
