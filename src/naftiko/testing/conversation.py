"""One WebSocket that reached a stand-in (RFC 6455), and the means to talk over it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from naftiko.testing.exchange import RecordedRequest


class Conversation:
    """A WebSocket while it lasts. Whatever its function does when the other side has left, raises ``Left``.

    Attributes:
        request: the handshake.
    """

    def __init__(
        self, request: RecordedRequest, scope: Scope, receive: Receive, send: Send, transport: asyncio.Transport | None
    ) -> None:
        self.request = request
        self._scope = scope
        self._receive = receive
        self._send = send
        self._transport = transport
        self._is_open = False

    async def accept(self, subprotocol: str | None = None) -> None:
        """Open it; ``receive`` and ``send`` do so where nobody has."""
        if not self._is_open:
            self._is_open = True
            await self._receive()
            await self._send({"type": "websocket.accept", "subprotocol": subprotocol, "headers": []})

    async def refuse(self, response: Response) -> None:
        """Answer the handshake with something else than 101."""
        await self._receive()
        await response(self._scope, self._receive, self._send)

    async def receive(self) -> Any:
        """Return the next message: what its JSON says, or the text.

        Raises:
            Left: there is none any more.
        """
        await self.accept()
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            raise Left
        text = message.get("text") or message.get("bytes") or ""
        try:
            return json.loads(text)
        except ValueError:
            return text

    async def send(self, message: Any) -> None:
        """Send JSON; a text or bytes as they are.

        Raises:
            Left: nobody is there.
        """
        await self.accept()
        if self._transport is not None and self._transport.is_closing():
            raise Left
        key = "bytes" if isinstance(message, bytes) else "text"
        text = message if isinstance(message, bytes | str) else json.dumps(message)
        await self._send({"type": "websocket.send", key: text})

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """End it in good order, or with the code of what is wrong."""
        await self.accept()
        await self._send({"type": "websocket.close", "code": code, "reason": reason})

    async def left(self) -> None:
        """Wait until the other side leaves."""
        await self.accept()
        while (await self._receive())["type"] != "websocket.disconnect":
            pass

    def cut(self) -> None:
        """Cut the connection, without a word."""
        if self._transport is not None:
            self._transport.abort()


class Left(Exception):
    """The other side is gone."""


Talker: TypeAlias = Callable[[Conversation], Awaitable[None]]
"""What talks over the WebSockets of a path."""
