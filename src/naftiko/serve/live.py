"""An app while it serves: another one can take its place between two requests."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from starlette.types import ASGIApp, Receive, Scope, Send


class LiveApp(ABC):
    """An ASGI app that is told when to start and to stop, apart from any server's lifespan."""

    @abstractmethod
    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer a request."""

    @abstractmethod
    async def start(self) -> None:
        """Start, before the first request."""

    @abstractmethod
    def succeed(self, before: LiveApp) -> None:
        """Take the place of another app, which gets no more requests: its clients may be connected for longer."""

    @abstractmethod
    async def aclose(self) -> None:
        """Stop, after the last one."""


class Served:
    """An app while it answers requests, and until the last of them has its answer.

    Attributes:
        app: answers them.
        calls: how many it is at.
    """

    __slots__ = ("_idle", "app", "calls")

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.calls = 0
        self._idle: asyncio.Event | None = None

    def left(self) -> None:
        """Take note that a request has its answer."""
        self.calls -= 1
        if self._idle is not None and not self.calls:
            self._idle.set()

    async def idle(self) -> None:
        """Wait until no request is left; for an app that gets no more of them."""
        self._idle = asyncio.Event()
        if self.calls:
            await self._idle.wait()
