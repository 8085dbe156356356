"""The ways in which an upstream disappoints: each is a ``Behaviour`` to answer with, or to ``misbehave`` with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from starlette.responses import JSONResponse, Response

from naftiko.ground.types import Json
from naftiko.testing.exchange import Answer, Behaviour, Exchange

_CHUNK: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Fail(Behaviour):
    """Answer ``status`` with a JSON body, by default ``{"error": "<reason phrase>"}``, and further ``headers``."""

    status: int = 500
    body: Json = None
    headers: Mapping[str, str] = field(default_factory=dict)

    async def play(self, exchange: Exchange) -> None:
        """Send the failure."""
        body = {"error": _phrase(self.status)} if self.body is None else self.body
        await exchange.reply(JSONResponse(body, self.status, dict(self.headers)))


@dataclass(frozen=True, slots=True)
class Stall(Behaviour):
    """Say nothing for ``seconds``, then answer ``then``, or as usual; ends early when client or server leave."""

    seconds: float
    then: Answer | None = None

    async def play(self, exchange: Exchange) -> None:
        """Wait, then answer if somebody still listens."""
        if not await exchange.client_leaves(within=self.seconds):
            await exchange.reply(await exchange.usual() if self.then is None else self.then)


@dataclass(frozen=True, slots=True)
class Drip(Behaviour):
    """Answer 200 with ``body``, ``size`` bytes every ``pause`` seconds: never silent for long, and never in a hurry."""

    body: bytes
    pause: float
    size: int = 1
    media_type: str = "application/json"

    async def play(self, exchange: Exchange) -> None:
        """Send the body bit by bit."""
        await exchange.start(HTTPStatus.OK, {"content-type": self.media_type, "content-length": str(len(self.body))})
        sent = 0
        while len(self.body) - sent > self.size:
            await exchange.write(self.body[sent : sent + self.size])
            sent += self.size
            if await exchange.client_leaves(within=self.pause):
                return
        await exchange.write(self.body[sent:], more=False)


@dataclass(frozen=True, slots=True)
class Cut(Behaviour):
    """Answer 200, send the first ``after`` bytes of ``body``, and close the connection.

    With ``chunked`` the last chunk never comes; otherwise Content-Length announces the whole body. Needs a socket.

    Raises:
        ValueError: ``after`` is not less than the length of ``body``, so that nothing would be cut.
    """

    after: int = 8
    body: bytes = b'{"message": "this sentence has no en'
    chunked: bool = False
    media_type: str = "application/json"

    def __post_init__(self) -> None:
        if not 0 <= self.after < len(self.body):
            raise ValueError(f"a body of {len(self.body)} bytes can't be cut after {self.after}")

    async def play(self, exchange: Exchange) -> None:
        """Send a part, then hang up."""
        length = {} if self.chunked else {"content-length": str(len(self.body))}
        await exchange.start(HTTPStatus.OK, {"content-type": self.media_type, **length})
        await exchange.write(self.body[: self.after])
        await exchange.hang_up()


@dataclass(frozen=True, slots=True)
class HangUp(Behaviour):
    """Close the connection without a single byte of an answer. Needs a socket."""

    async def play(self, exchange: Exchange) -> None:
        """Hang up."""
        await exchange.hang_up()


@dataclass(frozen=True, slots=True)
class Flood(Behaviour):
    """Answer 200 with a body of ``size`` bytes: one JSON string, streamed as fast as the client reads.

    With ``announced`` Content-Length tells the size beforehand; otherwise the body is chunked.
    """

    size: int = 256 * 1024 * 1024
    announced: bool = False
    media_type: str = "application/json"

    async def play(self, exchange: Exchange) -> None:
        """Send until all is sent or nobody listens."""
        length = {"content-length": str(self.size)} if self.announced else {}
        await exchange.start(HTTPStatus.OK, {"content-type": self.media_type, **length})
        await exchange.write(b'"')
        filling = self.size - 2
        while filling > 0 and not exchange.gone:
            await exchange.write(b"x" * min(_CHUNK, filling))
            filling -= _CHUNK
        await exchange.write(b'"', more=False)


@dataclass(frozen=True, slots=True)
class BrokenJson(Behaviour):
    """Answer 200 with a complete body that says it is JSON and isn't."""

    body: bytes = b'{"message": "unclosed", "items": [1, 2,'

    async def play(self, exchange: Exchange) -> None:
        """Send it."""
        await exchange.reply(Response(self.body, media_type="application/json"))


def _phrase(status: int) -> str:
    """The reason phrase of ``status``; a status that has none is named by its number."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"status {status}"
