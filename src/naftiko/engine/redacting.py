"""Answers of upstreams without what the file redacts (SEMANTICS 5.11).

It is done where an answer comes in, inside of all policies: what is mapped, passed on, stored, paged, logged, given to
a script or quoted in an error never had it. An answer that can't be read is no answer then: nothing of it is shown.
"""

from __future__ import annotations

import asyncio
from typing import Final

import httpx

from naftiko.engine.answer import JSON_MEDIA_TYPE
from naftiko.engine.decode import document, is_empty, is_json
from naftiko.engine.formats import decoder
from naftiko.engine.head import head_of
from naftiko.engine.request import dump_json
from naftiko.engine.sending import Outgoing, Send
from naftiko.engine.transport.whole import Whole, raw_headers
from naftiko.expression.jsonpath.hiding import hide
from naftiko.ground.errors import UpstreamBroken
from naftiko.plan.operation import Operation

_OF_THE_BYTES: Final = frozenset(
    {
        *(b"content-length", b"content-type", b"content-encoding", b"content-md5", b"content-disposition"),
        *(b"digest", b"content-digest", b"repr-digest", b"accept-ranges", b"content-range", b"transfer-encoding"),
    }
)
_FIRST_OTHER: Final = 300
_FIRST_ERROR: Final = 400
_LARGE: Final = 1024 * 1024
"""Bytes of an answer that is written in a thread."""


def redacting(send: Send, operation: Operation) -> Send:
    """Return what sends the requests of an operation and gives their answers redacted; ``send`` where nothing is."""
    return _Redacting(send, operation) if operation.redact else send


class _Redacting:
    def __init__(self, send: Send, operation: Operation) -> None:
        self._send = send
        self._operation = operation
        self._decoder = decoder(operation.raw_format)
        self._of_errors = decoder("json")

    async def __call__(self, outgoing: Outgoing) -> httpx.Response:
        response = await self._send(outgoing)
        if self._operation.stream is not None and response.status_code < _FIRST_OTHER:
            return response  # its items are redacted as they come
        if is_empty(response):
            return response
        is_error = response.status_code >= _FIRST_ERROR
        read = self._of_errors if is_error and is_json(head_of(response).media_type) else self._decoder
        try:
            found = hide(await document(response, self._operation, read), self._operation.redact)
        except UpstreamBroken as error:
            if is_error:
                return _with(response, b"")
            error.response = None
            raise
        large = len(response.content) > _LARGE
        return _with(response, await asyncio.to_thread(dump_json, found) if large else dump_json(found))


def _with(response: httpx.Response, content: bytes) -> httpx.Response:
    headers = [(name, value) for name, value in raw_headers(response) if name.lower() not in _OF_THE_BYTES]
    if content:
        headers.append((b"content-type", JSON_MEDIA_TYPE.encode()))
    return Whole(response.status_code, headers, content, response.request, response.extensions)
