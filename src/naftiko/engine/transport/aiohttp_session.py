"""aiohttp's session with what HTTP asks of a client beyond it: who repeats a request, and which answers are none.

aiohttp repeats an idempotent request once, on the next connection of its pool, which may be as dead as the first; and
it repeats a DELETE whose connection ended while it was carried out, which then answers "not found". Here it repeats
nothing. It is told when a connection ended before a byte of the answer, and whether it had served others before.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import naftiko
from naftiko.engine.transport.answer_head import MOST_INTERIM
from naftiko.engine.transport.content_coding import ACCEPT_ENCODING
from naftiko.engine.transport.keeping import KEEP_ALIVE
from naftiko.engine.transport.limits import Limits

if TYPE_CHECKING:
    import aiohttp

_HEAD_BYTES: Final = 64 * 1024
"""The longest line and header of an answer: cookies and policies of real APIs pass the usual 8 KiB."""

_FIRST_FINAL: Final = 200

_MADE_UP: Final = ("Accept", "Content-Type")
"""What aiohttp would add to a request that says nothing about them."""


def session(limits: Limits, *, keeps: bool = True) -> aiohttp.ClientSession:
    """Return a session for one event loop, to be used in that loop.

    Args:
        limits: connect and read are kept by the session.
        keeps: whether connections are used for more than one request.
    """
    import aiohttp  # noqa: PLC0415 - 100 ms that a start without a call does not pay

    # The pool counts the connections.
    connector = (
        aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE)
        if keeps
        else aiohttp.TCPConnector(limit=0, force_close=True)
    )
    line, response = _kinds()
    connector._factory = functools.partial(line, loop=connector._loop)  # noqa: SLF001 - the seam that there is
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": f"naftiko/{naftiko.__version__}", "Accept-Encoding": ACCEPT_ENCODING},
        skip_auto_headers=_MADE_UP,
        response_class=response,
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
