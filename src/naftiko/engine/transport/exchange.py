"""The engine's two calls: ``fetch`` for a whole answer, ``stream`` for one that is passed on while it comes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Final, TypeAlias

import httpx

from naftiko.engine.deadlines import Deadline
from naftiko.engine.memory import SMALL, Growing, hold
from naftiko.engine.transport.content_coding import NotDecodableError, decoded
from naftiko.engine.transport.failures import LOWER_ERRORS, call_error, out_of_time, place
from naftiko.engine.transport.limits import Limits
from naftiko.engine.transport.pool import Transport
from naftiko.engine.transport.redirects import MAX_REDIRECTS, REDIRECTS, redirected
from naftiko.engine.transport.whole import Whole
from naftiko.ground.errors import NotExecutable, UpstreamBroken
from naftiko.observe.timing import measured

_FIRST_OTHER: Final = 300
_UNMEASURED: Final = contextlib.nullcontext()
_CIRCLE: Final = "check the path and the credential: many APIs redirect in circles who is not let in"


class AnswerTooLarge(UpstreamBroken):
    """The answer is larger than ``Limits.response_bytes``."""


Exchange: TypeAlias = Callable[[httpx.AsyncBaseTransport, httpx.Request, Limits], Awaitable[httpx.Response]]
Sign: TypeAlias = Callable[[httpx.Request], Awaitable[None]]
"""Makes the proof of a request anew that goes to another URL than the one that it was made for."""


async def fetch(
    transport: httpx.AsyncBaseTransport, request: httpx.Request, limits: Limits, sign: Sign | None = None
) -> httpx.Response:
    """Send ``request`` and return its answer, read completely, decompressed, redirects within the origin followed.

    A redirect that is not followed is an answer, to be told from a success (``redirects.not_followed`` says why). A
    body in a coding that isn't known stays as it is, with its Content-Encoding. A status of 4xx or 5xx is an answer,
    not an error.

    Args:
        transport: of the API.
        request: what is sent.
        limits: of the call.
        sign: called with each request that follows a redirect.

    Raises:
        UpstreamUnreachable: no connection.
        UpstreamTimeout: one of the time limits passed.
        UpstreamBroken: no HTTP, a cut body, one above ``limits.response_bytes``, or endless redirects.
        Overloaded: no connection became free in time.
        ValueError: a header that must not be sent; nothing was sent.
    """
    timing = measured.get()
    watch = _UNMEASURED if timing is None else timing.upstream
    try:
        with watch, Deadline(limits.total):
            try:
                response = await transport.handle_async_request(request)
            except LOWER_ERRORS as error:
                raise call_error(error, place(request.url), limits, in_body=False) from error
            if not isinstance(response, Whole):
                response = await _read(response, request, limits)
            elif len(response.content) > min(SMALL, limits.response_bytes):
                _counted(response, limits)
            if response.status_code not in REDIRECTS:
                return response
            following = redirected(request, response)
            return response if following is None else await _followed(transport, request, following, limits, sign)
    except TimeoutError:
        raise out_of_time(place(request.url), limits) from None


async def begun(
    transport: httpx.AsyncBaseTransport, request: httpx.Request, limits: Limits, sign: Sign | None = None
) -> httpx.Response:
    """Send ``request``, redirects within the origin followed, and return its answer once the headers are there.

    A success comes as from ``opened``; any other answer is read, as ``fetch`` does it. Arguments and errors are those
    of ``fetch``; ``limits.total`` bounds the time until the headers, ``limits.read`` each silence in the body.
    """
    request.headers.setdefault("Accept-Encoding", "identity")  # what is read as it comes is better not held back
    timing = measured.get()
    watch = _UNMEASURED if timing is None else timing.upstream
    try:
        with watch, Deadline(limits.total):
            response = await _begun(transport, request, limits)
            following = redirected(request, response)
            if following is None:
                return response
            return await _followed(transport, request, following, limits, sign, _begun)
    except TimeoutError:
        raise out_of_time(place(request.url), limits) from None


async def _begun(transport: httpx.AsyncBaseTransport, request: httpx.Request, limits: Limits) -> httpx.Response:
    response = await _answered(transport, request, limits)
    if isinstance(response, Whole):
        return _counted(response, limits)
    if response.status_code >= _FIRST_OTHER:
        return await _read(response, request, limits)
    return _open(response, request, limits)


def _open(response: httpx.Response, request: httpx.Request, limits: Limits) -> httpx.Response:
    """Return an answer whose body is still to come, and whose errors are ours."""
    return httpx.Response(
        response.status_code,
        headers=response.headers,
        stream=_Told(response, place(request.url), limits),
        request=request,
        extensions=response.extensions,
    )


async def _followed(
    transport: httpx.AsyncBaseTransport,
    request: httpx.Request,
    following: httpx.Request,
    limits: Limits,
    sign: Sign | None,
    exchange: Exchange | None = None,
) -> httpx.Response:
    """The answer at the end of a chain of redirects."""
    asked = {(request.method, str(request.url))}
    for _ in range(MAX_REDIRECTS):
        target = (following.method, str(following.url))
        if target in asked:
            raise UpstreamBroken(f"{place(request.url)} redirects in a circle", hint=_CIRCLE)
        asked.add(target)
        request = following
        if sign is not None:
            await sign(request)
        answer = await (exchange or _exchange)(transport, request, limits)
        further = redirected(request, answer)
        if further is None:
            return answer
        following = further
    raise UpstreamBroken(f"{place(request.url)} redirected more than {MAX_REDIRECTS} times", hint=_CIRCLE)


@contextlib.asynccontextmanager
async def stream(
    transport: httpx.AsyncBaseTransport, request: httpx.Request, limits: Limits
) -> AsyncGenerator[httpx.Response]:
    """Give the answer of ``opened``; leaving the block ends the exchange."""
    response = await opened(transport, request, limits)
    try:
        yield response
    finally:
        await response.aclose()


async def opened(transport: httpx.AsyncBaseTransport, request: httpx.Request, limits: Limits) -> httpx.Response:
    """Send ``request``, whose body may be an async iterator, and return the answer once its headers are there.

    The answer comes as it is: status and headers untouched, no redirect followed, ``aiter_raw`` gives the bytes of the
    body as they came. ``limits.total`` bounds the time until the headers, ``limits.read`` each silence in the body; its
    size has no bound. It must be closed, which ends the exchange.

    Raises:
        UpstreamUnreachable, UpstreamTimeout, UpstreamBroken, Overloaded, ValueError: as from ``fetch``, here and while
            the body is read.
    """
    request.headers.setdefault("Accept-Encoding", "identity")  # what is passed on unread must suit the caller
    where = place(request.url)
    timing = measured.get()
    try:
        async with asyncio.timeout(limits.total):
            answered = _answered(transport, request, limits)
            response = await (answered if timing is None else timing.upstream.during(answered))
    except TimeoutError:
        raise out_of_time(where, limits) from None
    return _open(response, request, limits)


async def handshake(transport: httpx.AsyncBaseTransport, request: httpx.Request, limits: Limits) -> httpx.Response:
    """Send the handshake of a WebSocket; return 101 with the open connection, or the error that answers it.

    ``limits.total`` bounds the time until the answer. A redirect is an answer, and is not followed.

    Raises:
        UpstreamUnreachable, UpstreamTimeout, UpstreamBroken, Overloaded, ValueError: as from ``fetch``.
    """
    where = place(request.url)
    if not isinstance(transport, Transport):
        raise NotExecutable(f"{where} is reached in another way here, which opens no WebSockets")
    try:
        async with asyncio.timeout(limits.total):
            response = await _told(transport.connect(request), where, limits)
    except TimeoutError:
        raise out_of_time(where, limits) from None
    if response.is_success:
        raise UpstreamBroken(
            f"{where} answered {response.status_code}, and opened no WebSocket",
            hint="if the operation is an ordinary one, call it without `protocol: websocket`",
        )
    return response


async def _told(sending: Awaitable[httpx.Response], where: str, limits: Limits) -> httpx.Response:
    try:
        return await sending
    except LOWER_ERRORS as error:
        raise call_error(error, where, limits, in_body=False) from error


class _Told(httpx.AsyncByteStream):
    """A body whose errors are told as ours."""

    def __init__(self, response: httpx.Response, where: str, limits: Limits) -> None:
        self._response = response
        self._stream = _asynchronous(response.stream)
        self._where = where
        self._limits = limits

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._stream:
                yield chunk
        except LOWER_ERRORS as error:
            raise call_error(error, self._where, self._limits, in_body=True) from error

    async def aclose(self) -> None:
        await self._response.aclose()


async def _exchange(transport: httpx.AsyncBaseTransport, request: httpx.Request, limits: Limits) -> httpx.Response:
    response = await _answered(transport, request, limits)
    return _counted(response, limits) if isinstance(response, Whole) else await _read(response, request, limits)


def _counted(response: Whole, limits: Limits) -> Whole:
    """Return an answer whose body is here already, if it may be as large."""
    size = len(response.content)
    if size > limits.response_bytes:
        raise _too_large(response.request, limits)
    if size > SMALL:
        hold(size)
    return response


async def _read(response: httpx.Response, request: httpx.Request, limits: Limits) -> Whole:
    stream = _asynchronous(response.stream)
    try:
        body = await _body(stream, request, limits)
    finally:
        await stream.aclose()
    if "Content-Encoding" in response.headers:
        body = await _plain(response.headers, body, request, limits)
    return Whole(response.status_code, response.headers, body, request, response.extensions)


async def _answered(transport: httpx.AsyncBaseTransport, request: httpx.Request, limits: Limits) -> httpx.Response:
    return await _told(transport.handle_async_request(request), place(request.url), limits)


async def _body(stream: httpx.AsyncByteStream, request: httpx.Request, limits: Limits) -> bytes:
    growing = Growing()
    try:
        async for chunk in stream:
            if growing.add(chunk) > limits.response_bytes:
                raise _too_large(request, limits)
    except LOWER_ERRORS as error:
        raise call_error(error, place(request.url), limits, in_body=True) from error
    return growing.whole()


async def _plain(headers: httpx.Headers, body: bytes, request: httpx.Request, limits: Limits) -> bytes:
    """``body`` decompressed, and ``headers`` without what no longer holds then, as they are without a body too."""
    try:
        plain = await decoded(body, headers["Content-Encoding"], limits.response_bytes)
    except NotDecodableError as error:
        raise UpstreamBroken(f"the answer of {place(request.url)} {error}") from None
    if plain is None:
        return body
    if len(plain) > SMALL:
        hold(len(plain))
    del headers["Content-Encoding"]
    headers.pop("Content-Length", None)
    return plain


def _too_large(request: httpx.Request, limits: Limits) -> AnswerTooLarge:
    return AnswerTooLarge(f"the answer of {place(request.url)} is larger than {limits.response_bytes} bytes")


def _asynchronous(stream: httpx.SyncByteStream | httpx.AsyncByteStream) -> httpx.AsyncByteStream:
    if not isinstance(stream, httpx.AsyncByteStream):
        raise TypeError("an async transport must answer with an async stream")
    return stream
