"""A stream as a WebSocket of its caller: a message an item, and the caller's messages go upstream (docs/streams.md)."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

from starlette.types import Scope

from naftiko.engine.request import dump_json
from naftiko.engine.streaming.answering import StreamedItems
from naftiko.engine.streaming.items import ItemStream
from naftiko.expose.http.caller import SlowReader
from naftiko.expose.http.streams import Stream
from naftiko.expose.http.upgrade import CallerSocket, NoUpgrade, Offer
from naftiko.expose.rest.rendering import ProblemOf, told_of_end
from naftiko.ground.errors import CallError, InputError, Problem

_DONE: Final = 1000
_GOING: Final = 1001
_UNWANTED: Final = 1003
_FAILED: Final = 1011


async def send_messages(
    content: StreamedItems, offer: Offer, scope: Scope, seconds: float, problem_of: ProblemOf
) -> None:
    """Take the offer, and send the items until they end, or the caller closes the WebSocket.

    An item is a message of JSON. Of what fails, or is not all, the last message says so, as the last line of JSON lines
    does.

    Args:
        content: the items.
        offer: of the server.
        scope: of the request.
        seconds: how long the caller may take for a message.
        problem_of: makes the problem document of a failure.

    Raises:
        InputError: the request is no handshake.
        SlowReader: the caller reads nothing.
    """
    try:
        socket = offer()
    except NoUpgrade as error:
        raise InputError([Problem("Upgrade", "header", str(error), "websocket")]) from None
    talk = _Talk(content, socket, seconds, problem_of)
    with Stream(scope, is_answer=False):
        await talk.run()
    socket.close(_GOING, "the server stops")  # where that has ended it; else it is closed already


class _Talk:
    def __init__(self, content: StreamedItems, socket: CallerSocket, seconds: float, problem_of: ProblemOf) -> None:
        self._content = content
        self._socket = socket
        self._seconds = seconds
        self._problem_of = problem_of

    async def run(self) -> None:
        stream = self._content.items(relays=True)
        listening = asyncio.ensure_future(self._listen(stream))
        try:
            async for item in stream:
                await self._send(dump_json(item.value))
            await self._end(stream)
        finally:
            listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await listening

    async def _send(self, message: bytes) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                await self._socket.send(message)
        except TimeoutError:
            raise SlowReader from None

    async def _end(self, stream: ItemStream) -> None:
        ended = stream.ended
        told = told_of_end(stream, self._problem_of)
        if ended is None or told is None:
            self._socket.close(_DONE)
            return
        await self._send(b'{"%b":%b}' % told)
        if ended.error is not None:
            self._socket.close(_FAILED, ended.error.title)
        else:
            self._socket.close(_DONE, ended.reason)

    async def _listen(self, stream: ItemStream) -> None:
        """Send the caller's messages upstream; leave the stream when the caller closes the WebSocket."""
        while (message := await self._socket.receive()) is not None:
            try:
                await self._content.send(message)
            except CallError as error:
                await self._send(b'{"error":%b}' % self._problem_of(error))
                self._socket.close(_UNWANTED, error.title)
                break
        await stream.aclose()
