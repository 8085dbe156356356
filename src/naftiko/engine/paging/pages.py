"""The pages of one call, fetched one by one as they are wanted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

import httpx

from naftiko.engine.head import head_of, retry_after
from naftiko.engine.paging.asking import given, page_request
from naftiko.engine.paging.following import Next, Seen, following
from naftiko.engine.paging.told import EVERYTHING, Told, Wish
from naftiko.engine.sending import NOTE, Outgoing, Send
from naftiko.ground.durations import written
from naftiko.ground.errors import CallError
from naftiko.ground.types import ABSENT
from naftiko.observe.observer import PolicyAct
from naftiko.plan.paging import Pager, State

Decode: TypeAlias = Callable[[httpx.Response], Awaitable[Any]]
"""Reads the document of an answer; raises a ``CallError`` for one that can't be read."""
_FIRST_WRONG: Final = 300
_TOO_MANY: Final = 429


@dataclass(frozen=True, slots=True)
class Ways:
    """How the pages of an operation are fetched.

    Attributes:
        pager: how they are asked for.
        send: sends the request of one page, by way of the policies.
        decode: reads its document.
        seconds: that all of them may take.
        credentials: names in the query that our credential has.
        redact: hides secrets in what is told.
        acted: is told what came of the pages, or ``None``.
    """

    pager: Pager
    send: Send
    decode: Decode
    seconds: float
    credentials: tuple[str, ...] = ()
    redact: Callable[[str], str] = str
    acted: Callable[[PolicyAct], None] | None = None


@dataclass(slots=True)
class Page:
    """A page, its list without what isn't wanted of it.

    Attributes:
        document: what it holds.
        items: its list.
        response: the answer that it is.
    """

    document: Any
    items: list[Any]
    response: httpx.Response


class Pages:
    """The pages of one call.

    Args:
        ways: how they are fetched.
        outgoing: the operation's own request.
        wish: what is wanted of them.

    Attributes:
        plain: the first answer, where it is none that has pages: an error, an empty one, one without the list.
        plain_document: what it holds, or ABSENT.
        is_whole: whether the first page is all that there is, and as it came.
    """

    def __init__(self, ways: Ways, outgoing: Outgoing, wish: Wish = EVERYTHING) -> None:
        self._ways = ways
        self._pager = ways.pager
        self._outgoing = outgoing
        self._wish = wish
        self._until = asyncio.get_running_loop().time() + ways.seconds
        self._next = Next(wish.start)
        self._where: tuple[State, int] | None = None
        self._marks: list[tuple[State, int]] = []
        self._known: set[str] = set()
        self._before = b""
        self._number = self._first_number()
        self._bytes = 0
        self._items = 0
        self._is_over = False
        self._reason = ""
        self._detail = ""
        self._retry_after: float | None = None
        self._size = self._page_size()
        self.plain: httpx.Response | None = None
        self.plain_document: Any = ABSENT
        self.is_whole = False

    @property
    def told(self) -> Told:
        """What is told of the pages so far."""
        marks = self._marks
        return Told(
            pages=len(marks),
            items=self._items,
            marks=marks,
            begun=self._wish.skip,
            next=self._where,
            reason=self._reason,
            detail=self._detail,
            retry_after=self._retry_after,
        )

    def tell(self) -> None:
        """Tell an observer what came of them, where it is more than a page that is all."""
        acted, outgoing, count = self._ways.acted, self._outgoing, len(self._marks)
        if acted is None or not (count > 1 or self._reason):
            return
        goes_on = f"; it ends early: {self._detail}" if self._reason else "; it goes on" if self._where else ""
        said = f"{count} {'page' if count == 1 else 'pages'}, {self._items:,} items{goes_on}"
        outcome = "incomplete" if self._reason else "fetched"
        acted(PolicyAct("pagination", outcome, outgoing.upstream.plan.namespace, outgoing.operation, said))

    def _first_number(self) -> int:
        pager, wish = self._pager, self._wish
        if pager.style not in {"offset", "page-number"}:
            return 0
        first = 0 if pager.style == "offset" else 1 if pager.start_page is None else pager.start_page
        said = given(self._outgoing.draft, pager.place, pager.param) if wish.start is None else wish.start
        try:
            return first if said is None else int(said)
        except (TypeError, ValueError):
            return first

    def _page_size(self) -> int | None:
        """Return how many items a page is asked for: no more than are wanted."""
        pager, size = self._pager, self._pager.limit_value
        said = given(self._outgoing.draft, pager.place, pager.limit_param) if pager.limit_param else None
        try:
            size = size if said is None else int(said)
        except (TypeError, ValueError):
            size = None
        wanted = self._wanted()
        changes = size is not None and said is None and self._wish.start is None and pager.style != "page-number"
        return min(size, wanted) if changes and size is not None else size

    def _wanted(self) -> int:
        bound = self._pager.bounds.items
        return bound if self._wish.limit is None else min(bound, max(self._wish.limit, 1))

    async def turn(self) -> Page | None:
        """Return the next page; ``None`` where no more is wanted, or there is none.

        Raises:
            CallError: of the first page; what happens to a later one is told.
        """
        if self._is_over:
            return None
        if not self._marks:
            return await self._first()
        if self._is_bounded():
            return None
        try:
            async with asyncio.timeout_at(self._until):
                response = await self._fetched(self._next.state)
                document = await self._ways.decode(response) if self._is_good(response) else None
        except TimeoutError:
            self._end("max-time", f"the pages took longer than {written(self._ways.seconds)}")
        except CallError as error:
            self._retry_after = error.retry_after
            self._end("failed", f"page {len(self._marks) + 1}: {self._ways.redact(error.detail)}")
        return None if self._is_over else self._taken(document, response)

    async def _first(self) -> Page | None:
        response = await self._fetched(self._next.state)
        if response.status_code >= _FIRST_WRONG or not response.content:
            self._plain(response)
            return None
        document = await self._ways.decode(response)
        if self._listed(document) is None:
            self._plain(response)
            self.plain_document = document
            return None
        return self._taken(document, response)

    def _plain(self, response: httpx.Response) -> None:
        self._is_over = True
        self.plain = response

    def _is_good(self, response: httpx.Response) -> bool:
        """Tell whether a later page is one, and why not; what stands in for a page of a list is none of it."""
        if any(name == NOTE and value.startswith("fallback") for name, value in head_of(response).useful):
            self._end("failed", f"page {len(self._marks) + 1}: the API failed, and its fallback is no page of the list")
            return False
        if response.status_code < _FIRST_WRONG and response.content:
            return True
        self._retry_after = retry_after(response)
        said = f"the upstream answered {response.status_code}"
        if response.status_code < _FIRST_WRONG:
            said += " without content"
        elif response.status_code == _TOO_MANY:
            said += ", too many calls"
        self._end("failed", f"page {len(self._marks) + 1}: {said}")
        return False

    async def _fetched(self, state: State) -> httpx.Response:
        ways, outgoing = self._ways, self._outgoing
        draft = page_request(outgoing.draft, self._pager, state, self._size, [*ways.credentials])
        mapped = outgoing.mapped if state is None or self._pager.param else ()
        return await ways.send(replace(outgoing, draft=draft, mapped=mapped, attempts=0))

    def _listed(self, document: Any) -> list[Any] | None:
        """Return the list of a page; ``None`` where there is none."""
        found = self._pager.data.of(document)
        if isinstance(found, list):
            return found
        return [] if found is None or self._marks else None

    def _taken(self, document: Any, response: httpx.Response) -> Page | None:
        """Return a page that came, and note what comes after it."""
        came = self._listed(document) or []
        if self._is_repeated(came, response):
            self._where = None
            self._end()
            return None
        state, is_first = self._next.state, not self._marks
        seen = Seen(document, came, response, state, self._number, self._size, self._origin(response))
        after = following(self._pager, seen)
        items = came[self._wish.skip :] if is_first else came
        kept = items[: self._wanted() - self._items]
        document = self._pager.data.put(document, kept)
        self._marks.append((state, len(kept)))
        self._items += len(kept)
        self._bytes += len(response.content)
        self._known.add(_key(state))
        if len(kept) < len(items):
            self._where = (state, len(came) - len(items) + len(kept))
            self._end()
            if self._wish.limit is None or self._wish.limit > self._pager.bounds.items:
                self._end("max-items", f"more than {self._pager.bounds.items:,} items")
        else:
            self._go_on(after)
        if not self._is_over and self._is_enough(document, len(response.content)):
            self._end()
        self.is_whole = is_first and self._is_over and len(kept) == len(came)
        return Page(document, kept, response)

    def _is_enough(self, document: Any, size: int) -> bool:
        wish = self._wish
        if wish.limit is not None and self._items >= wish.limit:
            return True
        if wish.enough is not None:
            return wish.enough(document, size)
        return wish.size is not None and self._bytes >= wish.size

    def _go_on(self, after: Next) -> None:
        """Note what comes after a page that is taken whole."""
        self._next = after
        if after.state is None:
            self._where = None
            self._end(after.reason, after.detail)
        elif _key(after.state) in self._known:
            self._where = None
            self._end("loop", "the API leads back to a page that it gave before")
        else:
            self._where = (after.state, 0)
            if self._pager.style in {"offset", "page-number"}:
                self._number = int(after.state)

    def _is_repeated(self, came: list[Any], response: httpx.Response) -> bool:
        """Tell whether an API gives its last page for every number behind it."""
        before, self._before = self._before, response.content
        return bool(came) and self._pager.style in {"offset", "page-number"} and before == response.content

    def _origin(self, response: httpx.Response) -> httpx.URL:
        try:
            return httpx.URL(self._outgoing.draft.url)
        except httpx.InvalidURL:
            return response.request.url

    def _is_bounded(self) -> bool:
        """Tell whether a bound is reached, and which."""
        bounds = self._pager.bounds
        if len(self._marks) >= bounds.pages:
            self._end("max-pages", f"more than {bounds.pages} pages")
        elif self._items >= bounds.items:
            self._end("max-items", f"more than {bounds.items:,} items")
        elif self._bytes >= bounds.size:
            self._end("max-bytes", f"more than {bounds.size:,} bytes")
        elif asyncio.get_running_loop().time() >= self._until:
            self._end("max-time", f"the pages took longer than {written(self._ways.seconds)}")
        return self._is_over

    def _end(self, reason: str = "", detail: str = "") -> None:
        self._is_over = True
        self._reason, self._detail = reason, detail


def _key(state: State) -> str:
    return json.dumps(state, default=str)
