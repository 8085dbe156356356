"""Answers of an upstream that come when the test lets go: what must happen at once does, however busy the machine is."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

from naftiko.testing import Behaviour, Exchange

LIMIT = 60.0
"""Seconds that anything may take on a busy machine."""

_LOOKS = 0.01
"""Seconds between two looks at what another thread does."""


class Held(Behaviour):
    """Say nothing until ``let_go``, then answer as usual; ends early when the client leaves."""

    def __init__(self) -> None:
        self._free = threading.Event()

    def let_go(self) -> None:
        """Let the answers come, those of later requests too."""
        self._free.set()

    async def play(self, exchange: Exchange) -> None:
        while not self._free.is_set():
            if await exchange.client_leaves(within=_LOOKS):
                return
        await exchange.reply(await exchange.usual())


async def until(condition: Callable[[], object]) -> None:
    """Wait until something holds, as long as a busy machine may need."""
    async with asyncio.timeout(LIMIT):
        while not condition():  # noqa: ASYNC110  # what is awaited happens in another thread
            await asyncio.sleep(_LOOKS)
