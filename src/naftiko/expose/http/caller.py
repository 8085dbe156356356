"""A caller who goes away: nobody waits for the answer any more, so the upstream call ends too."""

from __future__ import annotations

import asyncio
import logging
from types import TracebackType
from typing import Final, Self

from starlette.types import Message, Receive, Scope, Send

_log = logging.getLogger(__name__)
ABORT: Final = "naftiko.abort"
"""The key of a scope that has what closes the caller's connection at once, where the server has told it."""

_PATIENCE: Final = 0.25
"""Seconds after which a call is watched: a quick one is over before, and pays for an entry in a dictionary only.

Under load calls wait for one another, and a watch for each of them would make them all slower.
"""


class Callers:
    """The callers of an app whose calls are not watched yet, with one timer for all of them.

    It begins to watch them between one and two patiences after they came. An app that runs in one event loop after
    another forgets those of the earlier one.
    """

    __slots__ = ("_loop", "_recent", "_timer", "_waiting")

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._recent: dict[CallerWatch, None] = {}
        self._waiting: dict[CallerWatch, None] = {}

    def add(self, watch: CallerWatch) -> None:
        """Let a caller be watched after a while."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop, self._timer = loop, None
            self._recent, self._waiting = {}, {}
        self._recent[watch] = None
        if self._timer is None:
            self._timer = loop.call_later(_PATIENCE, self._look)

    def drop(self, watch: CallerWatch) -> None:
        """Forget a caller whose call is over."""
        self._recent.pop(watch, None)
        self._waiting.pop(watch, None)

    def _look(self) -> None:
        for watch in self._waiting:
            watch.begin()
        self._waiting, self._recent = self._recent, {}
        self._timer = None
        if self._waiting and self._loop is not None:
            self._timer = self._loop.call_later(_PATIENCE, self._look)


class CallerWatch:
    """Cancels the task that enters it when the caller goes away.

    Attributes:
        gone: whether the caller went away; the cancellation ends at the end of the block then.
    """

    __slots__ = ("_callers", "_receive", "_task", "_waits", "_watching", "gone")

    def __init__(self, receive: Receive, callers: Callers) -> None:
        self._receive = receive
        self._callers = callers
        self._waits = False
        self._watching: asyncio.Task[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self.gone = False

    def __enter__(self) -> Self:
        self._task = asyncio.current_task()
        return self

    def start(self) -> None:
        """Begin to watch, once the request's body is read; ``receive`` belongs to the watch from now on."""
        if not self._waits:
            self._waits = True
            self._callers.add(self)

    def begin(self) -> None:
        """Watch now: the call takes its time."""
        self._watching = asyncio.get_running_loop().create_task(self._watch())

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if self._task is not None:
            self.gone = True
            self._task.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if self._waits:
            self._callers.drop(self)
        if self._watching is not None:
            self._watching.cancel()
        if not self.gone or self._task is None:
            return False
        # Ours alone: a cancellation from elsewhere, such as the server's stop, goes on.
        return self._task.uncancel() == 0 and kind is asyncio.CancelledError


class SlowReader(Exception):
    """A caller does not read the answer that comes for it; its connection is closed."""


async def send_to_reader(send: Send, message: Message, scope: Scope, seconds: float) -> None:
    """Send a piece of an answer to a caller who reads.

    Args:
        send: the connection.
        message: the piece.
        scope: of the request.
        seconds: how long the caller may take for it.

    Raises:
        SlowReader: it takes longer.
    """
    try:
        async with asyncio.timeout(seconds):
            await send(message)
    except TimeoutError:
        _log.info("a caller did not read its answer for %g s; its connection is closed", seconds)
        if abort := scope.get(ABORT):
            abort()
            await asyncio.sleep(0)  # the server learns that the caller is gone, and expects no more of the answer
        raise SlowReader from None
