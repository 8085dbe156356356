"""The connections to one upstream: aiohttp's pool and HTTP/1.1 behind httpx's transport seam.

httpx's own pool walks all its connections on every call and all but stops at 256 callers; aiohttp's takes one from a
deque. What costs on the way from an ``httpx.Request`` to aiohttp and back is kept out of the call: time limits, default
headers and the TLS context are made once per pool, headers and URL are handed over as they are on the wire, and a body
that came together with its headers gets no stream.
"""

from __future__ import annotations

import asyncio
import io
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING, Final

import httpx

from naftiko.engine.transport.aiohttp_errors import httpx_error
from naftiko.engine.transport.aiohttp_session import session, was_kept
from naftiko.engine.transport.answer_head import FlawedAnswer, flaw_of_head
from naftiko.engine.transport.certificates import platform_context
from naftiko.engine.transport.limits import DEFAULT_LIMITS, Limits
from naftiko.engine.transport.places import NO_OPERATION, Places
from naftiko.engine.transport.proxies import NO_PROXIES, Proxies, environment_proxies
from naftiko.engine.transport.whole import Whole
from naftiko.observe.timing import measured
from naftiko.plan.addresses import basic_credential

if TYPE_CHECKING:
    import aiohttp

_REPEATED: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "REPORT", "SEARCH", "QUERY"})
"""Safe methods (RFC 9110, 9.2.1): a request that changes nothing is sent once more, on a fresh connection, when a kept
one turns out to be closed. PUT and DELETE are not: the first may have been carried out, and a second DELETE would then
answer that there is nothing to delete (RFC 9110, 9.2.2)."""

OPERATION: Final = "naftiko.operation"
"""The extension of a request that names the operation it belongs to, which shares the connections with its siblings."""

_BODY_HEADERS: Final = ("Content-Type",)
"""What aiohttp would make up for a body that says nothing about itself."""

_LARGE_BODY: Final = 1 << 20
"""Request bodies above this many bytes are written in pieces, so that other calls get their turn."""


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

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send ``request`` and return the answer as soon as its headers are there; its stream is the raw body.

        The URL and the headers go on the wire as they are. ``User-Agent`` and ``Accept-Encoding`` with what can be
        decoded are added where there is none, and nothing else. The answer must be closed: that gives its connection
        back, or closes it if the body wasn't read to its end.

        Raises:
            httpx.TransportError: as from httpx's own transport, such as ``ConnectError`` or ``ReadTimeout``.
            ValueError: a header with a control character, or bytes that are neither ASCII nor UTF-8; nothing was sent.
        """
        pool = self._pools.get(asyncio.get_running_loop()) or await self._open()
        return await pool.send(request)

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


class _Pool:
    """The connections of one event loop."""

    def __init__(self, limits: Limits, verify: bool | ssl.SSLContext, proxies: Proxies) -> None:  # noqa: FBT001 - private, and the same flag as httpx's
        import yarl  # noqa: PLC0415 - with aiohttp, at the first call

        self._url = yarl.URL
        self._limits = limits
        self._verify = verify
        self._proxies = proxies
        self._places = Places(limits.connections, limits.share)
        self._session = session(limits)
        self._fresh: aiohttp.ClientSession | None = None

    async def send(self, request: httpx.Request) -> httpx.Response:
        headers = _headers(request)
        upload = _Upload.of(request)
        operation = request.extensions.get(OPERATION, NO_OPERATION)
        if request.method not in _REPEATED:
            await _notice_closed_connections()
        if not self._places.take(operation):
            await self._wait_for_a_connection(operation)
        try:
            answer = await self._answer(request, headers, upload)
        except BaseException:
            self._places.give_back(operation)
            raise
        if answer.closed and "Content-Encoding" not in answer.headers:
            self._places.give_back(operation)
            return Whole(answer.status, answer.raw_headers, answer.content.read_nowait(), request, _said(answer))
        return httpx.Response(
            answer.status,
            headers=answer.raw_headers,
            stream=_Body(answer, upload, lambda: self._places.give_back(operation)),
            request=request,
            extensions=_said(answer),
        )

    async def aclose(self) -> None:
        await self._session.close()
        if self._fresh is not None:
            await self._fresh.close()

    async def _wait_for_a_connection(self, operation: str) -> None:
        """Wait here and not in aiohttp's own queue, which can't tell that wait from a slow connect."""
        timing = measured.get()
        try:
            async with asyncio.timeout(self._limits.queue):
                free = self._places.wait(operation)
                await (free if timing is None else timing.queue.during(free))
        except TimeoutError as error:
            raise httpx.PoolTimeout("no connection became free") from error

    async def _answer(
        self, request: httpx.Request, headers: list[tuple[str, str]], upload: _Upload
    ) -> aiohttp.ClientResponse:
        try:
            try:
                answer = await self._sent(self._session, request, headers, upload.data)
            except Exception as error:
                if not (was_kept(error) and request.method in _REPEATED and upload.is_whole):
                    raise
                answer = await self._sent(self._on_fresh_connections(), request, headers, _Upload.of(request).data)
        except Exception as error:
            if told := upload.error or httpx_error(error):
                raise told from error
            raise
        if flaw := flaw_of_head(answer.status, answer.raw_headers, answer.headers.getall("Transfer-Encoding", ())):
            answer.close()
            raise FlawedAnswer(flaw)
        return answer

    async def _sent(
        self, through: aiohttp.ClientSession, request: httpx.Request, headers: list[tuple[str, str]], data: object
    ) -> aiohttp.ClientResponse:
        address = _address(request)
        if "@" in address:
            address = _without_user(address, headers)
        return await through.request(
            request.method,
            self._url(address, encoded=True),
            headers=headers,
            data=data,
            skip_auto_headers=None if data is None else _BODY_HEADERS,
            allow_redirects=False,
            ssl=self._tls() if address.startswith("https:") else True,
            proxy=self._proxies.of(request.url) if self._proxies else None,
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


def _address(request: httpx.Request) -> str:
    """The URL as it goes on the wire, its path and query untouched (a bare ``?`` at its end is lost)."""
    address: str | None = getattr(request, "address", None)
    if address is not None:
        return address
    url = request.url
    return f"{url.scheme}://{url.netloc.decode('ascii')}{url.raw_path.decode('ascii')}"


def _without_user(address: str, headers: list[tuple[str, str]]) -> str:
    """Return a URL without the user in it, who goes into the headers (RFC 7617) unless they have a credential."""
    scheme, _, rest = address.partition("://")
    authority, slash, path = rest.partition("/")
    user, at, place = authority.rpartition("@")
    if not at:
        return address
    if not any(name.lower() == "authorization" for name, _ in headers):
        headers.append(("Authorization", f"Basic {basic_credential(user)}"))
    return f"{scheme}://{place}{slash}{path}"


def _headers(request: httpx.Request) -> list[tuple[str, str]]:
    """The request's headers in order, duplicates included.

    Raises:
        ValueError: a value that can't be sent as it is.
    """
    spelling: dict[str, str] = {}
    headers: list[tuple[str, str]] = []
    for raw_name, raw_value in _raw_headers(request):
        name = raw_name.decode("ascii")
        try:
            value = raw_value.decode("utf-8")
        except UnicodeDecodeError:
            raise ValueError(f"the header {name!r} is neither ASCII nor UTF-8") from None
        if not (name.isprintable() and value.isprintable()) and _has_control(name + value):
            raise ValueError(f"the header {name!r} holds a control character, such as a line break")
        lower = name.lower()
        if lower != "transfer-encoding":  # how the body is framed is aiohttp's to say
            # To aiohttp the same name in another case is no second header but a replacement.
            headers.append((spelling.setdefault(lower, name), value))
    return headers


def _raw_headers(request: httpx.Request) -> Sequence[tuple[bytes, bytes]]:
    pairs: Sequence[tuple[bytes, bytes]] | None = getattr(request, "raw_headers", None)
    return request.headers.raw if pairs is None else pairs


def _has_control(text: str) -> bool:
    """RFC 9110, 5.5: of the control characters only the tab may stand in a header."""
    return any((char < " " and char != "\t") or char == "\x7f" for char in text)


async def _notice_closed_connections() -> None:
    """Let the event loop see which idle connections the server has closed meanwhile.

    A request that must not be sent twice can't be tried again after it met a closed connection, so it should not meet
    one. One turn polls the sockets, a second one runs what the poll found (asyncio queues it behind this task).
    """
    await asyncio.sleep(0)
    await asyncio.sleep(0)
