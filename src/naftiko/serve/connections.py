"""Connections of callers, within limits: of a request's head, of time, of how many there are (RFC 9110, RFC 9112).

uvicorn's protocol on httptools reads heads of any size for any time. Here a head has a largest size and number of
fields, a head and a body come at a smallest rate, and a caller who does not read an answer is not waited for. What is
counted is counted where it is cheap: sizes once a piece of input. How long each may take, ``serve.limits`` looks.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
from collections.abc import Sequence
from functools import partial
from typing import Any, Final
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from naftiko.expose.http.caller import ABORT
from naftiko.expose.http.upgrade import UPGRADE
from naftiko.expose.rest.messages import PROBLEM_MEDIA_TYPE, simple_problem
from naftiko.observe.access import access_log
from naftiko.observe.requests import REQUEST, RequestRecord
from naftiko.serve.exchange import EXTENSIONS, Exchange
from naftiko.serve.limits import ConnectionLimits, Connections
from naftiko.serve.polite import PoliteTransport
from naftiko.serve.recording import REQUEST_ID, record_of
from naftiko.serve.upgrades import UpgradedConnection, asks_for_socket

_LAST_REQUEST: Final = 1.0
"""Seconds that a new connection has for its first request when the server stops."""
_MUCH: Final = 64 * 1024
"""Bytes of a piece behind which more is waiting already."""
_LET_PASS: Final = 16 * 1024 * 1024
"""Bytes of a body that are read and dropped after its request was answered."""


class Refused(Exception):  # it stops the parser and is caught where the piece is read
    """The request is refused while its head is read."""


class Connection(HttpToolsProtocol):
    """One connection of a caller.

    Attributes:
        address: the caller's, as the socket says.
        counts_for: the address that it counts for; ``""``: for none.
        certificate: whose certificate the caller has shown, if one was asked for.
        since: when what it waits for now began, by the loop's clock.
    """

    cycle: Exchange  # type: ignore[assignment]  # ours, in place of uvicorn's

    def __init__(self, connections: Connections, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._all = connections
        self._in_head = False
        self._is_last = False
        self._head_bytes = 0
        self._fields = 0
        self._in_body = False
        self._body_bytes = 0
        self._unwanted = 0
        self._unsent = 0
        self._unsent_since = 0.0
        self._paused_since = 0.0
        self._refusal: tuple[int, str, str] | None = None
        self.address = self.counts_for = ""
        self.certificate = ""
        self.since = 0.0

    @property
    def is_idle(self) -> bool:
        """Whether no request is on its way or being answered."""
        return not self._in_head and not self._in_body and (self.cycle is None or self.cycle.response_complete)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Take a new connection in, or refuse it."""
        super().connection_made(transport)
        self._polite = PoliteTransport(self.loop, transport, self.close_politely)
        self.since = self.loop.time()
        self.address = self.client[0] if self.client else ""
        self.counts_for = self._counted()
        reason = self._all.admit(self)
        if reason:
            self._all.tell("connections", reason)
            self._refuse(503, "too-many-connections", reason)

    def _counted(self) -> str:
        """Return the address that the connection counts for."""
        return self.address

    def connection_lost(self, exc: Exception | None) -> None:
        """Let a closed connection go."""
        self._all.leave(self)
        self.connections.discard(self)
        cycle = self.cycle
        if cycle is not None:
            cycle.disconnected = cycle.disconnected or not cycle.response_complete
            cycle.wake()
        self.flow.resume_writing()
        if exc is None:
            self.transport.close()
        self.parser = None  # type: ignore[assignment]  # it knows us and we know it

    def data_received(self, data: bytes) -> None:
        """Read a piece; a head that grows beyond the limit is read no further."""
        if self._refusal is not None:
            return
        if self.is_idle:
            self._begin_head()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:  # the request is answered as it is, unless its app takes the offer
            if asks_for_socket(self.headers):
                self.scope[UPGRADE] = partial(UpgradedConnection, self, self.scope)  # type: ignore[typeddict-unknown-key]  # ours
            return
        except httptools.HttpParserError:
            self.send_400_response("the request is no HTTP/1.1 (RFC 9112)")
            return
        if self._in_head:  # it is not complete yet: all of the piece belongs to it
            self._head_bytes += len(data)
            if self._head_bytes > self._all.limits.head_bytes:
                self._head_too_large()
        if len(data) >= _MUCH:
            self._let_others_go_on()

    def _let_others_go_on(self) -> None:
        """Read no further in this turn of the loop, which would go on for as long as the caller sends."""
        if not self.flow.read_paused and not self.transport.is_closing():
            self.flow.pause_reading()
            self.loop.call_soon(self._read_on)

    def _read_on(self) -> None:
        waits_for_app = self.cycle is not None and len(self.cycle.body) > HIGH_WATER_LIMIT
        if not self.transport.is_closing() and (not waits_for_app or self.cycle.response_complete):
            self.flow.resume_reading()

    def on_message_begin(self) -> None:
        """Begin a head."""
        super().on_message_begin()
        self.scope[ABORT] = self.transport.abort  # type: ignore[typeddict-unknown-key]  # ours
        self.scope["extensions"] = EXTENSIONS
        if not self._in_head:  # one behind another in the same piece
            self._begin_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header field; the parser stops where there are too many."""
        self._fields += 1
        if self._fields > self._all.limits.head_fields:
            limit = self._all.limits.head_fields
            self._refusal = (431, "too-many-header-fields", f"the request has more than {limit} header fields")
            raise Refused
        if not self._in_head:
            return  # of a trailer, which is no header (RFC 9110 chapter 6.5.1)
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """End a head; one that says two different things about its host, or is too large, is refused.

        What follows is what uvicorn does here, with an exchange of our own.
        """
        self._in_head, self._in_body, self.since = False, True, self.loop.time()
        self._fields = self._body_bytes = self._unwanted = 0
        names, values = zip(*self.headers) if self.headers else ((), ())  # noqa: B905  # pairs, all of them
        hosts = names.count(b"host")
        asked = values[names.index(REQUEST_ID)] if REQUEST_ID in names else None
        size = len(self.url) + 4 * len(names) + len(b"".join(names)) + len(b"".join(values))
        if size > self._all.limits.head_bytes:
            self._refusal = self._too_large()
        parser, every = self.parser, self.server_state.default_headers
        version = parser.get_http_version()
        if hosts != 1 and (hosts > 1 or version == "1.1"):
            self._refusal = (400, "bad-request", "a request names its host exactly once (RFC 9112 chapter 3.2)")
        if self._refusal is not None:
            raise Refused
        self._complete_scope(parser.get_method(), version)
        record = self._record(asked, every)
        self.scope[REQUEST] = record  # type: ignore[typeddict-unknown-key]  # ours
        before = self.cycle
        self.cycle = Exchange(
            self.scope,  # type: ignore[arg-type]  # uvicorn's own type of the same
            self._polite,
            self.flow,
            record,
            self.on_response_complete,
            expects_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and not self._is_last and parser.should_keep_alive(),
        )
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self.app)  # type: ignore[arg-type]  # it has what is asked of one
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))  # type: ignore[arg-type]  # likewise

    def _record(self, asked: bytes | None, every: Sequence[tuple[bytes, bytes]]) -> RequestRecord:
        """Return the record of the request whose head has ended."""
        return record_of(asked, self.address, every)

    def _complete_scope(self, method: bytes, version: str) -> None:
        url, scope = httptools.parse_url(self.url), self.scope
        path = url.path.decode("ascii")
        scope["method"] = method.decode("ascii")
        scope["http_version"] = version
        scope["path"] = self.root_path + (unquote(path) if "%" in path else path)
        scope["raw_path"] = self.root_path.encode("ascii") + url.path
        scope["query_string"] = url.query or b""

    def on_body(self, body: bytes) -> None:
        """Take a piece of a body; the rest of one that was answered already is let pass, as far as that goes.

        Who still sends would not see the answer if the connection was closed at once: it would be reset.
        """
        self._body_bytes += len(body)
        cycle = self.cycle
        if cycle.response_complete:
            self._unwanted += len(body)
            if self._unwanted > _LET_PASS:
                self.transport.close()
            return
        cycle.body += body
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        cycle.wake()

    def on_message_complete(self) -> None:
        """End a body."""
        self._in_body = False
        if self.cycle.response_complete:
            self.since = self.loop.time()
        else:
            self.cycle.more_body = False
            self.cycle.wake()

    def on_response_complete(self) -> None:
        """Go on with the request behind this one, or wait for the next: ``look`` sees that one keeps us waiting."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif not self._in_body:
            self.since = self.loop.time()

    def pause_writing(self) -> None:
        """Stop sending: the caller has not read what was sent."""
        super().pause_writing()
        self._paused_since = self.loop.time()

    def resume_writing(self) -> None:
        """Go on sending: the caller has read most of it."""
        super().resume_writing()
        self._paused_since = 0.0

    def shutdown(self) -> None:
        """Close politely: one that waits gets a moment for the request that may be on its way."""
        if self._in_head or self.is_idle:
            self._is_last = True
            self.loop.call_later(_LAST_REQUEST, self._close_unless_busy)
        else:
            super().shutdown()

    def end_after_this(self) -> None:
        """Close behind the answer that is on its way, if there is one."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.keep_alive = False

    def close_politely(self) -> None:
        """Close after an answer; whose request is still on its way gets a moment to read it."""
        if self._in_body and not self.transport.is_closing():
            self._refusal = self._refusal or (0, "answered", "")  # the rest of the request is let go unread
            self._all.part_with(self)
        else:
            self.transport.close()

    def _close_unless_busy(self) -> None:
        if self.is_idle and _has_unread(self.transport):
            self.loop.call_later(_LAST_REQUEST, self._close_unless_busy)
        elif self._in_head or self.is_idle:
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """Answer what can't be read, or what was refused while it was read."""
        status, kind, reason = self._refusal or (400, "bad-request", msg)
        if status != 400:  # noqa: PLR2004  # what uvicorn logs itself
            self._all.tell(kind, f"{reason} (from {self.address})")
        self._refuse(status, kind, reason)

    def look(self, now: float, limits: ConnectionLimits) -> None:
        """Close the connection if the caller has been waited for too long."""
        self._look_at_reading(now, limits)
        if self.transport.is_closing() or self._refusal is not None:
            return
        waited = now - self.since
        what, most = "", 0.0
        if self.flow.read_paused:
            pass  # it is the app that reads no further, not the caller who sends nothing
        elif self._in_head or self.cycle is None:
            what, most = "the head of a request", limits.head_seconds
        elif self.is_idle:
            if waited > limits.keep_alive_seconds:
                self.transport.close()
            return
        elif self._in_body and self.cycle.response_complete and waited > limits.body_seconds:
            self.transport.close()  # it was answered before its body was there, which doesn't end
            return
        elif self.cycle.more_body and not self.cycle.response_complete:
            what, most = "the body of a request", limits.body_seconds + self._body_bytes / limits.rate
        if what and waited > most:
            self._late(what, waited)

    def end(self) -> None:
        """Close the connection."""
        self.transport.close()

    def _look_at_reading(self, now: float, limits: ConnectionLimits) -> None:
        """Close the connection of a caller who reads nothing of an answer that waits for it, or of its last bytes."""
        unsent = self.transport.get_write_buffer_size()
        if unsent == 0 or unsent != self._unsent:
            self._unsent, self._unsent_since = unsent, now
        elif now - self._unsent_since > limits.write_seconds:
            self._all.tell("slow-reader", f"{self.address} reads nothing of its answer; its connection is closed")
            self.transport.abort()
        elif self._paused_since and now - self._paused_since > limits.write_seconds:
            self._all.tell("slow-reader", f"{self.address} reads its answer too slowly; its connection is closed")
            self.transport.abort()

    def _late(self, what: str, waited: float) -> None:
        reason = f"{what} took more than {waited:.0f} seconds"
        self._all.tell("slow-caller", f"{reason} (from {self.address})")
        has_asked = self._in_head or self.cycle is not None
        if not has_asked or (self.cycle is not None and self.cycle.response_started and not self._in_head):
            self.transport.close()
        else:
            self._refuse(408, "request-timeout", reason)

    def _begin_head(self) -> None:
        self._in_head, self._head_bytes, self._fields, self.since = True, 0, 0, self.loop.time()

    def _too_large(self) -> tuple[int, str, str]:
        limit = self._all.limits.head_bytes
        return 431, "head-too-large", f"the request's head has more than {limit} bytes"

    def _head_too_large(self) -> None:
        self._refusal = self._too_large()
        self.send_400_response(self._refusal[2])

    def _refuse(self, status: int, kind: str, reason: str) -> None:
        """Answer with a problem document and close."""
        self._refusal = self._refusal or (status, kind, reason)
        if self.transport.is_closing() or self._has_an_answer_before():
            return
        body = simple_problem(status, kind, reason)
        record = self._refused(status, body)
        phrase = {408: b"Request Timeout", 431: b"Request Header Fields Too Large", 503: b"Service Unavailable"}
        lines = [
            b"HTTP/1.1 %d %s" % (status, phrase.get(status, b"Bad Request")),
            b"content-type: " + PROBLEM_MEDIA_TYPE,
            b"content-length: %d" % len(body),
            *(b"%b: %b" % field for field in record.fields or ()),
            *([b"retry-after: 1"] if status == 503 else []),  # noqa: PLR2004  # what may go better soon
            b"connection: close",
            b"",
            body,
        ]
        self.transport.write(b"\r\n".join(lines))
        self._all.part_with(self)

    def _refused(self, status: int, body: bytes) -> RequestRecord:
        """Return the record of what is refused; its line is written here, unless the app has it that is given up."""
        every = self.server_state.default_headers
        under_way = None if self._in_head or self.cycle is None or self.cycle.response_complete else self.scope
        if under_way is not None and REQUEST in under_way:
            known: RequestRecord = under_way[REQUEST]  # type: ignore[typeddict-item]  # ours
            known.status, known.sent = status, len(body)
            return known
        record = record_of(None, self.address, every) if self.scope is None else self._record(None, every)
        record.status, record.sent = status, len(body)
        with contextlib.suppress(httptools.HttpParserError, UnicodeDecodeError):  # as far as it could be read
            if self.scope is not None and self.headers:
                record.method = self.parser.get_method().decode("ascii")
                record.path = unquote(httptools.parse_url(self.url).path.decode("ascii"))
        access = access_log()
        if access is not None:
            access.tell(record)
        return record

    def _has_an_answer_before(self) -> bool:
        """End what is being answered, if anything is; return whether a refusal would come before it or into it.

        A refusal that came first would be taken for the answer of an earlier request (RFC 9112 chapter 9.3.2).
        """
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            return False
        if self._in_head or not cycle.more_body:  # what is refused came behind a request that is answered yet
            cycle.keep_alive = False
            return True
        if cycle.response_started:
            self.transport.close()
            return True
        cycle.disconnected = True  # its body will never be complete
        cycle.wake()
        return False


def _has_unread(transport: asyncio.Transport) -> bool:
    """Tell whether the system has something for us already, which a close would throw away, and the caller's call."""
    opened = transport.get_extra_info("socket")
    if opened is None or opened.fileno() < 0:
        return False
    waiting = select.poll()
    waiting.register(opened.fileno(), select.POLLIN)
    return bool(waiting.poll(0))
