"""One HTTP exchange: its body is read with limits, and it ends when its client leaves."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from naftiko.engine.deadlines import Deadline
from naftiko.engine.memory import SMALL, Growing
from naftiko.expose.http.bodies import send_body
from naftiko.expose.http.streams import STREAMS, Outlasting, Stream, end_of_body
from naftiko.expose.mcp.failures import error_body

BODY_SECONDS: Final = 30.0
"""The longest that a request may take to arrive."""
_WHY: Final = {HTTPStatus.NOT_ACCEPTABLE: "Accept must allow application/json and text/event-stream"}


class BodyRefused(Exception):
    """A body that is not read to its end; ``status`` is the answer, or ``None`` where nobody is left to get one."""

    def __init__(self, status: int | None, message: str) -> None:
        super().__init__(message)
        self.status = status


async def read_body(receive: Receive, limit: int, seconds: float | None = None) -> bytes:
    """Return a request's body.

    Args:
        receive: gives it.
        limit: its bytes.
        seconds: that it may take; ``None``: ``BODY_SECONDS``; 0: any time.

    Raises:
        BodyRefused: it has more bytes, takes longer, or its client left.
    """
    most = BODY_SECONDS if seconds is None else seconds
    if not most:
        return await _pieces(receive, limit)
    try:
        with Deadline(most):
            return await _pieces(receive, limit)
    except TimeoutError:
        raise BodyRefused(408, f"the request did not arrive within {most:g} seconds") from None


async def _pieces(receive: Receive, limit: int) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    if len(body) <= min(limit, SMALL) and message["type"] == "http.request" and not message.get("more_body", False):
        return body  # nearly all of them
    growing = Growing()
    while True:
        if message["type"] == "http.disconnect":
            raise BodyRefused(None, "the client left")
        if growing.add(message.get("body", b"")) > limit:
            raise BodyRefused(413, f"the request has more than {limit} bytes")
        if not message.get("more_body", False):
            return growing.whole()
        message = await receive()


def explained(send: Send) -> Send:
    """Return a ``send`` that turns refusals into JSON-RPC errors: some of the SDK's are plain text, some are empty."""
    refused: HTTPStatus | None = None
    said = bytearray()

    async def sending(message: Message) -> None:
        nonlocal refused
        if message["type"] == "http.response.start" and _is_mute(message):
            refused = HTTPStatus(message["status"])
        elif refused is None:
            await send(message)
        else:
            said.extend(message.get("body", b""))
            if not message.get("more_body", False):
                why = said.decode(errors="replace") or _WHY.get(refused, refused.phrase)
                await send_json(send, refused, error_body(why))

    return sending


def _is_mute(start: Message) -> bool:
    is_json = any(
        name == b"content-type" and value.startswith(b"application/json") for name, value in start.get("headers", ())
    )
    return start["status"] >= HTTPStatus.BAD_REQUEST and not is_json


async def send_json(send: Send, status: int, body: bytes) -> None:
    """Send a JSON answer."""
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send_body(send, body)


def replayed(body: bytes, then: Receive) -> Receive:
    """Return a ``receive`` that gives a body that was read already, then what ``then`` gives."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return pending.pop() if pending else await then()

    return receive


async def serve_until_gone(app: ASGIApp, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
    """Serve a request whose body was read already; cancel it, and with it the upstream's, when its client leaves.

    The SDK lets a handler of a JSON answer run on to its end, whether anybody waits for it or not.
    """
    exchange = _Exchange(send)
    watching = asyncio.create_task(exchange.watch(receive))
    before = exchange.task.cancelling()
    try:
        await app(scope, replayed(body, exchange.until_gone), exchange.send)
    except asyncio.CancelledError:
        # Ours, and only ours: a cancellation from outside as well goes on (see asyncio.timeout).
        if not exchange.gone.is_set() or exchange.task.uncancel() > before:
            raise
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching


async def streamed(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Serve what may answer with an event stream; a server that stops ends it in good order."""
    await _until_end(Stream(scope), app, scope, receive, send)


async def listened(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Serve a stream that tells what happens for as long as its client listens, whatever method asked for it."""
    await _until_end(Stream(scope, is_answer=False), app, scope, receive, send)


async def _until_end(ending: Stream, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    with ending as stream:
        await app(scope, receive, send)
    if stream.ended:
        with contextlib.suppress(RuntimeError):  # it has not begun, or was just complete
            await end_of_body(send)


async def outlasting(scope: Scope, go_on: Callable[[], Awaitable[None]]) -> None:
    """Serve what outlasts the app that it came to, if the server can do without that app.

    Raises:
        Outlasting: it can, and goes on.
    """
    if STREAMS in scope:
        raise Outlasting(go_on)
    await go_on()


class _Exchange:
    """What the watcher and the app know of one another."""

    def __init__(self, send: Send) -> None:
        self.task: asyncio.Task[object] = _current_task()
        self.gone = asyncio.Event()
        self._answered = False
        self._send = send

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            self._answered = True  # before it is sent: from then on the server itself says "disconnected"
        await self._send(message)

    async def until_gone(self) -> Message:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        if not self._answered:
            self.gone.set()
            self.task.cancel()


def _current_task() -> asyncio.Task[object]:
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("an ASGI app runs in a task")
    return task
