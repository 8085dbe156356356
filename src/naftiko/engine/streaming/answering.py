"""A unit's answer of a stream: its items as they come, or the list of them (docs/streams.md)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import httpx

from naftiko.engine.answer import JSON_MEDIA_TYPE, Answer
from naftiko.engine.process_pool.outside import ROLE, sent_or_given
from naftiko.engine.request import dump_json
from naftiko.engine.sending import Outgoing
from naftiko.engine.streaming.further import Further
from naftiko.engine.streaming.items import ItemStream, same
from naftiko.engine.streaming.opening import Opened, gathered
from naftiko.expression.answers import ONLY, AnswerHead
from naftiko.expression.scope import Scope
from naftiko.ground.errors import NotExecutable
from naftiko.plan.outputs import Outputs


class StreamedItems:
    """The content of an answer whose items are still to come; read as it is, a JSON array.

    Whoever gets it closes it, whatever happens.

    Attributes:
        media_type: of the content as it is read.
        note: what is missing at its end, ``""`` for nothing.
        further: makes messages of what a caller sends meanwhile; ``None``: the stream takes none.
    """

    media_type = JSON_MEDIA_TYPE

    def __init__(self, opened: Opened, make: Callable[[Any], Any]) -> None:
        self._opened = opened
        self._make = make
        self._items: ItemStream | None = None
        self.further: Further | None = None

    @property
    def is_gathered(self) -> bool:
        """Whether all of it is something else than the list of its items."""
        return hasattr(self._opened.source, "gathered")

    def items(self, *, relays: bool) -> ItemStream:
        """Return the items, once.

        Args:
            relays: whether each is passed on as it comes, and no list is made, which has an end.
        """
        self._items = self._opened.items(self._make, relays=relays)
        return self._items

    async def send(self, message: bytes) -> None:
        """Send a message of the caller upstream.

        Raises:
            NotExecutable: the stream takes none.
            InputError: the message is no object of inputs.
        """
        send = getattr(self._opened.source, "send", None)
        if self.further is None or send is None:
            raise NotExecutable("this stream takes no messages")
        made = self.further.made(message)
        if made:
            await send(made)

    @property
    def note(self) -> str:
        """What is missing at its end."""
        return "" if self._items is None else self._items.note

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield a JSON array, an item at once.

        Raises:
            CallError: the stream is cut before its first item.
        """
        if self.is_gathered:
            yield await self._gathered()
            return
        opening = b"["
        async for item in self.items(relays=False):
            yield opening + dump_json(item.value)
            opening = b","
        self.check()
        yield b"[]" if opening == b"[" else b"]"

    async def _gathered(self) -> bytes:
        self._items = stream = self._opened.items()
        values = [item.value async for item in stream]
        self.check()
        return dump_json(self._make(gathered(self._opened.source, values)))

    def check(self) -> None:
        """Let a stream be that gave anything, or ended well.

        Raises:
            CallError: it was cut before its first item.
        """
        stream = self._items
        if stream is not None and not stream.count and stream.ended is not None and stream.ended.error is not None:
            raise stream.ended.error

    async def aclose(self) -> None:
        """Leave the stream, and its upstream."""
        source = self._opened.source
        if self._items is not None:
            await self._items.aclose()
        elif source is not None:
            await source.aclose()


async def streamed_or_listed(
    outgoing: Outgoing,
    outputs: Outputs,
    scope: Scope,
    head: Callable[[httpx.Response], AnswerHead],
    *,
    streams: bool,
) -> Answer | httpx.Response:
    """Return an answer with its items still to come, or the list of the items as they came, as an answer to be read.

    Args:
        outgoing: the request.
        outputs: what is made of each item.
        scope: of the call.
        head: tells what an answer says beside its body.
        streams: whether the items are taken as they come.

    Raises:
        CallError: see ``naftiko.ground.errors``.
    """
    if ROLE.outside is not None:
        return await sent_or_given(outgoing)
    make = same if outputs.identity else partial(outputs.build, scope=scope)
    opening = outgoing.upstream.streams[outgoing.operation]
    if not streams:
        return await opening.listed(outgoing, make)
    opened = await opening.open(outgoing)
    if opened.source is None:
        return opened.response
    if outputs.reads_head:
        scope.answers = {ONLY: head(opened.response)}
    answer = Answer(media_type=JSON_MEDIA_TYPE, headers=opened.headers)
    answer.stream = StreamedItems(opened, make)
    return answer
