"""Streams over HTTP: server-sent events, JSON lines, JSON text sequences."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing
from typing import Any, Final

import httpx

from naftiko.engine.head import head_of
from naftiko.engine.sending import NOTE, Outgoing
from naftiko.engine.streaming.framing import (
    BrokenStream,
    Document,
    Events,
    Frame,
    Framer,
    JsonLines,
    JsonSequence,
)
from naftiko.engine.streaming.items import Item
from naftiko.engine.streaming.ways import Ways
from naftiko.engine.transport.content_coding import NotDecodableError, piecewise
from naftiko.engine.transport.whole import Whole
from naftiko.ground import jsontext
from naftiko.ground.errors import UpstreamBroken
from naftiko.ground.media_types import is_json
from naftiko.plan.operation import Operation
from naftiko.plan.streams import JSON_SEQ, NDJSON, SSE

_FRAMERS: Final[Mapping[str, Callable[[], Framer]]] = {SSE: Events, NDJSON: JsonLines, JSON_SEQ: JsonSequence}
_TYPES: Final[Mapping[str, Callable[[], Framer]]] = {
    "text/event-stream": Events,
    "application/x-ndjson": JsonLines,
    "application/ndjson": JsonLines,
    "application/jsonl": JsonLines,
    "application/x-jsonlines": JsonLines,
    "application/stream+json": JsonLines,
    "application/json-seq": JsonSequence,
}
"""Media types that say what a stream is, whatever the file says."""
_ACCEPT: Final = {
    SSE: "text/event-stream",
    NDJSON: "application/x-ndjson, */*;q=0.5",
    JSON_SEQ: "application/json-seq, */*;q=0.5",
}
_SHOWN: Final = 60


class HttpOpener:
    """Opens the streams of one operation.

    Args:
        operation: whose streams they are.
        ways: how requests are sent.
    """

    def __init__(self, operation: Operation, ways: Ways) -> None:
        stream = operation.stream
        self._operation = operation
        self._format = SSE if stream is None else stream.format
        self._as_event = stream is not None and stream.as_event
        self._ways = ways

    async def begin(self, outgoing: Outgoing) -> httpx.Response:
        """Send the request; return its answer, whose body is still to come unless it is no success.

        Raises:
            CallError: as from any call.
        """
        outgoing.draft.add_missing([("Accept", _ACCEPT[self._format])])
        return await self._ways.begun(outgoing)

    def source(self, response: httpx.Response) -> HttpSource:
        """Return the items of an answer.

        Raises:
            UpstreamBroken: it is no stream.
        """
        return HttpSource(response, self._framer(response), self._ways, self._operation.key, as_event=self._as_event)

    def _framer(self, response: httpx.Response) -> Framer:
        media_type = head_of(response).media_type
        is_ours = NOTE in response.headers  # what stands in for a failed call is a document
        known = _TYPES.get(media_type)
        if known is not None and not is_ours:
            return known()
        if is_ours or (self._format == SSE and media_type and is_json(media_type)):
            return Document()
        if media_type == "text/html" or (self._format == SSE and media_type):
            raise broken(
                f"the answer of `{self._operation.key}` is no stream, but {media_type[:_SHOWN]}", self._operation.key
            )
        return _FRAMERS[self._format]()


class HttpSource:
    """The items of one answer.

    Args:
        response: the answer.
        framer: tells its items apart.
        ways: what hides credentials.
        operation: for errors.
        as_event: whether an item is the whole event.
    """

    def __init__(self, response: httpx.Response, framer: Framer, ways: Ways, operation: str, *, as_event: bool) -> None:
        self._response = response
        self._framer = framer
        self._ways = ways
        self._own = ways.own(response.request)
        self._operation = operation
        self._as_event = as_event
        self._count = 0

    async def __aiter__(self) -> AsyncIterator[Item]:
        try:
            async with aclosing(self._pieces()) as pieces:
                async for piece in pieces:
                    await asyncio.sleep(0)  # what has no items in it keeps nobody else waiting
                    for frame in self._framer.feed(piece):
                        if frame.is_last:
                            return
                        yield await self._item(frame)
            for frame in self._framer.rest():
                item = await self._item(frame)
                if isinstance(self._framer, Document) and isinstance(item.value, list):
                    for value in item.value:
                        yield Item(value, size=item.size // len(item.value))
                else:
                    yield item
        except (BrokenStream, NotDecodableError) as error:
            raise broken(f"the stream of `{self._operation}` {error}", self._operation) from None

    async def _pieces(self) -> AsyncGenerator[bytes]:
        response = self._response
        coding = head_of(response).coding
        undo = piecewise(coding) if coding else None
        if coding and undo is None:
            raise broken(f"the stream of `{self._operation}` is in the coding `{coding[:_SHOWN]}`", self._operation)
        if isinstance(response, Whole):
            yield response.content
            return
        async for piece in response.aiter_raw():
            for plain in (piece,) if undo is None else undo(piece):
                yield plain

    async def _item(self, frame: Frame) -> Item:
        self._count += 1
        veil, data = self._ways.veil, frame.data
        if veil or self._own:
            data = await veil.amasked(data, self._own)
        value = self._value(data)
        if self._as_event:
            value = {"event": frame.event or "message", "id": frame.identity or None, "data": value}
        return Item(value, frame.event, frame.identity, frame.size)

    def _value(self, data: bytes) -> Any:
        try:
            return jsontext.read(data)
        except (ValueError, RecursionError):
            if isinstance(self._framer, Events):
                return data.decode("utf-8", "replace")
            raise BrokenStream(f"is no JSON at item {self._count:,}") from None

    async def aclose(self) -> None:
        """Leave the answer, and its connection."""
        await self._response.aclose()


def broken(detail: str, operation: str) -> UpstreamBroken:
    """Return the error of a stream that is none."""
    error = UpstreamBroken(detail, hint="set `outputRawFormat` to what the API sends")
    error.operation = operation
    return error
