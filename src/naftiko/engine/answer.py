"""The answer of a unit: what REST writes and MCP shows (SEMANTICS 5)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from naftiko.engine.head import UpstreamLinks
from naftiko.ground import jsontext
from naftiko.ground.errors import CallError
from naftiko.ground.types import ABSENT
from naftiko.plan.paging import State

if TYPE_CHECKING:
    from naftiko.engine.paging.told import Told

JSON_MEDIA_TYPE = "application/json"


class PagePlace(NamedTuple):
    """Where a list in pages is begun.

    Attributes:
        state: what tells the page from others; ``None`` for the first one.
        skip: how many of its items are left out.
        taken: how many items of the list come before.
    """

    state: State = None
    skip: int = 0
    taken: int = 0


FIRST_PAGE: Final = PagePlace()
"""The beginning."""


class PagedAnswer(Protocol):
    """What is told of the pages that an answer is made of."""

    @property
    def told(self) -> Told:
        """How far they go."""
        ...

    @property
    def goes_on(self) -> bool:
        """Whether the list goes on behind what is here, and no limit was what ended it."""
        ...

    @property
    def start(self) -> PagePlace:
        """Where the pages begin that it is made of."""
        ...

    def place(self, path: tuple[str | int, ...], kept: int) -> tuple[PagePlace, int] | None:
        """Return where a list of the answer goes on behind so many of its items.

        Returns:
            where to begin, and how many items of the list that is made from there are left out; ``None``: the list at
            this path doesn't grow with the pages, or nothing comes after it.
        """
        ...

    @property
    def grown(self) -> Sequence[tuple[str | int, ...]]:
        """The paths of the lists that grow with the pages."""
        ...


class AnswerStream(Protocol):
    """The content of an answer that comes in pieces."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the pieces."""
        ...

    @property
    def note(self) -> str:
        """What is said of it at its end, ``""`` for nothing."""
        ...


class Answer:
    """An answer.

    Where nothing needs changing the upstream's bytes are the answer and nothing is parsed until somebody asks for
    ``value``.

    Attributes:
        status: the HTTP status for REST.
        media_type: of ``content``; also of the one that the answer to a HEAD only tells of.
        headers: the upstream's useful ones, such as ``ETag`` and ``Link``.
        links: the URLs that the upstream's answer points to, or ``None``.
        modified: the ``Last-Modified`` of the document that a mapped answer is made of, or ``None``.
        length: of the content that the answer to a HEAD only tells of, or ``None``.
        pages: of a list in pages: how far it goes, and where it goes on.
        stream: the content of a list that comes page by page, in the place of ``content``.
        unreadable: why only whoever knows its ``Content-Encoding`` can read it, or ``None``.
    """

    __slots__ = (
        "_content",
        "_decode",
        "_dump",
        "_value",
        "headers",
        "length",
        "links",
        "media_type",
        "modified",
        "pages",
        "status",
        "stream",
        "unreadable",
    )

    def __init__(
        self,
        *,
        status: int = 200,
        content: bytes | None = None,
        media_type: str | None = None,
        value: Any = ABSENT,
        decode: Callable[[bytes], Any] | None = None,
        dump: Callable[[Any], bytes] | None = None,
        headers: Sequence[tuple[str, str]] = (),
        unreadable: CallError | None = None,
    ) -> None:
        self.status = status
        self.media_type = media_type
        self.headers = headers
        self.length: int | None = None
        self.modified: str | None = None
        self.links: UpstreamLinks | None = None
        self.pages: PagedAnswer | None = None
        self.stream: AnswerStream | None = None
        self.unreadable = unreadable
        self._content = content
        self._value = value
        self._decode = decode
        self._dump = dump

    @property
    def is_made(self) -> bool:
        """Whether its bytes are made here, and not an upstream's."""
        return self._dump is not None

    @property
    def has_content(self) -> bool:
        """Whether there is anything: 204, 304 and empty bodies have none."""
        return bool(self._content) or self._value is not ABSENT

    @property
    def content(self) -> bytes:
        """The bytes of the answer; ``b""`` for no content.

        Raises:
            UpstreamBroken: it is unreadable.
        """
        if self.unreadable is not None:
            raise self.unreadable
        return self.sent

    @property
    def sent(self) -> bytes:
        """The bytes of the answer for a caller who gets its headers too, and so knows what codes them."""
        if self._content is None:
            self._content = b"" if self._value is ABSENT or self._dump is None else self._dump(self._value)
        return self._content

    @property
    def value(self) -> Any:
        """The decoded answer; ``None`` for no content, ``bytes`` for what no format decodes.

        Raises:
            UpstreamBroken: the bytes are not what their format says.
        """
        if self.unreadable is not None:
            raise self.unreadable
        if self._value is ABSENT:
            if not self._content:
                return None
            self._value = self._content if self._decode is None else self._decode(self._content)
        return self._value

    def __reduce__(self) -> tuple[Any, ...]:
        """An answer goes to another process as its bytes, which are JSON where it was a value."""
        kept = {name: getattr(self, name) for name in ("length", "links", "modified", "unreadable")}
        kept["_content"] = self.sent
        kept["_dump"] = self._dump
        kept["_decode"] = _read_json if self._decode is not None or self._dump is not None else None
        return _made_again, (self.status, self.media_type, list(self.headers), kept)

    def __repr__(self) -> str:
        size = "" if self._content is None else f", {len(self._content)} bytes"
        return f"<Answer {self.status} {self.media_type or 'no content'}{size}>"


def _made_again(
    status: int, media_type: str | None, headers: Sequence[tuple[str, str]], kept: Mapping[str, Any]
) -> Answer:
    made = Answer(status=status, media_type=media_type, headers=headers)
    for name, value in kept.items():
        setattr(made, name, value)
    return made


def _read_json(content: bytes) -> Any:
    return jsontext.read(content)
