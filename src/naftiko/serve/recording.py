"""Requests as logs tell of them: each gets its id, which goes back to its caller, and a line where that is wanted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from naftiko.observe.access import access_log
from naftiko.observe.requests import REQUEST, RequestRecord, new_request_id, request_now, taken_request_id
from naftiko.observe.timing import CallTiming, measured

REQUEST_ID: Final = b"x-request-id"


def record_of(asked: bytes | None, client: str, fields: Sequence[tuple[bytes, bytes]]) -> RequestRecord:
    """Return the record of a request.

    Args:
        asked: the caller's own id.
        client: the address that it comes from.
        fields: of every answer.
    """
    own = taken_request_id(asked) if asked is not None else None
    record = RequestRecord(own or new_request_id(), is_callers=own is not None, client=client)
    record.fields = [*fields, (REQUEST_ID, record.request_id.encode())]
    return record


class Recording:
    """ASGI middleware: whatever answers a request finds its record, and adds to it what it knows.

    Args:
        app: answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        record: RequestRecord | None = scope.get(REQUEST)
        if record is None:  # the server's own start and stop
            await self._app(scope, receive, send)
            return
        request_now.set(record)  # of this request's task alone
        access = access_log()
        if access is None:
            await self._app(scope, receive, send)
            return
        record.method, record.path = scope["method"], scope["path"]
        record.timing = CallTiming()
        measured.set(record.timing)

        try:
            await self._app(scope, receive, send)  # the exchange counts what is sent
        finally:
            access.tell(record)
