"""From the bytes of a stream to its items: server-sent events, JSON lines and JSON text sequences, as they come.

A framer is fed what comes, in whatever pieces, and gives what is complete. What it keeps is bounded by ``LARGEST``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from naftiko.ground import jsontext

LARGEST: Final = 1024 * 1024
"""Bytes of one item."""
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_RECORD: Final = b"\x1e"
_DONE: Final = b"[DONE]"
_NO_EVENT: Final = b"\x00"


class BrokenStream(ValueError):
    """A stream is not what it should be; the text completes "the stream"."""


@dataclass(slots=True)
class Frame:
    """An item that is not read yet.

    Attributes:
        data: its text, UTF-8.
        event: the name of the event, ``""`` for none.
        identity: its id, likewise.
        size: its bytes on the wire.
        is_last: whether it says that nothing comes any more, and is no item.
    """

    data: bytes
    event: str = ""
    identity: str = ""
    size: int = 0
    is_last: bool = False


class Framer(Protocol):
    """What tells items apart."""

    def feed(self, piece: bytes) -> Iterator[Frame]:
        """Take a piece; yield the items that are complete.

        Raises:
            BrokenStream: an item is larger than ``LARGEST``, among others.
        """
        ...

    def rest(self) -> Iterator[Frame]:
        """Yield what the end of the stream completes."""
        ...


class _Lines:
    """Lines of what comes in pieces, none of them longer than an item may be."""

    def __init__(self, separator: bytes = b"\n") -> None:
        self._separator = separator
        self._begun = bytearray()

    def feed(self, piece: bytes) -> Iterator[bytes]:
        at = 0
        while (end := piece.find(self._separator, at)) >= 0:
            self._grow(piece[at:end])
            line = bytes(self._begun)
            self._begun.clear()
            at = end + 1
            yield line
        self._grow(piece[at:] if at else piece)

    def _grow(self, part: bytes) -> None:
        if len(self._begun) + len(part) > LARGEST:
            raise BrokenStream(f"has an item of more than {LARGEST:,} bytes")
        self._begun += part

    def rest(self) -> bytes:
        return bytes(self._begun)

    def clear(self) -> None:
        self._begun.clear()

    @property
    def has_one_line(self) -> bool:
        return self._begun.find(b"\n") == len(self._begun) - 1


class Events:
    """Server-sent events (the WHATWG's HTML standard, 9.2.6); ``data: [DONE]``, as APIs of models have it, ends them.

    Lines end with CR, LF or both. What the end of a stream leaves incomplete is no event.
    """

    def __init__(self) -> None:
        self._lines = _Lines()
        self._is_begun = False
        self._skips_lf = False
        self._clear()

    def _clear(self) -> None:
        self._data: list[bytes] = []
        self._event = self._identity = ""
        self._size = self._held = 0

    def feed(self, piece: bytes) -> Iterator[Frame]:
        """Take a piece; yield the events that are complete."""
        if self._skips_lf and piece:
            piece = piece.removeprefix(b"\n")
            self._skips_lf = False
        if b"\r" in piece:
            self._skips_lf = piece.endswith(b"\r")
            piece = piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        for line in self._lines.feed(piece):
            if not self._is_begun:
                self._is_begun, line = True, line.removeprefix(_BYTE_ORDER_MARK)  # noqa: PLW2901  # at the very first
            self._size += len(line) + 1
            if line:
                self._field(line)
            else:
                frame = self._dispatched()
                if frame is not None:
                    yield frame

    def _field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._held += len(value) + 1
            if self._held > LARGEST:
                raise BrokenStream(f"has an item of more than {LARGEST:,} bytes")
            self._data.append(value)
        elif name == b"event":
            self._event = value.decode("utf-8", "replace")
        elif name == b"id" and _NO_EVENT not in value:
            self._identity = value.decode("utf-8", "replace")

    def _dispatched(self) -> Frame | None:
        frame = None
        if self._data:
            data = b"\n".join(self._data)
            frame = Frame(data, self._event, self._identity, self._size, is_last=data == _DONE)
        self._clear()
        return frame

    def rest(self) -> Iterator[Frame]:
        """Yield nothing: an event without its empty line is none."""
        yield from ()


class JsonLines:
    """A JSON text a line; empty lines keep a connection alive, and are none."""

    def __init__(self) -> None:
        self._lines = _Lines()
        self._is_begun = False

    def feed(self, piece: bytes) -> Iterator[Frame]:
        """Take a piece; yield the texts of the lines that are complete."""
        for line in self._lines.feed(piece):
            yield from self._frames(line)

    def _frames(self, line: bytes) -> Iterator[Frame]:
        if not self._is_begun:
            self._is_begun, line = True, line.removeprefix(_BYTE_ORDER_MARK)
        text = line.strip()
        if text:
            yield Frame(text, size=len(line) + 1)

    def rest(self) -> Iterator[Frame]:
        """Yield the last line, which need not end."""
        yield from self._frames(self._lines.rest())


class JsonSequence:
    """JSON texts, each behind a record separator (RFC 7464).

    One is complete when the next begins. So is one on a line of its own, when that ends: nobody waits for the next one.
    """

    def __init__(self) -> None:
        self._records = _Lines(_RECORD)

    def feed(self, piece: bytes) -> Iterator[Frame]:
        """Take a piece; yield the texts that are complete."""
        for record in self._records.feed(piece):
            yield from self._frames(record)
        if piece.endswith(b"\n") and self._records.has_one_line and _is_json(self._records.rest()):
            yield from self.rest()
            self._records.clear()

    def _frames(self, record: bytes) -> Iterator[Frame]:
        text = record.strip()
        if text:
            yield Frame(text, size=len(record) + 1)

    def rest(self) -> Iterator[Frame]:
        """Yield the last text."""
        yield from self._frames(self._records.rest())


def _is_json(text: bytes) -> bool:
    try:
        jsontext.read(text)
    except ValueError:
        return False
    return True


class Document:
    """One JSON document, all of it: what an API answers that was asked for no stream."""

    def __init__(self) -> None:
        self._body = _Lines(b"\x00")

    def feed(self, piece: bytes) -> Iterator[Frame]:
        """Take a piece."""
        for _ in self._body.feed(piece):
            raise BrokenStream("is no JSON: it has a zero byte")
        yield from ()

    def rest(self) -> Iterator[Frame]:
        """Yield the document."""
        body = self._body.rest().removeprefix(_BYTE_ORDER_MARK)
        if body.strip():
            yield Frame(body, size=len(body))
