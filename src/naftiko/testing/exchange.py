"""One request that reached a stand-in, and the means to answer it."""

from __future__ import annotations

import abc
import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, TypeAlias
from urllib.parse import unquote

from starlette.datastructures import Headers, QueryParams
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Message, Receive, Scope, Send

from naftiko.ground.types import Json

_HANG_UP_LIMIT: Final = 2.0
"""Seconds that a hang-up may take to flush what was written; a client that does not read is cut without it."""


class Behaviour(abc.ABC):
    """A way to answer that a plain response can't express: late, cut, endless, or not at all."""

    @abc.abstractmethod
    async def play(self, exchange: Exchange) -> None:
        """Answer ``exchange``, or fail to, as this behaviour does."""


Answer: TypeAlias = "Response | Behaviour | bytes | Json"
"""What a stand-in can be told to answer.

A Starlette ``Response`` is sent as it is and a ``Behaviour`` is played; ``None`` is 204 without a body. With 200,
``bytes`` are ``application/octet-stream``, ``str`` is ``text/plain`` and any other JSON value ``application/json``.
"""


async def _empty_object() -> Answer:
    return {}


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """A request as it came over the wire.

    Attributes:
        method: the method token as sent.
        raw_path: the path without the query, **not** percent-decoded.
        raw_query: what follows the ``?``, not decoded; ``""`` when there was none.
        headers: case-insensitive to look up, ``getlist(name)`` for repeated ones, ``items()`` for all pairs in order
            (names are in lower case, as ASGI gives them).
        body: the bytes of the body, without transfer coding.
        complete: false when the client left before its body was through.
        path_params: the placeholders of the route that matched, percent-decoded.
    """

    method: str
    raw_path: str
    raw_query: str
    headers: Headers
    body: bytes
    complete: bool
    path_params: Mapping[str, str]

    @property
    def path(self) -> str:
        """The path, percent-decoded."""
        return unquote(self.raw_path)

    @property
    def query(self) -> QueryParams:
        """The query, decoded: ``getlist(name)`` for repeated keys, ``multi_items()`` for all pairs in order."""
        return QueryParams(self.raw_query)

    @property
    def text(self) -> str:
        """The body as UTF-8 text; what is no UTF-8 shows as U+FFFD."""
        return self.body.decode(errors="replace")

    def json(self) -> Any:
        """Decode the body as JSON.

        Raises:
            ValueError: the body is no JSON document.
        """
        return json.loads(self.body)


@dataclass(slots=True)
class Exchange:
    """A recorded request and the connection that waits for its answer.

    Attributes:
        request: what came.
        transport: the connection, or ``None`` when the stand-in is called in-process, without a socket.
        usual: makes what the route answers when nothing misbehaves; ``{}`` where the behaviour is its own answer.
    """

    request: RecordedRequest
    scope: Scope
    receive: Receive
    send: Send
    transport: asyncio.Transport | None
    usual: Callable[[], Awaitable[Answer]] = _empty_object

    async def reply(self, answer: Answer) -> None:
        """Send ``answer`` in full, or play it when it is a behaviour."""
        if isinstance(answer, Behaviour):
            await answer.play(self)
        else:
            await _response(answer)(self.scope, self.receive, self.send)

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        """Send the status line and the headers; without a Content-Length the body will be chunked."""
        raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        await self.send({"type": "http.response.start", "status": status, "headers": raw})

    async def write(self, chunk: bytes, *, more: bool = True) -> None:
        """Send a part of the body; ``more=False`` ends it."""
        await self.send({"type": "http.response.body", "body": chunk, "more_body": more})

    @property
    def gone(self) -> bool:
        """Whether nobody is left to write to."""
        return self.transport is not None and self.transport.is_closing()

    async def client_leaves(self, *, within: float) -> bool:
        """Wait until the client hangs up or the server stops, at most ``within`` seconds; say whether that happened."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                while (await self.receive())["type"] != "http.disconnect":
                    pass
                return True
        return False

    async def hang_up(self) -> None:
        """Close the connection after what was written so far has gone out.

        Raises:
            ConnectionAbortedError: the stand-in is called in-process, so there is no connection to close.
        """
        if self.transport is None:
            raise ConnectionAbortedError(
                "the stand-in was told to hang up, but is called in-process: serve it on a socket with `with upstream:`"
            )
        self.transport.close()
        if not await self.client_leaves(within=_HANG_UP_LIMIT):
            self.transport.abort()
            await self.client_leaves(within=_HANG_UP_LIMIT)


def _response(answer: Response | bytes | Json) -> Response:
    """The Starlette response that says ``answer``."""
    match answer:
        case Response():
            return answer
        case None:
            return Response(status_code=HTTPStatus.NO_CONTENT)
        case bytes():
            return Response(answer, media_type="application/octet-stream")
        case str():
            return PlainTextResponse(answer)
        case _:
            return JSONResponse(answer)


async def read_body(receive: Receive) -> tuple[bytes, bool]:
    """The body of a request, and whether all of it came."""
    body = bytearray()
    while True:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            return bytes(body), False
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body), True
