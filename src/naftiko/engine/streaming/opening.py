"""The streams of one operation: opened for who takes its items, or collected for who wants the list of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias

import httpx

from naftiko.engine.answer import JSON_MEDIA_TYPE
from naftiko.engine.head import head_of
from naftiko.engine.memory import SMALL, hold
from naftiko.engine.mock import description
from naftiko.engine.paging.merging import beside_the_body
from naftiko.engine.redacting import redacting
from naftiko.engine.request import dump_json
from naftiko.engine.sending import NOTE, Outgoing, Send
from naftiko.engine.streaming.hiding import hiding
from naftiko.engine.streaming.http import HttpOpener
from naftiko.engine.streaming.items import Bounds, ItemStream, Source, same
from naftiko.engine.streaming.telling import seeing
from naftiko.engine.streaming.ways import Ways
from naftiko.engine.streaming.websockets import SocketOpener
from naftiko.engine.transport.whole import Whole
from naftiko.expression.jsonpath import JSONPath
from naftiko.plan.operation import Operation
from naftiko.plan.streams import JSON_SEQ, NDJSON, SSE, WEBSOCKET, Collect

_FIRST_OTHER: Final = 300
_WITHOUT_CONTENT: Final = frozenset({204, 205})
_OF_A_BODY: Final = frozenset({"etag", "last-modified", "content-disposition", "location", "link"})


class Opener(Protocol):
    """Opens streams of one kind."""

    async def begin(self, outgoing: Outgoing) -> httpx.Response:
        """Send a request; return its answer, whose body is still to come unless it is no success.

        Policies are around it: they see the status, and may send again.

        Raises:
            CallError: see ``naftiko.ground.errors``.
        """
        ...

    def source(self, response: httpx.Response) -> Source:
        """Return the items of an answer that ``begin`` gave.

        Raises:
            CallError: it is no stream.
        """
        ...


Openers: TypeAlias = Callable[[Operation, Ways], Opener]
OPENERS: Final[Mapping[str, Openers]] = {
    **dict.fromkeys((SSE, NDJSON, JSON_SEQ), HttpOpener),
    WEBSOCKET: SocketOpener,
}
"""What opens the streams of a format."""


@dataclass(slots=True)
class Opened:
    """A stream that is open, or an answer that is none.

    Attributes:
        response: the answer.
        source: its items; ``None``: it is no stream, and read.
        collect: where it ends.
        began: the loop's time at which it was asked for.
        seconds: that a list of it may take where the file doesn't say it.
    """

    response: httpx.Response
    source: Source | None
    collect: Collect
    began: float
    seconds: float

    def items(self, make: Callable[[Any], Any] = same, *, relays: bool = False) -> ItemStream:
        """Return the items.

        Args:
            make: makes the value of an item.
            relays: whether each is passed on, and none is kept.

        Raises:
            ValueError: it is no stream.
        """
        if self.source is None:
            raise ValueError("it is no stream")
        bounds = Bounds.relayed(self.collect) if relays else Bounds.listed(self.collect, self.seconds)
        return ItemStream(self.source, bounds, make, None if bounds.seconds is None else self.began + bounds.seconds)

    @property
    def headers(self) -> list[tuple[str, str]]:
        """What the head of the answer says that holds for the items too."""
        return [pair for pair in head_of(self.response).useful if pair[0] not in _OF_A_BODY]


class Streams:
    """The streams of one operation.

    Args:
        opener: opens them.
        send: the same by way of the operation's policies.
        collect: where they end.
        seconds: that a list may take where the file doesn't say it.
        redact: what its items never show.
    """

    def __init__(
        self, opener: Opener, send: Send, collect: Collect, seconds: float, redact: Sequence[JSONPath] = ()
    ) -> None:
        self._redact = redact
        self._opener = opener
        self._send = send
        self._collect = collect
        self._seconds = seconds

    async def open(self, outgoing: Outgoing) -> Opened:
        """Open a stream; whoever gets it closes its source.

        Raises:
            CallError: see ``naftiko.ground.errors``.
        """
        began = asyncio.get_running_loop().time()
        response = await self._send(outgoing)
        source = None
        try:
            if not _is_plain(response):
                source = hiding(self._opener.source(response), self._redact)
        except BaseException:
            await response.aclose()
            raise
        return Opened(response, source, self._collect, began, self._seconds)

    async def __call__(self, outgoing: Outgoing) -> httpx.Response:
        """Return the whole list as one answer: what sends requests of the operation."""
        return await self.listed(outgoing)

    async def listed(self, outgoing: Outgoing, make: Callable[[Any], Any] | None = None) -> httpx.Response:
        """Return the whole list as one answer.

        Args:
            outgoing: the request.
            make: makes of an item what whoever watches is shown; ``None``: they are told the number of items alone.
        """
        opened = await self.open(outgoing)
        if opened.source is None:
            return opened.response
        watching, stream, values, held = seeing.get(), opened.items(), [], 0
        try:
            async for item in stream:
                values.append(item.value)
                if stream.size > held + SMALL:
                    hold(stream.size - held)
                    held = stream.size
                if watching is not None:
                    await watching(stream.count, None if make is None else _made(make, item.value))
        finally:
            await stream.aclose()
        ended = stream.ended
        if ended is not None and ended.error is not None and not values:
            raise ended.error
        return _answered(opened, values, stream.note)


def _made(make: Callable[[Any], Any], value: Any) -> Callable[[], Any]:
    return lambda: make(value)


def _is_plain(response: httpx.Response) -> bool:
    """Tell an answer that is no stream: a failure, one without content, the description of a request in its place."""
    status = response.status_code
    return status >= _FIRST_OTHER or status in _WITHOUT_CONTENT or description(response) is not None


def _answered(opened: Opened, values: list[Any], note: str) -> httpx.Response:
    headers = [*beside_the_body(opened.response), (b"content-type", JSON_MEDIA_TYPE.encode())]
    if note:
        headers.append((NOTE.encode(), note.encode("ascii")))
    return Whole(200, headers, dump_json(gathered(opened.source, values)), opened.response.request, {})


def gathered(source: Source | None, values: list[Any]) -> Any:
    """Return what the items of a source are together: their list, unless it says something else."""
    gather = getattr(source, "gathered", None)
    return values if gather is None else gather(values)


def streams(operation: Operation, ways: Ways, wrap: Callable[[Send], Send]) -> Streams:
    """Return the streams of an operation that has some.

    Args:
        operation: whose streams they are.
        ways: how requests are sent.
        wrap: puts the operation's policies around what sends them.
    """
    stream = operation.stream
    if stream is None:
        raise ValueError(f"`{operation.key}` has no streams")
    opener = OPENERS[stream.format](operation, ways)
    begin = wrap(redacting(opener.begin, operation))
    return Streams(opener, begin, stream.collect, ways.limits.total, operation.redact)
