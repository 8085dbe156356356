"""Exchanges through aiohttp: what goes through a proxy, and all of it where httptools isn't installed."""

from __future__ import annotations

import asyncio
import functools
import io
import ssl
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Final

import httpx

from naftiko.engine.transport.aiohttp_errors import httpx_error
from naftiko.engine.transport.aiohttp_session import session, was_kept
from naftiko.engine.transport.answer_head import FlawedAnswer, flaw_of_head
from naftiko.engine.transport.certificates import platform_context
from naftiko.engine.transport.keeping import REPEATED, Exchange
from naftiko.engine.transport.limits import Limits
from naftiko.engine.transport.message import address_of, raw_headers, refuse_unsendable
from naftiko.engine.transport.whole import Whole
from naftiko.plan.addresses import basic_credential

if TYPE_CHECKING:
    import aiohttp

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
        return functools.partial(self._exchange, request, _headers(request), _Upload.of(request), proxy)

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
            address = _without_user(address, headers)
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
