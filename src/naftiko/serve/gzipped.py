"""Answers in gzip for callers that take it (RFC 9110 chapter 8.4.1.3), where an operator wants it.

What is small, coded already, an event stream or a part of something goes as it is. Large pieces are compressed in a
thread: zlib lets go of the interpreter meanwhile.
"""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

USUAL_LEAST: Final = 1024
"""Bytes below which gzip saves no packet."""
_LEVEL: Final = 5
_GZIP: Final = 16 + zlib.MAX_WBITS
_MUCH: Final = 32 * 1024
"""Bytes that take long enough to compress that the event loop is not held for it: half a millisecond."""
_TEXTS: Final = re.compile(
    rb"text/(?!event-stream)[^;]+|[^;]+\+(?:json|xml|yaml)|application/(?:json|xml|yaml|x-yaml|javascript|x-ndjson|"
    rb"jsonl|sql|graphql|openmetrics-text|n-triples|n-quads)",
    re.IGNORECASE,
)
"""Media types of which gzip makes less; images, archives and the like are compressed already."""
_WHOLE: Final = frozenset(
    {b"content-encoding", b"content-range", b"content-md5", b"digest", b"content-digest", b"repr-digest"}
)
"""Fields of an answer that is not to be coded anew: it is, it is a part, or its digest is told."""
_WITHOUT_BODY: Final = frozenset({204, 205, 206, 304})
_NOT_MODIFIED: Final = 304

Fields = list[tuple[bytes, bytes]]


class Gzipped:
    """ASGI middleware.

    Args:
        app: answers.
        least: bytes of a body that is compressed; one whose length nobody has said is, too.
    """

    def __init__(self, app: ASGIApp, least: int) -> None:
        self._app = app
        self._least = least

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        takes = scope["method"] != "HEAD" and takes_gzip(
            value for name, value in scope["headers"] if name == b"accept-encoding"
        )
        await self._app(scope, receive, _Answer(send, self._least, takes=takes).send)


class _Answer:
    """An answer whose head waits for the first piece of its body."""

    def __init__(self, send: Send, least: int, *, takes: bool) -> None:
        self._send = send
        self._least = least
        self._takes = takes
        self._head: Message | None = None
        self._coder: Any = None

    async def send(self, message: Message) -> None:
        """Take what the app sends."""
        if message["type"] == "http.response.start":
            await self._begin(message)
        elif self._head is not None:
            head, self._head = self._head, None
            await self._go_on(head, message)
        elif self._coder is not None:
            await self._send({**message, "body": await self._coded(message)})
        else:
            await self._send(message)

    async def _begin(self, message: Message) -> None:
        headers: Fields = list(message.get("headers", ()))
        status = message["status"]
        if status == _NOT_MODIFIED and self._takes:
            headers = [*map(_weak, headers)]
        if status != _NOT_MODIFIED and not _may_be_coded(status, headers):
            await self._send(message)
            return
        message = {**message, "headers": _varied(headers)}
        if self._takes and status not in _WITHOUT_BODY:
            self._head = message
        else:
            await self._send(message)

    async def _go_on(self, head: Message, first: Message) -> None:
        """Begin the answer, now that it is known how large it is."""
        is_whole = not first.get("more_body", False)
        headers: Fields = head["headers"]
        said = next((value for name, value in headers if name.lower() == b"content-length"), b"")
        size = len(first.get("body", b"")) if is_whole else int(said) if said.isdigit() else self._least
        if size < self._least:
            await self._send(head)
            await self._send(first)
            return
        self._coder = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
        body = await self._coded(first)
        kept = [_weak(each) for each in headers if each[0].lower() not in {b"content-length", b"accept-ranges"}]
        kept.append((b"content-encoding", b"gzip"))
        if is_whole:
            kept.append((b"content-length", b"%d" % len(body)))
        await self._send({**head, "headers": kept})
        await self._send({**first, "body": body})

    async def _coded(self, message: Message) -> bytes:
        """Return a piece in gzip, all of it: whoever reads a stream waits for nothing that was sent."""
        body, is_last = message.get("body", b""), not message.get("more_body", False)
        if len(body) < _MUCH:
            return _pieces(self._coder, body, is_last=is_last)
        return await asyncio.to_thread(_pieces, self._coder, body, is_last=is_last)


def _pieces(coder: Any, body: bytes, *, is_last: bool) -> bytes:
    made: bytes = coder.compress(body)
    if not body and not is_last:
        return made
    made += coder.flush(zlib.Z_FINISH if is_last else zlib.Z_SYNC_FLUSH)
    return made


def takes_gzip(values: Iterable[bytes]) -> bool:
    """Tell whether a caller would rather have gzip than nothing (RFC 9110 chapter 12.5.3)."""
    weights: dict[bytes, float] = {}
    for coding in b",".join(values).lower().split(b","):
        name, _, parameter = coding.partition(b";")
        weights.setdefault(name.strip(), _weight(parameter.strip()))
    weight = weights.get(b"gzip", weights.get(b"x-gzip", weights.get(b"*", 0.0)))
    return weight > 0 and weight >= weights.get(b"identity", 0.0)


def _weight(parameter: bytes) -> float:
    if not parameter:
        return 1.0
    found = re.fullmatch(rb"q=([01](?:\.[0-9]{0,3})?)", parameter)
    return float(found[1]) if found else 0.0


def _may_be_coded(status: int, headers: Fields) -> bool:
    if status in _WITHOUT_BODY or status < 200:  # noqa: PLR2004  # the first status of an answer
        return False
    media_type = b""
    for name, value in headers:
        field = name.lower()
        if field in _WHOLE or (field == b"cache-control" and b"no-transform" in value.lower()):
            return False
        if field == b"content-type":
            media_type = value.partition(b";")[0].strip()
    return _TEXTS.fullmatch(media_type) is not None


def _varied(headers: Fields) -> Fields:
    """Return the fields of what caches keep for callers of one kind alone."""
    known = b",".join(value.lower() for name, value in headers if name.lower() == b"vary")
    names = {each.strip() for each in known.split(b",")}
    return headers if {b"accept-encoding", b"*"} & names else [*headers, (b"vary", b"Accept-Encoding")]


def _weak(field: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    """Return a field; a tag of other bytes than these is a weak one (RFC 9110 chapter 8.8.3.3)."""
    name, value = field
    return (name, b"W/" + value) if name.lower() == b"etag" and value.startswith(b'"') else field
