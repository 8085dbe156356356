"""Answers that are sent as they come: lists by pages (docs/pagination.md), streams by items (docs/streams.md)."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Final, Protocol

from starlette.types import Scope, Send

from naftiko.engine.answer import Answer
from naftiko.engine.sending import NOTE
from naftiko.engine.streaming.answering import StreamedItems
from naftiko.expose.http.caller import SlowReader, send_to_reader
from naftiko.expose.http.streams import Stream, end_of_body, is_stream
from naftiko.expose.http.upgrade import UPGRADE
from naftiko.expose.rest.rendering import ProblemOf, rendered
from naftiko.expose.rest.sockets import send_messages

_log = logging.getLogger(__name__)
_TRAILERS: Final = "http.response.trailers"
_NOTE: Final = NOTE.encode()
_WHOLE: Final = contextlib.nullcontext()
"""Around an answer that has an end."""


class Content(Protocol):
    """What is sent piece by piece."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the pieces."""
        ...

    @property
    def note(self) -> str:
        """What is missing at its end, ``""`` for nothing."""
        ...


async def send_stream(answer: Answer, scope: Scope, send: Send, seconds: float, problem_of: ProblemOf) -> None:
    """Send an answer whose content comes in pieces.

    What is missing at its end is said in a trailer (RFC 9110, 6.5), where the server can send one, and logged.

    Args:
        answer: the answer.
        scope: of the request.
        send: the connection.
        seconds: how long the caller may take for a piece.
        problem_of: makes the problem document of what fails when the answer has begun.

    Raises:
        CallError: of a stream, before its head is sent.
    """
    content = answer.stream
    if content is None:
        return
    headers = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in answer.headers]
    if not isinstance(content, StreamedItems):
        headers.append((b"content-type", (answer.media_type or "").encode("latin-1")))
        with contextlib.suppress(SlowReader):  # nobody is there to be told
            await _Sending(answer, scope, send, seconds).send(content, headers, waits=False)
        return
    async with contextlib.aclosing(content):
        offer = scope.get(UPGRADE)
        if offer is not None:
            with contextlib.suppress(SlowReader):
                await send_messages(content, offer, scope, seconds, problem_of)
            return
        made = rendered(content, scope["headers"], problem_of)
        headers += [(b"content-type", made.media_type.encode()), *made.headers(headers)]
        if scope["method"] == "HEAD":
            await send({"type": "http.response.start", "status": answer.status, "headers": headers})
            await end_of_body(send)
            return
        with contextlib.suppress(SlowReader):
            await _Sending(answer, scope, send, seconds).send(made, headers, waits=made.waits)


class _Sending:
    """Sends one answer."""

    def __init__(self, answer: Answer, scope: Scope, send: Send, seconds: float) -> None:
        self._status = answer.status
        self._scope = scope
        self._send = send
        self._seconds = seconds

    async def send(self, content: Content, headers: list[tuple[bytes, bytes]], *, waits: bool) -> None:
        """Send it.

        Args:
            content: the content.
            headers: of the answer.
            waits: whether the head waits for the first piece, since it may be another one then.
        """
        scope, send = self._scope, self._send
        pieces = aiter(content)
        first = await anext(pieces, b"") if waits else b""
        trails = _TRAILERS in (scope.get("extensions") or {}) and scope.get("http_version") != "1.0"
        if trails:
            headers = [*headers, (b"trailer", _NOTE)]
        await send({"type": "http.response.start", "status": self._status, "headers": headers, "trailers": trails})
        media_type = next((value for name, value in headers if name == b"content-type"), b"")
        with Stream(scope) if is_stream(media_type.decode("latin-1")) else _WHOLE:
            if first:
                await self._piece(first)
            async for piece in pieces:
                await self._piece(piece)
        await end_of_body(send)
        note = content.note
        if trails:
            fields = [(_NOTE, note.encode("ascii"))] if note else []
            await send({"type": _TRAILERS, "headers": fields, "more_trailers": False})
        if note:
            _log.warning("an answer that was sent as it came is %s", note)

    async def _piece(self, piece: bytes) -> None:
        message = {"type": "http.response.body", "body": piece, "more_body": True}
        await send_to_reader(self._send, message, self._scope, self._seconds)
