"""Event streams end when the server stops: they have no end of their own that could be waited for.

The server keeps an ``OpenStreams`` in the ASGI scope of each request; an adapter that begins a stream registers it
there. Without a server of ours (in tests, mounted elsewhere) there is none, and nothing ends early.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Final, Self

from starlette.types import Scope, Send

STREAMS: Final = "naftiko.streams"
_ENDLESS: Final = frozenset(
    {
        "text/event-stream",
        "application/x-ndjson",
        "application/ndjson",
        "application/jsonl",
        "application/json-seq",
        "application/stream+json",
        "multipart/x-mixed-replace",
    }
)


def is_stream(content_type: str) -> bool:
    """Tell a media type whose answers may go on for ever."""
    return content_type.partition(";")[0].strip().lower() in _ENDLESS


class Outlasting(Exception):
    """Raised by an app for a request that outlasts it: what goes on needs nothing of the app, which may be replaced.

    Only where the scope has ``STREAMS`` is there somebody who takes it.

    Attributes:
        go_on: answers the request.
    """

    def __init__(self, go_on: Callable[[], Awaitable[None]]) -> None:
        super().__init__()
        self.go_on = go_on


class OpenStreams:
    """The streams that a server has open.

    One that answers a GET tells what happens, for as long as somebody listens: it ends at once. One that answers
    another method is the answer to something, and has an end: it gets the time that other requests get.
    """

    def __init__(self) -> None:
        self._open: dict[Stream, None] = {}
        self._ended: set[bool] = set()

    def add(self, stream: Stream) -> None:
        """Register a stream; after the stop it ends at its next wait."""
        self._open[stream] = None
        if stream.is_answer in self._ended:
            stream.end()

    def drop(self, stream: Stream) -> None:
        """Forget a stream."""
        self._open.pop(stream, None)

    def end(self, *, answers: bool) -> None:
        """End those that tell what happens, or those that are answers."""
        self._ended.add(answers)
        for stream in [each for each in self._open if each.is_answer is answers]:
            stream.end()


class Stream:
    """A stream while it lasts, in the task that enters it; leaves quietly when the server ends it.

    Args:
        scope: of the request.
        is_answer: whether it answers something; ``None``: unless that is a GET.

    Attributes:
        is_answer: whether it answers something, and has an end.
        ended: whether the server ended it.
    """

    __slots__ = ("_streams", "_task", "ended", "is_answer")

    def __init__(self, scope: Scope, *, is_answer: bool | None = None) -> None:
        self._streams: OpenStreams | None = scope.get(STREAMS)
        self._task: asyncio.Task[object] | None = None
        self.is_answer = scope["method"] != "GET" if is_answer is None else is_answer
        self.ended = False

    def __enter__(self) -> Self:
        self._task = asyncio.current_task()
        if self._streams is not None:
            self._streams.add(self)
        return self

    def end(self) -> None:
        """Cancel the task."""
        if self._task is not None and not self.ended:
            self.ended = True
            self._task.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if self._streams is not None:
            self._streams.drop(self)
        if not self.ended or self._task is None:
            return False
        # Ours alone: a cancellation from elsewhere, such as the caller who went away, goes on.
        return self._task.uncancel() == 0 and (kind is None or kind is asyncio.CancelledError)


async def end_of_body(send: Send) -> None:
    """Send the last message of a response that has begun."""
    await send({"type": "http.response.body", "body": b"", "more_body": False})
