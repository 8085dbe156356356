"""A list that is sent page by page, as its pages come (docs/pagination.md)."""

from __future__ import annotations

import logging
from typing import Final

from starlette.types import Scope, Send

from naftiko.engine.answer import Answer
from naftiko.engine.sending import NOTE
from naftiko.expose.http.caller import SlowReader, send_to_reader
from naftiko.expose.http.streams import end_of_body

_log = logging.getLogger(__name__)
_TRAILERS: Final = "http.response.trailers"
_NOTE: Final = NOTE.encode()


async def send_stream(answer: Answer, scope: Scope, send: Send, seconds: float) -> None:
    """Send an answer whose content comes in pieces.

    What is missing at its end is said in a trailer (RFC 9110, 6.5), where the server can send one, and logged.

    Args:
        answer: the answer.
        scope: of the request.
        send: the connection.
        seconds: how long the caller may take for a piece.
    """
    stream = answer.stream
    if stream is None:
        return
    trails = _TRAILERS in (scope.get("extensions") or {}) and scope.get("http_version") != "1.0"
    headers = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in answer.headers]
    headers.append((b"content-type", (answer.media_type or "").encode("latin-1")))
    if trails:
        headers.append((b"trailer", _NOTE))
    try:
        await send(
            {"type": "http.response.start", "status": answer.status, "headers": headers, "trailers": trails},
        )
        async for piece in stream:
            await send_to_reader(send, {"type": "http.response.body", "body": piece, "more_body": True}, scope, seconds)
        await end_of_body(send)
        note = stream.note
        if trails:
            fields = [(_NOTE, note.encode("ascii"))] if note else []
            await send({"type": _TRAILERS, "headers": fields, "more_trailers": False})
        if note:
            _log.warning("a list that was sent page by page is %s", note)
    except SlowReader:
        pass  # nobody is there to be told
