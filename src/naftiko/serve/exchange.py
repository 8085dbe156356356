"""One request of a caller and its answer, between the parser and the app (ASGI 3).

It stands in place of uvicorn's ``RequestResponseCycle`` and does the same: what an app may do, in which order, and what
becomes of an app that doesn't. uvicorn's looks at each field with two patterns, lists them three times and makes an
event that most requests have no use for, which is a tenth of what a small answer costs.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Callable, Sequence
from typing import Final

from starlette.types import ASGIApp, Message, Scope
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HEADER_RE, STATUS_LINE

from naftiko.ground.http import CONTROLS
from naftiko.observe.requests import RequestRecord
from naftiko.serve.polite import PoliteTransport
from naftiko.serve.recording import REQUEST_ID

_log = logging.getLogger("uvicorn.error")
EXTENSIONS: Final[dict[str, dict[object, object]]] = {"http.response.trailers": {}}
"""Extensions of ASGI that answers may use: fields behind the body (RFC 9112, 7.1.2)."""
_LONGEST_KNOWN: Final = 40
"""Bytes of a name that is remembered."""
_LENGTH: Final = b"content-length: "
_CODING: Final = b"transfer-encoding: "
_CONNECTION: Final = b"connection: "
_FRAMING: Final = frozenset({_LENGTH, _CODING, _CONNECTION})
_UPSTREAMS_ID: Final = b"x-upstream-request-id: "
"""What an upstream calls its request, where it is passed on: the server's own id comes back under the usual name."""
_WITHOUT_BODY: Final = frozenset({204, 304})
_WRONG_500: Final[Sequence[tuple[bytes, bytes]]] = (
    (b"content-type", b"text/plain; charset=utf-8"),
    (b"content-length", b"21"),
    (b"connection", b"close"),
)


class Exchange:
    """A request whose head is here, and its answer.

    Args:
        scope: of the request.
        transport: what the answer is written to.
        flow: of the connection.
        record: of the request: it has the fields of every answer, before the app's own, and gets status and bytes.
        expects_continue: whether the caller waits to be told to send the body (RFC 9110, 10.1.1).
        keep_alive: whether the connection stays open behind it.
        done: called when the answer is complete.

    Attributes:
        body: what came of the request's body, and the app has not received yet.
        more_body: whether more comes.
        disconnected: whether the caller has gone.
        response_started: whether the head of the answer was written.
        response_complete: whether all of it was.
        keep_alive: whether the connection stays open behind it.
    """

    __slots__ = (
        "_done",
        "_event",
        "_expects_continue",
        "_flow",
        "_has_news",
        "_is_chunked",
        "_left",
        "_record",
        "_scope",
        "_trails",
        "_transport",
        "body",
        "disconnected",
        "keep_alive",
        "more_body",
        "response_complete",
        "response_started",
    )

    def __init__(
        self,
        scope: Scope,
        transport: PoliteTransport,
        flow: FlowControl,
        record: RequestRecord,
        done: Callable[[], None],
        *,
        expects_continue: bool,
        keep_alive: bool,
    ) -> None:
        self._scope = scope
        self._transport = transport
        self._flow = flow
        self._record = record
        self._done: Callable[[], None] | None = done
        self._expects_continue = expects_continue
        self._event: asyncio.Event | None = None
        self._has_news = False
        self._is_chunked: bool | None = None
        self._trails = False
        self._left = 0  # bytes of the answer's body that its length tells and that are still to come
        self.body = bytearray()
        self.more_body = True
        self.disconnected = False
        self.keep_alive = keep_alive
        self.response_started = False
        self.response_complete = False

    def wake(self) -> None:
        """Let the app, where it waits for more of the request or its end, look again."""
        self._has_news = True
        if self._event is not None:
            self._event.set()

    async def run_asgi(self, app: ASGIApp) -> None:
        """Run the app; what it leaves undone is an error of the server."""
        try:
            result = await app(self._scope, self.receive, self.send)  # type: ignore[func-returns-value]  # a broken app
        except BaseException as error:  # noqa: BLE001  # the task has no other end
            _log.error("Exception in ASGI application\n", exc_info=error)
            await self._break_off()
        else:
            if result is not None:
                _log.error("ASGI callable should return None, but returned '%s'.", result)
                self._transport.close()
            elif not self.response_complete and not self.disconnected:
                what = "completing" if self.response_started else "starting"
                _log.error("ASGI callable returned without %s response.", what)
                await self._break_off()
        finally:
            self._done = None

    async def _break_off(self) -> None:
        if self.response_started:
            self._transport.close()
        else:
            await self.send({"type": "http.response.start", "status": 500, "headers": _WRONG_500})
            await self.send({"type": "http.response.body", "body": b"Internal Server Error"})

    async def receive(self) -> Message:
        """Return what came of the request's body, or that the caller has gone or was answered."""
        if self._expects_continue and not self._transport.is_closing():
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._expects_continue = False
        if not self.disconnected and not self.response_complete:
            self._flow.resume_reading()
            if not self._has_news:
                if self._event is None:
                    self._event = asyncio.Event()
                await self._event.wait()
            self._has_news = False
            if self._event is not None:
                self._event.clear()
        if self.disconnected or self.response_complete:
            return {"type": "http.disconnect"}
        body, self.body = bytes(self.body), bytearray()
        return {"type": "http.request", "body": body, "more_body": self.more_body}

    async def send(self, message: Message) -> None:
        """Write the head of the answer, or a piece of its body.

        Raises:
            RuntimeError: it is none of what comes next, or can't be written.
        """
        if self._flow.write_paused and not self.disconnected:
            await self._flow.drain()
        if self.disconnected:
            return
        kind = message["type"]
        if kind == "http.response.start" and not self.response_started:
            self._begin(message["status"], message.get("headers", ()))
            self._trails = message.get("trailers", False) and self._is_chunked is True
        elif kind == "http.response.body" and self.response_started and not self.response_complete:
            self._go_on(message.get("body", b""), more=message.get("more_body", False))
        elif kind == "http.response.trailers" and self._trails and not self.response_complete:
            self._trail(message.get("headers", ()))
        else:
            told = "complete" if self.response_complete else "begun" if self.response_started else "expected"
            raise RuntimeError(f"Unexpected ASGI message {kind!r}, after the response was {told}.")

    def _begin(self, status: int, headers: Sequence[tuple[bytes, bytes]]) -> None:
        self.response_started = True
        self._expects_continue = False
        record = self._record
        record.status = status
        lines = [STATUS_LINE[status][:-2]]
        says_close = False
        lines += [b"%b: %b" % field for field in record.fields or ()]
        for name, value in headers:
            field = _known_field(name) if len(name) <= _LONGEST_KNOWN else _field(name)
            lines.append(field + value)
            if field in _FRAMING:
                says_close = self._frame(field, value) or says_close
        if not self.keep_alive and not says_close:
            lines.append(b"connection: close")
        if self._is_chunked is None and self._scope["method"] != "HEAD" and status not in _WITHOUT_BODY:
            self._is_chunked = True  # nothing else says where it ends
            lines.append(b"transfer-encoding: chunked")
        head = b"\r\n".join(lines)
        if len(head.translate(None, CONTROLS)) != len(head) - 2 * (len(lines) - 1):
            raise RuntimeError("Invalid HTTP header value.")
        self._transport.begin(head + b"\r\n\r\n")

    def _frame(self, field: bytes, value: bytes) -> bool:
        """See what a field says about where the answer ends; return whether the connection does as well."""
        if field == _LENGTH and self._is_chunked is None:
            self._left = int(value.decode())
            self._is_chunked = False
        elif field == _CODING and value.lower() == b"chunked":
            self._left = 0
            self._is_chunked = True
        elif field == _CONNECTION and b"close" in [token.lower().strip() for token in value.split(b",")]:
            self.keep_alive = False
            return True
        return False

    def _go_on(self, body: bytes, *, more: bool) -> None:
        if self._scope["method"] == "HEAD":
            self._left = 0
            self._transport.flush()
        elif self._is_chunked:
            self._record.sent += len(body)
            chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            self._transport.write(chunk if more else chunk + (b"0\r\n" if self._trails else b"0\r\n\r\n"))
        else:
            size = len(body)
            self._record.sent += size
            self._left -= size
            if self._left < 0:
                raise RuntimeError("Response content longer than Content-Length")
            self._transport.write(body)
        if more or self._trails:
            return
        if self._left:
            raise RuntimeError("Response content shorter than Content-Length")
        self._complete()

    def _trail(self, headers: Sequence[tuple[bytes, bytes]]) -> None:
        """Write the fields behind the body, which is the end of the answer."""
        lines = [
            (_known_field(name) if len(name) <= _LONGEST_KNOWN else _field(name)) + value for name, value in headers
        ]
        if any(len(line.translate(None, CONTROLS)) != len(line) for line in lines):
            raise RuntimeError("Invalid HTTP trailer value.")
        self._transport.write(b"".join(line + b"\r\n" for line in lines) + b"\r\n")
        self._complete()

    def _complete(self) -> None:
        self.response_complete = True
        self.wake()
        if not self.keep_alive:
            self._transport.close()
        if self._done is not None:
            self._done()


def _field(name: bytes) -> bytes:
    """Return what stands before the value of a field.

    Raises:
        RuntimeError: it is no name.
    """
    if HEADER_RE.search(name):
        raise RuntimeError("Invalid HTTP header name.")
    name = name.lower()
    return _UPSTREAMS_ID if name == REQUEST_ID else name + b": "


_known_field = functools.lru_cache(maxsize=512)(_field)
"""The same for names that come again and again."""
