"""A request as it is written (RFC 9112, 2 to 6)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Final

import httpx

import naftiko
from naftiko.engine.transport.content_coding import ACCEPT_ENCODING
from naftiko.engine.transport.http11.origin import split
from naftiko.engine.transport.message import Pairs, address_of, raw_headers, refuse_unsendable
from naftiko.ground.http import CONTROLS, TOKEN, is_token

_USER_AGENT: Final = b"User-Agent: naftiko/" + naftiko.__version__.encode("ascii")
_DECODED: Final = b"Accept-Encoding: " + ACCEPT_ENCODING.encode("ascii")
_WITHOUT_BODY: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""Methods of which nobody expects a body; the others say that theirs is empty (RFC 9110, 8.6)."""
_FRAMING: Final = (b"content-length:", b"transfer-encoding:")
_WITH_THE_HEAD: Final = 64 * 1024
"""A body of at most so many bytes is written together with the head."""

_PIECE: Final = 128 * 1024
"""Bytes of a long body that are written at once, so that other calls get their turn."""


class Outgoing:
    """A request, ready to be written.

    Attributes:
        method: its method.
        origin: where it goes.
        first: its head, with its body where that is short.
        rest: the body, where it is not.
        source: the pieces of a body that comes while it is sent.
        length: how many bytes ``source`` gives, ``None`` where nobody knows, and they go in chunks (RFC 9112, 7.1).
        closes: whether it asks for the end of the connection (RFC 9112, 9.6).
    """

    __slots__ = ("closes", "first", "length", "method", "origin", "rest", "source")

    def __init__(self, request: httpx.Request) -> None:
        """Take a request.

        Raises:
            ValueError: a method or a header that can't be sent as it is.
            httpx.UnsupportedProtocol, httpx.InvalidURL: its URL leads nowhere.
        """
        self.method = request.method
        if self.method not in _WITHOUT_BODY and not is_token(self.method):
            raise ValueError(f"the method {self.method[:40]!r} is no token")
        authority, target = split(address_of(request))
        self.origin = authority.origin
        pairs = raw_headers(request)
        named = {name.lower(): value for name, value in pairs}
        lines = _lines(pairs, named, authority.place)
        if authority.credential and b"authorization" not in named:
            lines.append(b"Authorization: " + authority.credential)
        body = self._take_body(request, pairs, named)
        lines += self._framing(body, named)
        self.closes = b"connection" in named and b"close" in named[b"connection"].lower()
        head = f"{self.method} {target} HTTP/1.1\r\n".encode("ascii") + b"\r\n".join(lines) + b"\r\n\r\n"
        if len(body) <= _WITH_THE_HEAD:
            self.first, self.rest = head + body, b""
        else:
            self.first, self.rest = head, body

    @property
    def is_whole(self) -> bool:
        """Whether it is here to be sent once more, and does not come in pieces that are gone then."""
        return self.source is None

    async def body(self) -> AsyncGenerator[bytes | memoryview]:
        """Give what is to be written behind ``first``.

        Raises:
            ValueError: the source gives more or less than the length that is told of it.
            Exception: what the source raises.
        """
        if self.source is None:
            view = memoryview(self.rest)
            for at in range(0, len(view), _PIECE):
                yield view[at : at + _PIECE]
        elif self.length is None:
            async for piece in self.source:
                if piece:  # an empty chunk would be the last
                    yield b"%x\r\n%b\r\n" % (len(piece), piece)
            yield b"0\r\n\r\n"
        else:
            left = self.length
            async for piece in self.source:
                left -= len(piece)
                if left < 0:
                    raise ValueError("the body is longer than its Content-Length")
                yield piece
            if left:
                raise ValueError("the body is shorter than its Content-Length")

    def _take_body(self, request: httpx.Request, pairs: Pairs, named: dict[bytes, bytes]) -> bytes:
        """Return the body that is here already; what comes later is kept in ``source``."""
        stream = request.stream
        self.source: AsyncIterator[bytes] | None = None
        self.length: int | None = None
        if isinstance(stream, httpx.ByteStream):
            return b"".join(stream)
        if not isinstance(stream, httpx.AsyncByteStream):
            raise TypeError("a request body must be bytes or an async iterator of bytes")
        self.source = aiter(stream)
        if b"content-length" in named:
            self.length = _told_length([value for name, value in pairs if name.lower() == b"content-length"])
        return b""

    def _framing(self, body: bytes, named: dict[bytes, bytes]) -> list[bytes]:
        """Return the lines that say where the body ends (RFC 9112, 6); those that were given are left out before."""
        if self.source is not None:
            return [b"Transfer-Encoding: chunked" if self.length is None else b"Content-Length: %d" % self.length]
        if body or self.method not in _WITHOUT_BODY or b"content-length" in named:
            return [b"Content-Length: %d" % len(body)]
        return []


def _lines(pairs: Pairs, named: dict[bytes, bytes], place: bytes) -> list[bytes]:
    """Return the lines of the head in the order of the headers, ``Host`` first (RFC 9110, 7.2), without the framing.

    Raises:
        ValueError: as from ``refuse_unsendable``.
    """
    lines = [b": ".join(pair) for pair in pairs]
    if b"content-length" in named or b"transfer-encoding" in named:
        lines = [line for line in lines if not line.lower().startswith(_FRAMING)]
    text = b"".join(lines)
    is_plain = text.isascii() and len(text.translate(None, CONTROLS)) == len(text) and b"" not in named
    if not is_plain or b"".join(named).translate(None, TOKEN):
        refuse_unsendable(pairs)
    if not lines or lines[0][:5].lower() != b"host:" or len(named) != len(pairs):
        lines = [line for line in lines if line[:5].lower() != b"host:"]
        lines.insert(0, b"Host: " + named.get(b"host", place))
    if b"user-agent" not in named:
        lines.append(_USER_AGENT)
    if b"accept-encoding" not in named:
        lines.append(_DECODED)
    return lines


def _told_length(values: Sequence[bytes]) -> int:
    """Return the length that is told of a body that comes in pieces.

    Raises:
        ValueError: it is no number, or is told twice and in two ways.
    """
    told = set(values)
    value = told.pop()
    if told or not value.isdigit():
        raise ValueError("the header 'Content-Length' is no number of bytes")
    return int(value)
