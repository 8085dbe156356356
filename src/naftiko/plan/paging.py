"""How the pages of a list are asked for, and where answers have what belongs to a page (docs/pagination.md)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from naftiko.ground.types import ABSENT

State: TypeAlias = Any
"""What tells one page from another, as JSON has it: a cursor, an offset, a number, a key or a link; ``None``: the
first one."""

MAX_PAGES: Final = 20
MAX_ITEMS: Final = 1000
MAX_BYTES: Final = 5 * 1024 * 1024
LIMIT: Final = "limit"
"""The input of a unit that says how many items are wanted."""


@dataclass(frozen=True, slots=True)
class Spot:
    """One place in a document: the keys and indexes that lead there; none of them is the document itself."""

    keys: tuple[str | int, ...]
    text: str = ""

    def of(self, document: Any) -> Any:
        """Return what is there, or ABSENT."""
        for key in self.keys:
            try:
                document = document[key]
            except (KeyError, IndexError, TypeError):
                return ABSENT
        return document

    def put(self, document: Any, value: Any) -> Any:
        """Put a value there, ABSENT to take away what is there; return the document, which is another for no keys.

        Where the way doesn't lead there nothing happens.
        """
        if not self.keys:
            return document if value is ABSENT else value
        holder, last = Spot(self.keys[:-1]).of(document), self.keys[-1]
        if isinstance(holder, dict) and isinstance(last, str):
            if value is ABSENT:
                holder.pop(last, None)
            else:
                holder[last] = value
        elif isinstance(holder, list) and isinstance(last, int) and -len(holder) <= last < len(holder):
            holder[last] = None if value is ABSENT else value
        return document


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is fetched for one call.

    Attributes:
        size: bytes of the pages' bodies together.
        seconds: from the beginning of the first page on; ``None``: what an exchange with the API may take.
    """

    pages: int = MAX_PAGES
    items: int = MAX_ITEMS
    size: int = MAX_BYTES
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Pager:
    """The pages of an operation.

    Attributes:
        style: ``cursor``, ``offset``, ``page-number``, ``link-header``, ``link-body`` or ``keyset``.
        place: where the parameters travel: ``query``, ``body`` or ``header``.
        param: the one that tells pages apart; ``""`` where a link does.
        limit_param: the one with the size of a page, or ``""``.
        limit_value: the size of a page, or ``None``.
        start_page: the number of the first page, or ``None`` where the file doesn't say it: 1, and not sent.
        data: where the list is.
        next: where the cursor or the link to the next page is.
        more: where it is said whether there are more pages.
        total: where the number of all items, or of all pages, is.
        key: where an item has its key.
        bounds: how much is fetched for one call.
        level: where the file declares it: ``operation``, ``resource`` or ``api``.
    """

    style: str
    data: Spot
    place: str = "query"
    param: str = ""
    limit_param: str = ""
    limit_value: int | None = None
    start_page: int | None = None
    next: Spot | None = None
    more: Spot | None = None
    total: Spot | None = None
    key: Spot | None = None
    bounds: Bounds = field(default_factory=Bounds)
    level: str = "operation"

    @property
    def hidden(self) -> frozenset[tuple[str, str]]:
        """The parameters that are nobody's input unless the file maps them: place and name."""
        return frozenset((self.place, name) for name in (self.param, self.limit_param) if name)

    @property
    def carried(self) -> tuple[Spot, ...]:
        """What the merged document has as the last page had it."""
        return tuple(spot for spot in (self.next, self.more, self.total) if spot is not None)

    def described(self) -> dict[str, Any]:
        """Return it as ``inspect`` shows it, without what is not said."""
        bounds = self.bounds
        said = {
            "type": self.style,
            "parameter": self.param,
            "in": self.place if self.param else None,
            "list": self.data.text or "$",
            "limit": self.limit_value,
            "pages": bounds.pages,
            "items": bounds.items,
            "bytes": bounds.size,
            "seconds": bounds.seconds,
        }
        return {key: value for key, value in said.items() if value not in (None, "")}
