"""The items of a stream as their caller wants them: server-sent events, JSON lines, or a JSON array."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from typing import Any, Final, Protocol, TypeAlias, TypeVar

from naftiko.engine.answer import JSON_MEDIA_TYPE
from naftiko.engine.request import dump_json
from naftiko.engine.streaming.answering import StreamedItems
from naftiko.engine.streaming.items import Item, ItemStream
from naftiko.ground.errors import CallError

ProblemOf: TypeAlias = Callable[[Exception], bytes]
"""Makes the problem document of a failure, and reports it."""
EVENTS: Final = "text/event-stream"
LINES: Final = "application/x-ndjson"
SILENCE: Final = 15.0
"""Seconds after which a reader of events is told that there is still somebody: proxies hang up on who says nothing."""
_LINES: Final = frozenset({LINES, "application/ndjson", "application/jsonl", "application/x-jsonlines"})
_COMMENT: Final = b":\n\n"
ValueT = TypeVar("ValueT")
Fields: TypeAlias = list[tuple[bytes, bytes]]


class Rendered(Protocol):
    """Items as they are sent."""

    media_type: str
    waits: bool

    def headers(self, known: Fields) -> Fields:
        """Return the headers that they have beside the known ones."""
        ...

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the pieces."""
        ...

    @property
    def note(self) -> str:
        """What is missing at their end."""
        ...


def rendered(items: StreamedItems, headers: Iterable[tuple[bytes, bytes]], problem_of: ProblemOf) -> Rendered:
    """Return items as a request wants them.

    Args:
        items: the items.
        headers: of the request.
        problem_of: makes the problem document of what cuts them.
    """
    wanted = wanted_type([value for name, value in headers if name.lower() == b"accept"])
    if wanted == EVENTS:
        return _Events(items, problem_of)
    return _Lines(items, problem_of) if wanted == LINES else _Array(items)


def wanted_type(accept: Sequence[bytes]) -> str:
    """Return what a caller would rather have (RFC 9110, 12.5.1): events and lines are for who names them."""
    best, most = JSON_MEDIA_TYPE, 0.0
    for part in b",".join(accept).decode("latin-1").split(","):
        kind, *parameters = (each.strip().lower() for each in part.split(";"))
        weight = next((_weight(each[2:]) for each in parameters if each.startswith("q=")), 1.0)
        named = LINES if kind in _LINES else kind
        if named in {EVENTS, LINES, JSON_MEDIA_TYPE} and weight > most:
            best, most = named, weight
    return best


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


class _Made:
    """What all of them have."""

    media_type: str
    waits = True

    def __init__(self, items: StreamedItems) -> None:
        self._items = items

    @property
    def note(self) -> str:
        return self._items.note

    def headers(self, known: Fields) -> Fields:
        vary = b", ".join(value for name, value in known if name == b"vary")
        return [] if b"accept" in {each.strip().lower() for each in vary.split(b",")} else [(b"vary", b"Accept")]


class _Array(_Made):
    media_type = JSON_MEDIA_TYPE

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._items)


class _Relayed(_Made):
    """Items that are passed on as they come."""

    def __init__(self, items: StreamedItems, problem_of: ProblemOf) -> None:
        super().__init__(items)
        self._problem_of = problem_of

    def headers(self, known: Fields) -> Fields:
        made = [*super().headers(known), (b"x-accel-buffering", b"no")]
        return made if any(name == b"cache-control" for name, _ in known) else [*made, (b"cache-control", b"no-cache")]


def told_of_end(stream: ItemStream, problem_of: ProblemOf) -> tuple[bytes, bytes] | None:
    """Return what is said of an end that leaves something out: a word, and JSON."""
    ended = stream.ended
    if ended is None or not ended.is_early:
        return None
    if ended.error is not None:
        return b"error", problem_of(ended.error)
    return b"incomplete", dump_json({"reason": ended.reason, "items": stream.count, "detail": ended.detail})


class _Lines(_Relayed):
    media_type = LINES

    async def __aiter__(self) -> AsyncIterator[bytes]:
        stream = self._items.items(relays=True)
        async for item in stream:
            yield dump_json(item.value) + b"\n"
        self._items.check()
        told = told_of_end(stream, self._problem_of)
        if told is not None:
            yield b'{"%b":%b}\n' % told


class _Events(_Relayed):
    media_type = EVENTS
    waits = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        stream = self._items.items(relays=True)
        async with contextlib.aclosing(with_silence(stream, SILENCE)) as items:
            async for item in items:
                yield _COMMENT if item is None else _event(item)
        told = told_of_end(stream, self._problem_of)
        if told is not None:
            yield b"event: %b\ndata: %b\n\n" % told


def _event(item: Item) -> bytes:
    head = b""
    if item.event:
        head = b"event: %b\n" % _on_a_line(item.event)
    if item.identity:
        head += b"id: %b\n" % _on_a_line(item.identity)
    return b"%bdata: %b\n\n" % (head, dump_json(item.value))


def _on_a_line(text: str) -> bytes:
    return " ".join(text.splitlines()).encode("utf-8", "replace")


async def with_silence(values: AsyncIterator[ValueT], seconds: float) -> AsyncGenerator[ValueT | None]:
    """Yield values as they come, and ``None`` whenever none came for so many seconds."""
    waiting: asyncio.Future[Any] | None = None
    try:
        while True:
            if waiting is None:
                waiting = asyncio.ensure_future(_next(values))
            done, _ = await asyncio.wait({waiting}, timeout=seconds)
            if not done:
                yield None
                continue
            found, waiting = waiting.result(), None
            if found is None:
                return
            yield found[0]
    finally:
        if waiting is not None:
            waiting.cancel()
            with contextlib.suppress(asyncio.CancelledError, CallError):
                await waiting


async def _next(values: AsyncIterator[ValueT]) -> tuple[ValueT] | None:
    try:
        return (await anext(values),)
    except StopAsyncIteration:
        return None
