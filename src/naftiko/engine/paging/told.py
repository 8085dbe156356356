"""What is told of a list that was fetched in pages: how far it goes, where it goes on, and what is missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx

from naftiko.ground import jsontext
from naftiko.ground.http import structured
from naftiko.plan.paging import State

PAGES: Final = "naftiko.pages"
"""The extension of an answer that is made of pages: what is told of them, as JSON."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a call wants of a list in pages.

    Attributes:
        limit: how many items at most; ``None``: as many as the bounds allow.
        start: the page to begin with, ``None`` for the first one.
        skip: how many of that page's items are known already.
        enough: tells of each page's document, and of its size in bytes, whether no more of them are wanted; ``None``:
            the bounds decide.
        size: bytes of pages that are enough; the same where nobody can be asked.
    """

    limit: int | None = None
    start: State = None
    skip: int = 0
    enough: Callable[[Any, int], bool] | None = None
    size: int | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """What can be asked stays in this process."""
        return Wish, (self.limit, self.start, self.skip, None, self.size)


EVERYTHING: Final = Wish()
"""All that the bounds allow."""


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of the pages of an answer.

    Attributes:
        pages: how many there are.
        items: how many items the list has.
        marks: what tells each page from the others, with how many of its items are in the list.
        begun: how many items of the first of these pages were left out, being known already.
        next: the page where the list goes on, and how many of its items are in it already; ``None``: nowhere.
        reason: why the list ends before its end, or ``""``: ``max-pages``, ``max-items``, ``max-bytes``, ``max-time``,
            ``failed``, ``other-origin``, ``loop``, ``no-cursor``.
        detail: the same for people.
        retry_after: seconds after which the next page may be asked for, or ``None``.
    """

    pages: int
    items: int
    marks: Sequence[tuple[State, int]]
    begun: int = 0
    next: tuple[State, int] | None = None
    reason: str = ""
    detail: str = ""
    retry_after: float | None = None

    @classmethod
    def of(cls, response: httpx.Response) -> Told | None:
        """Return what an answer says of its pages; ``None`` of one without pages."""
        said = response.extensions.get(PAGES)
        if said is None:
            return None
        pages, items, marks, begun, following, reason, detail, retry_after = jsontext.read(said)
        where = None if following is None else (following[0], following[1])
        return cls(pages, items, [(state, size) for state, size in marks], begun, where, reason, detail, retry_after)

    def written(self) -> bytes:
        """Return it as an extension of an answer has it."""
        said = [self.pages, self.items, [*map(list, self.marks)], self.begun, self.next and [*self.next]]
        return jsontext.write([*said, self.reason, self.detail, self.retry_after])

    @property
    def note(self) -> str:
        """It as an item with parameters (RFC 9651), ``""`` where nothing is missing."""
        if not self.reason:
            return ""
        detail = structured(self.detail)
        wait = "" if self.retry_after is None else f";retry-after={max(0, round(self.retry_after))}"
        return f"incomplete;reason={self.reason};pages={self.pages};items={self.items};detail={detail}{wait}"
