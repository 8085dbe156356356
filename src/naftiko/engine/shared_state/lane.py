"""Commands on their way to the store: what is asked at the same time goes together.

A command that waits for an answer holds nobody else up, and the more that is asked the larger the batches get; one
connection takes some ten thousand commands a second that way.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from valkey.asyncio import Valkey

Command: TypeAlias = "tuple[str | bytes | int | float, ...]"

_BATCH: Final = 128
"""Commands that are sent together."""
_MOST_WAITING: Final = 4096
"""Commands that wait to be sent; more are told that the store is away."""


class Away(Exception):
    """The store doesn't answer, or refuses: whoever asked does without."""


class Lane:
    """One way to the store.

    Args:
        client: sends.
        seconds: that a batch may take.
        lost: told of what went wrong with a whole batch.
        connections: batches that may be under way at once; with one, commands arrive in their order.
    """

    def __init__(
        self, client: Valkey, seconds: float, lost: Callable[[BaseException], None], *, connections: int = 1
    ) -> None:
        self._client = client
        self._seconds = seconds
        self._lost = lost
        self._most = connections
        self._waiting: deque[tuple[Command, asyncio.Future[Any]]] = deque()
        self._flying: set[asyncio.Task[None] | None] = set()

    def put(self, command: Command) -> asyncio.Future[Any]:
        """Send a command with the next batch; return what will be its answer, an error reply among them.

        Raises:
            Away: too many wait.
        """
        if len(self._waiting) >= _MOST_WAITING:
            raise Away("too many commands wait for the store")
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((command, answer))
        if len(self._flying) < self._most:
            flight = asyncio.create_task(self._flown(), name="shared state")
            self._flying.add(flight)
        return answer

    async def _flown(self) -> None:
        try:
            await self._fly()
        finally:  # at once, and not when the loop comes to it: what is put meanwhile would wait for nobody
            self._flying.discard(asyncio.current_task())

    async def _fly(self) -> None:
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]
            try:
                async with asyncio.timeout(self._seconds):
                    answers = await self._sent([command for command, _ in batch])
            except asyncio.CancelledError:
                self._fail(batch, Away("this process stops"))
                raise
            except Exception as error:  # noqa: BLE001  # a client's own, the system's, those of its parser
                self._lost(error)
                self._fail(batch, error)
                self._fail([*self._waiting], error)
                self._waiting.clear()
                return
            for (_, waiting), answer in zip(batch, answers, strict=True):
                if not waiting.done():  # who asked may have left
                    waiting.set_result(answer)

    async def _sent(self, commands: Sequence[Command]) -> list[Any]:
        async with self._client.pipeline(transaction=False) as pipeline:
            for command in commands:
                pipeline.execute_command(*command)
            found: list[Any] = await pipeline.execute(raise_on_error=False)
            return found

    @staticmethod
    def _fail(batch: Sequence[tuple[Command, asyncio.Future[Any]]], error: Exception) -> None:
        for _, waiting in batch:
            if not waiting.done():
                waiting.set_exception(Away(type(error).__name__))
                waiting.exception()  # nobody may be there to look at it

    async def aclose(self) -> None:
        """Leave, and close the connections."""
        flying = [each for each in self._flying if each is not None]
        for each in flying:
            each.cancel()
        await asyncio.gather(*flying, return_exceptions=True)
        await self._client.aclose()
