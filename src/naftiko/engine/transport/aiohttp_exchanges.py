"""Exchanges through aiohttp: what goes through a proxy, and all of it where httptools isn't installed."""

from __future__ import annotations

import asyncio
import functools
import io
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any, Final

import httpx

import naftiko
from naftiko.engine.transport.content_coding import ACCEPT_ENCODING
from naftiko.engine.transport.environment import platform_context
from naftiko.engine.transport.limits import KEEP_ALIVE, REPEATED, Exchange, Limits
from naftiko.engine.transport.message import (
    MOST_INTERIM,
    FlawedAnswer,
    address_of,
    flaw_of_head,
    raw_headers,
    refuse_unsendable,
)
from naftiko.engine.transport.whole import Whole
from naftiko.plan.addresses import basic_credential

if TYPE_CHECKING:
    import aiohttp


def httpx_error(error: Exception) -> httpx.TransportError | None:
    """The httpx exception that says what ``error`` of aiohttp says, or ``None`` if it is none of aiohttp's.

    The texts are for logs; what a caller reads is written by ``failures``, which looks at the type and at the causes.
    """
    import aiohttp  # noqa: PLC0415 - loaded already when there is an error of it

    if isinstance(error, aiohttp.ClientConnectorDNSError) and not isinstance(error.os_error, socket.gaierror):
        error.__cause__ = socket.gaierror(socket.EAI_NONAME, "no such host")  # another resolver's way of saying so
    kinds: tuple[tuple[type[Exception], type[httpx.TransportError], str], ...] = (
        (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout, "no connection in time"),
        (aiohttp.ServerTimeoutError, httpx.ReadTimeout, "nothing came in time"),
        (aiohttp.ClientHttpProxyError, httpx.ProxyError, "the proxy refused"),
        (aiohttp.ClientProxyConnectionError, httpx.ProxyError, "no connection to the proxy"),
        (aiohttp.ClientConnectorError, httpx.ConnectError, "no connection"),
        (aiohttp.ServerDisconnectedError, httpx.RemoteProtocolError, "Server disconnected without a response"),
        (aiohttp.ClientResponseError, httpx.RemoteProtocolError, "not an HTTP answer"),
        (aiohttp.ClientPayloadError, httpx.ReadError, "the body is cut"),
        (aiohttp.InvalidURL, httpx.UnsupportedProtocol, "not an address"),
        (aiohttp.NonHttpUrlClientError, httpx.UnsupportedProtocol, "not http or https"),
        (aiohttp.ClientError, httpx.ReadError, "the connection broke"),
    )
    for theirs, ours, text in kinds:
        if isinstance(error, theirs):
            return ours(text)
    return None


_HEAD_BYTES: Final = 64 * 1024
"""The longest line and header of an answer: cookies and policies of real APIs pass the usual 8 KiB."""

_FIRST_FINAL: Final = 200

_MADE_UP: Final = ("Accept", "Content-Type")
"""What aiohttp would add to a request that says nothing about them."""


def session(
    limits: Limits,
    *,
    keeps: bool = True,
    response: type[aiohttp.ClientResponse] | None = None,
    socket: type[aiohttp.ClientWebSocketResponse] | None = None,
) -> aiohttp.ClientSession:
    """Return a session for one event loop, to be used in that loop.

    Args:
        limits: connect and read are kept by the session.
        keeps: whether connections are used for more than one request.
        response: what its answers are, where they are others than those of calls.
        socket: what its WebSockets are, where it opens some.
    """
    import aiohttp  # noqa: PLC0415 - 100 ms that a start without a call does not pay

    # The pool counts the connections.
    connector = (
        aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE)
        if keeps
        else aiohttp.TCPConnector(limit=0, force_close=True)
    )
    line, usual = _kinds()
    connector._factory = functools.partial(line, loop=connector._loop)  # noqa: SLF001 - the seam that there is
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": f"naftiko/{naftiko.__version__}", "Accept-Encoding": ACCEPT_ENCODING},
        skip_auto_headers=_MADE_UP,
        response_class=response or usual,
        ws_response_class=socket or aiohttp.ClientWebSocketResponse,
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(total=None, connect=limits.connect, sock_read=limits.read),
        max_line_size=_HEAD_BYTES,
        max_field_size=_HEAD_BYTES,
    )


@functools.cache
def _kinds() -> tuple[Callable[..., Any], type[aiohttp.ClientResponse]]:
    """Return what a session's connections and answers are made of; made once aiohttp is there."""
    import aiohttp  # noqa: PLC0415 - likewise
    from aiohttp.client_proto import ResponseHandler  # noqa: PLC0415
    from aiohttp.http import HttpProcessingError  # noqa: PLC0415

    class Line(ResponseHandler):
        """A connection that knows how many requests it has had, and whether the last one's answer has begun."""

        requests = 0
        heard = False
        interim = 0

        def set_response_params(self, **parameters: Any) -> None:
            self.requests += 1
            self.heard = False
            self.interim = 0
            super().set_response_params(**parameters)

        def feed_data(self, data: Any, size: int = 0) -> None:
            if data[0].code < _FIRST_FINAL:
                self.interim += 1
                if self.interim > MOST_INTERIM:
                    if self.transport is not None:
                        self.transport.close()
                    self.set_exception(HttpProcessingError(message=f"more than {MOST_INTERIM} interim answers"))
                    return
            super().feed_data(data, size)

        def data_received(self, data: bytes) -> None:
            self.heard = True
            super().data_received(data)

    class Response(aiohttp.ClientResponse):
        """An answer; a connection that ends before it is whole says how far it came."""

        async def start(self, connection: Any) -> aiohttp.ClientResponse:
            line = connection.protocol
            try:
                return await super().start(connection)
            except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
                raise ended(error, was_kept=line.requests > 1 and not line.heard) from error

    return Line, Response


@functools.cache
def _ended_kind() -> type[aiohttp.ClientConnectionError]:
    import aiohttp  # noqa: PLC0415 - likewise

    class Ended(aiohttp.ClientConnectionError):
        """A connection that ended before its answer: none of those that make aiohttp repeat a request."""

        was_kept = False

    return Ended


def ended(error: Exception, *, was_kept: bool) -> Exception:
    """Return the error of a connection that ended before its answer.

    Args:
        error: aiohttp's.
        was_kept: whether it had served another request, and nothing of this one's answer came: its server may have
            closed it for being idle, without having seen the request.
    """
    made = _ended_kind()(str(error))
    made.was_kept = was_kept  # type: ignore[attr-defined]  # an attribute of the kind
    return made


def was_kept(error: Exception) -> bool:
    """Tell the end of a kept connection on which nothing of an answer came."""
    return getattr(error, "was_kept", False)


_LARGE_BODY: Final = 1 << 20
"""Request bodies above this many bytes are written in pieces, so that other calls get their turn."""


class AiohttpExchanges:
    """aiohttp's connections of one event loop.

    Args:
        limits: connect and read are kept here.
        verify: ``True`` trusts the platform's certificates, a context decides for itself, ``False`` trusts anyone.
    """

    def __init__(self, limits: Limits, verify: bool | ssl.SSLContext) -> None:  # noqa: FBT001 - the same flag as httpx's
        import yarl  # noqa: PLC0415 - with aiohttp, at the first call

        self._url = yarl.URL
        self._limits = limits
        self._verify = verify
        self._session = session(limits)
        self._fresh: aiohttp.ClientSession | None = None

    def prepared(self, request: httpx.Request, proxy: str | None) -> Exchange:
        """Take a request, which goes through a proxy or not.

        Raises:
            ValueError: a header that can't be sent as it is.
        """
        return functools.partial(self._exchange, request, headers_of(request), _Upload.of(request), proxy)

    async def _exchange(
        self,
        request: httpx.Request,
        headers: list[tuple[str, str]],
        upload: _Upload,
        proxy: str | None,
        done: Callable[[], None],
    ) -> httpx.Response:
        if request.method not in REPEATED:
            await _notice_closed_connections()
        answer = await self._answer(request, headers, upload, proxy)
        if answer.closed and "Content-Encoding" not in answer.headers:
            whole = Whole(answer.status, answer.raw_headers, answer.content.read_nowait(), request, _said(answer))
            done()
            return whole
        return httpx.Response(
            answer.status,
            headers=answer.raw_headers,
            stream=_Body(answer, upload, done),
            request=request,
            extensions=_said(answer),
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._session.close()
        if self._fresh is not None:
            await self._fresh.close()

    async def _answer(
        self, request: httpx.Request, headers: list[tuple[str, str]], upload: _Upload, proxy: str | None
    ) -> aiohttp.ClientResponse:
        try:
            try:
                answer = await self._sent(self._session, request, headers, upload.data, proxy)
            except Exception as error:
                if not (was_kept(error) and request.method in REPEATED and upload.is_whole):
                    raise
                fresh = self._on_fresh_connections()
                answer = await self._sent(fresh, request, headers, _Upload.of(request).data, proxy)
        except Exception as error:
            if told := upload.error or httpx_error(error):
                raise told from error
            raise
        if flaw := flaw_of_head(answer.status, answer.raw_headers, answer.headers.getall("Transfer-Encoding", ())):
            answer.close()
            raise FlawedAnswer(flaw)
        return answer

    async def _sent(
        self,
        through: aiohttp.ClientSession,
        request: httpx.Request,
        headers: list[tuple[str, str]],
        data: object,
        proxy: str | None,
    ) -> aiohttp.ClientResponse:
        address = address_of(request)
        if "@" in address:
            address = without_user(address, headers)
        return await through.request(
            request.method,
            self._url(address, encoded=True),
            headers=headers,
            data=data,
            allow_redirects=False,
            ssl=self._tls() if address.startswith("https:") else True,
            proxy=proxy,
        )

    def _on_fresh_connections(self) -> aiohttp.ClientSession:
        """Return the session of requests that met a closed connection: the others may be closed as well."""
        if self._fresh is None:
            self._fresh = session(self._limits, keeps=False)
        return self._fresh

    def _tls(self) -> bool | ssl.SSLContext:
        return platform_context() if self._verify is True else self._verify


class _Body(httpx.AsyncByteStream):
    """The raw body of an answer; closing it frees the connection."""

    def __init__(self, answer: aiohttp.ClientResponse, upload: _Upload, give_back: Callable[[], None]) -> None:
        self._answer = answer
        self._upload = upload
        self._give_back: Callable[[], None] | None = give_back

    async def __aiter__(self) -> AsyncIterator[bytes]:
        content = self._answer.content
        try:
            while chunk := await content.readany():
                yield chunk
        except Exception as error:
            if told := self._upload.error or httpx_error(error):
                raise told from error
            raise

    async def aclose(self) -> None:
        give_back, self._give_back = self._give_back, None
        if give_back is not None:
            if not self._answer.closed:  # the body was not read to its end: what is left must not meet the next call
                self._answer.close()
            give_back()


class _Upload:
    """The body of a request, as aiohttp takes it; an error of its source is kept apart from the upstream's."""

    __slots__ = ("_source", "data", "error")

    def __init__(self, data: bytes | io.BytesIO | None, source: AsyncIterator[bytes] | None = None) -> None:
        self._source = source
        self.data: object = self if source is not None else data
        self.error: Exception | None = None

    @classmethod
    def of(cls, request: httpx.Request) -> _Upload:
        stream = request.stream
        if isinstance(stream, httpx.ByteStream):
            content = b"".join(stream)
        elif isinstance(stream, httpx.AsyncByteStream):
            return cls(None, aiter(stream))
        else:
            raise TypeError("a request body must be bytes or an async iterator of bytes")
        if not content:
            return _NO_BODY
        return cls(content if len(content) <= _LARGE_BODY else io.BytesIO(content))

    @property
    def is_whole(self) -> bool:
        """Whether it is here to be sent once more, and does not come in pieces that are gone then."""
        return self._source is None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        assert self._source is not None  # noqa: S101 - for the type checker: ``data`` is this object only then
        try:
            async for chunk in self._source:
                yield chunk
        except Exception as error:
            self.error = error
            raise


_NO_BODY: Final = _Upload(None)


def _said(answer: aiohttp.ClientResponse) -> dict[str, bytes]:
    """The rest of the status line, where httpx keeps it."""
    return {"http_version": b"HTTP/1.1", "reason_phrase": (answer.reason or "").encode("utf-8", "surrogateescape")}


def without_user(address: str, headers: list[tuple[str, str]]) -> str:
    """Return a URL without the user in it, who goes into the headers (RFC 7617) unless they have a credential."""
    scheme, _, rest = address.partition("://")
    authority, slash, path = rest.partition("/")
    user, at, place = authority.rpartition("@")
    if not at:
        return address
    if not any(name.lower() == "authorization" for name, _ in headers):
        headers.append(("Authorization", f"Basic {basic_credential(user)}"))
    return f"{scheme}://{place}{slash}{path}"


def headers_of(request: httpx.Request) -> list[tuple[str, str]]:
    """Return a request's headers in order, duplicates included.

    Raises:
        ValueError: a value that can't be sent as it is.
    """
    pairs = raw_headers(request)
    refuse_unsendable(pairs)
    spelling: dict[str, str] = {}
    headers: list[tuple[str, str]] = []
    for raw_name, raw_value in pairs:
        name = raw_name.decode("ascii")
        lower = name.lower()
        if lower != "transfer-encoding":  # how the body is framed is aiohttp's to say
            # To aiohttp the same name in another case is no second header but a replacement.
            headers.append((spelling.setdefault(lower, name), raw_value.decode("utf-8")))
    return headers


async def _notice_closed_connections() -> None:
    """Let the event loop see which idle connections the server has closed meanwhile.

    A request that must not be sent twice can't be tried again after it met a closed connection, so it should not meet
    one. One turn polls the sockets, a second one runs what the poll found (asyncio queues it behind this task).
    """
    await asyncio.sleep(0)
    await asyncio.sleep(0)
