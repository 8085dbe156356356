"""Streams that are WebSockets: opened by a handshake, begun with a first message (docs/streams.md)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx

from naftiko.engine.sending import Outgoing
from naftiko.engine.streaming.items import Item
from naftiko.engine.streaming.messages import Hidden, Shape, shape_of
from naftiko.engine.streaming.ways import Ways
from naftiko.engine.transport import FRAME
from naftiko.engine.transport.failures import place
from naftiko.engine.transport.websockets import SocketCut, Switched, WebSocket
from naftiko.ground.errors import NotExecutable, UpstreamBroken, UpstreamError
from naftiko.ground.types import ABSENT
from naftiko.plan.operation import Operation
from naftiko.plan.websockets import LIST


class SocketOpener:
    """Opens the WebSockets of one operation.

    Args:
        operation: whose streams they are.
        ways: how requests are sent.
    """

    def __init__(self, operation: Operation, ways: Ways) -> None:
        self._operation = operation
        self._ways = ways

    async def begin(self, outgoing: Outgoing) -> httpx.Response:
        """Send the handshake, and the first message; return its answer, 101 or what the other side says instead.

        Raises:
            CallError: as from any call.
        """
        outgoing.opens = True
        response = await self._ways.begun(outgoing)
        frame: bytes = response.request.extensions.get(FRAME, b"")
        if isinstance(response, Switched) and frame:
            try:
                await self.source(response).send(frame)
            except BaseException:
                await response.aclose()
                raise
        return response

    def source(self, response: httpx.Response) -> SocketSource:
        """Return the items of an answer.

        Raises:
            NotExecutable: it is none of a WebSocket.
        """
        socket, key = self._operation.socket, self._operation.key
        if socket is None or not isinstance(response, Switched):
            raise NotExecutable(f"`{key}` opens a WebSocket, which this transport can't")
        where = place(response.request.url)
        shape = shape_of(socket, where, Hidden(self._ways.veil, self._ways.own(response.request)))
        kind = SocketSource if socket.shape == LIST else GatheredSource
        return kind(response.connection, shape, where, key)


class SocketSource:
    """The items of one WebSocket.

    Args:
        connection: open.
        shape: what its messages are.
        where: host and port.
        operation: its key.
    """

    def __init__(self, connection: WebSocket, shape: Shape, where: str, operation: str) -> None:
        self._connection = connection
        self._shape = shape
        self._where = where
        self._operation = operation

    async def send(self, message: bytes) -> None:
        """Send a message of text.

        Raises:
            UpstreamBroken: the connection is cut.
        """
        try:
            await self._connection.send(message)
        except SocketCut as cut:
            raise self._told(cut) from cut.__cause__

    async def __aiter__(self) -> AsyncIterator[Item]:
        """Yield the items, until the other side ends the stream, or the last one is there."""
        try:
            while not self._shape.is_over:
                message = await self._received()
                if message is None:
                    self._shape.ended()
                    return
                value = await self._shape.item(message)
                if value is not ABSENT:
                    yield Item(value, size=len(message))
        except UpstreamError as error:
            error.operation = error.operation or self._operation
            raise

    async def _received(self) -> bytes | None:
        try:
            return await self._connection.receive()
        except SocketCut as cut:
            raise self._told(cut) from cut.__cause__

    def _told(self, cut: SocketCut) -> UpstreamBroken:
        return UpstreamBroken(f"the stream of {self._where} {cut.reason}")

    async def aclose(self) -> None:
        """Close the connection."""
        await self._connection.aclose()


class GatheredSource(SocketSource):
    """The items of a WebSocket that are something else together than their list."""

    def gathered(self, items: list[Any]) -> Any:
        """Return what the items are together.

        Raises:
            CallError: something is missing.
        """
        return self._shape.gathered(items)
