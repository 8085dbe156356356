"""The items of a stream, one by one, until a bound is reached (docs/streams.md)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol, Self

from naftiko.ground.durations import written
from naftiko.ground.errors import CallError
from naftiko.ground.http import structured
from naftiko.plan.streams import MAX_BYTES, MAX_ITEMS, Collect

_AT_ONCE: Final = 64
"""Items that are taken before others get their turn, where they are there already."""


@dataclass(slots=True)  # not frozen: one is made for each item
class Item:
    """What a stream gives at once.

    Attributes:
        value: JSON data.
        event: the name of a server-sent event, ``""`` for none.
        identity: its id, likewise.
        size: bytes that it had on the wire.
    """

    value: Any
    event: str = ""
    identity: str = ""
    size: int = 0


class Source(Protocol):
    """An open stream of an upstream.

    One that has a method ``gathered`` says what the values of all its items are together, as a document; of others that
    is their list.
    """

    def __aiter__(self) -> AsyncIterator[Item]:
        """Yield the items; it may be cancelled while it waits, and is closed then.

        Raises:
            CallError: the stream is cut, or is not what it should be.
        """
        ...

    async def aclose(self) -> None:
        """Leave it, and free its connection; a second time it does nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Ended:
    """Why a stream is over.

    Attributes:
        reason: ``end`` (its upstream ended it), ``until`` (the item came that is the last one), ``limit``, ``bytes``,
            ``time`` (a bound is reached), ``cut`` (it failed) or ``left`` (nobody wants more of it).
        detail: the same for people, where something is missing.
        error: what cut it.
        is_early: whether something is missing that the file doesn't leave out.
    """

    reason: str
    detail: str = ""
    error: CallError | None = None
    is_early: bool = False


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of a stream is taken: what the file says, and what holds where it says nothing.

    Attributes:
        collect: what the file says.
        limit: items; ``None``: any number.
        seconds: from the request on; ``None``: as long as it goes on.
        size: bytes; ``None``: any number.
    """

    collect: Collect
    limit: int | None
    seconds: float | None
    size: int | None

    @classmethod
    def relayed(cls, collect: Collect) -> Self:
        """Return those of who passes each item on, and keeps none."""
        return cls(collect, collect.limit, collect.seconds, collect.size)

    @classmethod
    def listed(cls, collect: Collect, seconds: float) -> Self:
        """Return those of who wants a list, which has an end; ``seconds`` where the file says none."""
        return cls(collect, collect.limit or MAX_ITEMS, collect.seconds or seconds, collect.size or MAX_BYTES)

    def is_early(self, reason: str) -> bool:
        """Tell whether an end for this reason leaves out what the file doesn't.

        A file that says what the last item is wants that one; else a bound of the file is an end as good as any.
        """
        collect = self.collect
        if collect.until is not None:
            return reason != "until"
        declared = {"limit": collect.limit, "bytes": collect.size, "time": collect.seconds}
        return reason == "cut" or (reason in declared and declared[reason] is None)


def same(value: Any) -> Any:
    """Return a value as it is."""
    return value


class ItemStream:
    """The items of one stream: what its source gives, each made into what outputs make of it, within bounds.

    Whoever iterates closes it, whatever happens.

    Args:
        source: what gives them.
        bounds: how many.
        make: makes the value of an item.
        until: the loop's time at which it ends; by default the bounds' seconds from now on.

    Attributes:
        count: the items so far.
        size: their bytes.
        ended: why it is over; ``None`` while it isn't.
    """

    def __init__(
        self, source: Source, bounds: Bounds, make: Callable[[Any], Any] = same, until: float | None = None
    ) -> None:
        self._source = source
        self._bounds = bounds
        self._make = make
        self._items = source.__aiter__()
        seconds = bounds.seconds
        self._until = until if until or seconds is None else asyncio.get_running_loop().time() + seconds
        self.count = 0
        self.size = 0
        self.ended: Ended | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Item:
        if self.ended is not None:
            raise StopAsyncIteration
        if self.count % _AT_ONCE == _AT_ONCE - 1:
            await asyncio.sleep(0)
        if self._bounds.limit is not None and self.count >= self._bounds.limit:
            await self._end("limit", f"no more than {self._bounds.limit:,} items are taken")
            raise StopAsyncIteration
        try:
            async with asyncio.timeout_at(self._until):
                if self._is_late():
                    raise TimeoutError  # noqa: TRY301  # a source that never waits is never interrupted
                item = await anext(self._items)
        except StopAsyncIteration:
            await self._end("end", "the stream ended before its last item came")
        except TimeoutError:
            await self._end("time", f"it went on for longer than {written(self._bounds.seconds or 0)}")
        except CallError as error:
            await self._end("cut", error.detail, error)
        else:
            return await self._taken(item)
        raise StopAsyncIteration

    def _is_late(self) -> bool:
        return self._until is not None and asyncio.get_running_loop().time() >= self._until

    async def _taken(self, item: Item) -> Item:
        bounds = self._bounds
        if bounds.size is not None and self.size + item.size > bounds.size:
            await self._end("bytes", f"more than {bounds.size:,} bytes")
            raise StopAsyncIteration
        self.count += 1
        self.size += item.size
        until = bounds.collect.until
        if until is not None and until.holds(item.value):
            await self._end("until", "")
        if self._make is not same:
            item.value = self._make(item.value)
        return item

    async def _end(self, reason: str, detail: str, error: CallError | None = None) -> None:
        if self.ended is None:
            self.ended = Ended(reason, detail, error, self._bounds.is_early(reason))
            await self._source.aclose()

    async def aclose(self) -> None:
        """Leave the stream, and its upstream; a second time it does nothing."""
        if self.ended is None:
            self.ended = Ended("left")
        await self._source.aclose()

    @property
    def note(self) -> str:
        """What is missing, as an item with parameters (RFC 9651); ``""`` for nothing."""
        ended = self.ended
        if ended is None or not ended.is_early:
            return ""
        return f"incomplete;reason={ended.reason};items={self.count};detail={structured(ended.detail)}"
