"""A unit's answer of a list in pages: how much of it is fetched, and where it goes on (docs/pagination.md)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from naftiko.engine.answer import FIRST_PAGE, JSON_MEDIA_TYPE, Answer, PagePlace
from naftiko.engine.head import head_of
from naftiko.engine.memory import SMALL
from naftiko.engine.paging.growing import Growing, Path, growing
from naftiko.engine.paging.merging import grown, headers_of, noted
from naftiko.engine.paging.pages import Page, Pages
from naftiko.engine.paging.told import Told, Wish
from naftiko.engine.request import dump_json
from naftiko.expression.scope import Scope
from naftiko.ground import jsontext
from naftiko.ground.types import ABSENT
from naftiko.plan.operation import Operation
from naftiko.plan.outputs import Outputs
from naftiko.plan.paging import Pager, Spot
from naftiko.plan.unit import UnitPlan

_POINTING: Final = frozenset({"link", "location"})


@dataclass(frozen=True, slots=True)
class PagesWanted:
    """What whoever gets an answer wants of a list in pages.

    Attributes:
        streams: whether it takes the list page by page.
        budget: characters of the answer; 0 for any number.
        start: where to begin.
    """

    streams: bool = False
    budget: int = 0
    start: PagePlace = FIRST_PAGE


STREAMED: Final = PagesWanted(streams=True)
"""The list as its pages come."""
_WHOLE: Final = PagesWanted()


@dataclass(slots=True)
class Listing:
    """One answer that is made of pages.

    Attributes:
        outputs: what it is made by.
        pager: how the pages are asked for.
        scope: of the call.
        wanted: by whom it is for.
        limit: how many items are wanted, or ``None``.
        lists: those of the answer that grow with the pages.
    """

    outputs: Outputs
    pager: Pager
    scope: Scope
    wanted: PagesWanted
    limit: int | None
    lists: tuple[Growing, ...]
    _size: int = field(default=0, init=False)

    @classmethod
    def of(
        cls, unit: UnitPlan, operation: Operation, scope: Scope, wanted: PagesWanted | None, limit: int | None
    ) -> Listing:
        """Return the listing of a unit's run."""
        pager = operation.pager
        if pager is None:
            raise ValueError(f"`{operation.key}` has no pages")
        wanted = wanted or _WHOLE
        lists = (
            () if unit.outputs.reads_head or unit.outputs.redact else growing(unit.outputs, pager.data)
        )  # of the whole
        return cls(unit.outputs, pager, scope, wanted, limit if limit is None else limit - wanted.start.taken, lists)

    @property
    def streams(self) -> bool:
        """Whether it can be written page by page: one list grows, and everything else can come behind it."""
        if not self.wanted.streams or len(self.lists) != 1:
            return False
        return all(isinstance(key, str) for key in self.lists[0].path)

    def wish(self) -> Wish:
        """Return what is wanted of the pages."""
        wanted, budget = self.wanted, self.wanted.budget if self.lists else 0
        enough = self._is_enough if budget else None
        return Wish(self.limit, wanted.start.state, wanted.start.skip, enough, budget or None)

    def _is_enough(self, document: Any, size: int) -> bool:
        """Tell whether the answer has grown to its budget; one that is long to make is not made to find that out."""
        if size > SMALL:
            return True
        made = self.outputs.build(document, self.scope)
        parts = [made] if not self._size else [Spot(each.path).of(made) for each in self.lists]
        self._size += sum(len(dump_json(None if part is ABSENT else part)) for part in parts)
        return self._size > self.wanted.budget

    async def begun(self, pages: Pages) -> Answer | httpx.Response:
        """Fetch the first page; return the answer that streams from it on, or it itself where it is all."""
        first = await pages.turn()
        if first is None or pages.is_whole:
            pages.tell()
            response = pages.plain if first is None else first.response
            return noted(response, pages.told) if response is not None else httpx.Response(204)
        told = pages.told
        headers = [pair for pair in head_of(_head(first, told)).useful if pair[0] not in _POINTING]
        answer = Answer(media_type=JSON_MEDIA_TYPE, headers=headers)
        answer.stream = _Stream(self, first, pages)
        return answer

    def made(self, document: Any) -> Any:
        """Return what the outputs make of a document."""
        return self.outputs.build(document, self.scope)

    def told(self, answer: Answer, response: httpx.Response) -> Answer:
        """Return an answer with what is told of its pages."""
        told = Told.of(response)
        if told is not None:
            answer.pages = _Placed(self, told, response)
        return answer


def _head(first: Page, told: Told) -> httpx.Response:
    return httpx.Response(200, headers=headers_of(first.response, told))


@dataclass(frozen=True, slots=True)
class _Placed:
    """What is told of the pages that an answer is made of, and where its lists go on."""

    listing: Listing
    told: Told
    response: httpx.Response

    @property
    def grown(self) -> Sequence[Path]:
        """The paths of the lists that grow with the pages."""
        return [each.path for each in self.listing.lists]

    @property
    def goes_on(self) -> bool:
        """Whether the list goes on behind what is here, and no limit was what ended it."""
        limit = self.listing.limit
        return self.told.next is not None and not (limit is not None and self.told.items >= limit)

    @property
    def start(self) -> PagePlace:
        """Where the pages begin that it is made of."""
        return self.listing.wanted.start

    def place(self, path: Path, kept: int) -> tuple[PagePlace, int] | None:
        """Return where a list goes on behind so many of its items; see ``naftiko.engine.answer.PagedAnswer``."""
        found = next((each for each in self.listing.lists if each.path == path), None)
        if found is None:
            return None
        told, at, taken = self.told, 0, self.start.taken
        counts = [size for _, size in told.marks] if found.is_even else self._counts(found)
        for number, ((state, size), count) in enumerate(zip(told.marks, counts, strict=True)):
            begun = 0 if number else told.begun
            if kept < at + count:
                inside = kept - at
                if found.is_even:
                    return PagePlace(state, begun + inside, taken + inside), 0
                return PagePlace(state, begun, taken), inside
            at += count
            taken += size
        return None if told.next is None else (PagePlace(*told.next, taken), 0)

    def _counts(self, found: Growing) -> list[int]:
        """Return how many items of a list come of each page."""
        listing, spot = self.listing, Spot(found.path)
        document = jsontext.read(self.response.content)
        items, at, counts = listing.pager.data.of(document), 0, []
        for _, size in self.told.marks:
            document = listing.pager.data.put(document, items[at : at + size])
            made = spot.of(listing.made(document))
            counts.append(len(made) if isinstance(made, list) else 0)
            at += size
        return counts


class _Stream:
    """The content of a list that is written page by page: the list, and behind it everything else."""

    def __init__(self, listing: Listing, first: Page, pages: Pages) -> None:
        self._listing = listing
        self._first = first
        self._pages = pages

    @property
    def note(self) -> str:
        """What is missing at its end."""
        return self._pages.told.note

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the content."""
        listing, first = self._listing, self._first
        path = listing.lists[0].path
        opening = b"".join(b"{" + dump_json(key) + b":" for key in path) + b"["
        page: Page | None = first
        last, is_empty = first, True
        while page is not None:
            last, found = page, Spot(path).of(listing.made(page.document))
            piece = dump_json(found)[1:-1] if isinstance(found, list) else b""
            if opening or piece:
                yield opening + (b"" if is_empty or not piece else b",") + piece
            opening, is_empty = b"", is_empty and not piece
            page = await self._pages.turn()
        self._pages.tell()
        whole = listing.made(grown(listing.pager, first, [], last))
        yield b"]" + b"".join(_rest(whole, path[: len(path) - depth]) for depth in range(len(path)))


def _rest(whole: Any, path: Path) -> bytes:
    """Return the end of an object whose first member is written already: that of the last key of a path."""
    holder, last = Spot(path[:-1]).of(whole), path[-1]
    rest = {key: value for key, value in holder.items() if key != last} if isinstance(holder, dict) else {}
    return (b"," + dump_json(rest)[1:-1] if rest else b"") + b"}"
