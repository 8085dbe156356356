"""Answers from the store where it may, and asks once for all who wait where it may not (SEMANTICS 4.10).

It stands around the time limit and the retries of a call: what is stored is what came of all attempts.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import httpx

from naftiko.engine.head import Head, keep_head
from naftiko.engine.mock import description
from naftiko.engine.resilience.acting import Acting
from naftiko.engine.resilience.caching import freshness
from naftiko.engine.resilience.caching.flights import Flights
from naftiko.engine.resilience.caching.invalidation import tag_of
from naftiko.engine.resilience.caching.keys import asked_of, bypasses, key_of
from naftiko.engine.resilience.caching.store import Entry, Mark, Shown, Store
from naftiko.engine.resilience.states import Cell
from naftiko.engine.sending import NOTE, Outgoing, Send
from naftiko.engine.transport import AnswerTooLarge
from naftiko.engine.transport.whole import Whole
from naftiko.ground.errors import Overloaded, UpstreamError, UpstreamRefused
from naftiko.plan.caching import parsed
from naftiko.plan.resilience import Cache

_NOT_MODIFIED: Final = 304
_FAILED: Final = frozenset({500, 502, 503, 504})
"""Statuses in the place of which a stale answer is given (RFC 5861 chapter 4)."""
_NOTHING: Final[Mapping[str, str]] = {}
_MOST_VARIANTS: Final = 16
"""Answers to one URL that differ by what ``Vary`` names."""


@dataclass(slots=True)
class _Outcome:
    """What came of asking.

    Attributes:
        response: the answer, or ``None``.
        error: the failure, or ``None``.
        entry: what is stored of it, or ``None``.
        is_shared: whether it is an answer to all who asked meanwhile.
        was_unchanged: whether the API said that what was stored is as it was.
    """

    response: httpx.Response | None = None
    error: Exception | None = None
    entry: Entry | None = None
    is_shared: bool = True
    was_unchanged: bool = False

    @property
    def has_failed(self) -> bool:
        """Whether the API can't be reached, or says that it can't answer just now (RFC 5861 chapter 4)."""
        if self.response is not None:
            return self.response.status_code in _FAILED
        return isinstance(self.error, UpstreamError | Overloaded) and not isinstance(self.error, _OURS)


class Caching:
    """Sends requests, or answers from the store."""

    def __init__(self, send: Send, plan: Cache, cell: Cell[Store], acting: Acting, identity: Callable[[], str]) -> None:
        self._send = send
        self._plan = plan
        self._cell = cell
        self._acting = acting
        self._identity = identity
        self._flights: Flights[_Outcome] = Flights()

    async def __call__(self, outgoing: Outgoing) -> httpx.Response:
        """Answer a request."""
        if bypasses(outgoing):
            self._acting.tell("cache", "bypassed", outgoing)
            return await self._send(outgoing)
        asked = asked_of(outgoing)
        said = parsed(asked["cache-control"]) if "cache-control" in asked else _NOTHING
        if "no-store" in said:
            self._acting.tell("cache", "bypassed", outgoing)
            return await self._send(outgoing)
        key = key_of(outgoing, asked, self._plan, self._identity())
        entries = await self._cell.state.get(key, tag_of(outgoing.draft.url))
        entry = next((each for each in entries if freshness.matches(each, asked)), None)
        if entry is not None and "no-cache" not in said and said.get("max-age") != "0":
            age = entry.age + max(0.0, freshness.now() - entry.stored)
            if age < entry.fresh:
                self._acting.tell("cache", "hit", outgoing)
                return _answer(entry, age, outgoing)
            if age < entry.fresh + entry.grace:
                if self._flights.start(key, self._asking(key, outgoing, asked, entry)):
                    self._acting.tell("cache", "refreshed", outgoing, "stale, and asked for anew meanwhile")
                self._acting.tell("cache", "stale", outgoing)
                return _answer(entry, age, outgoing)
        if self._flights.passes_by(key):
            outcome = await self._fetch(key, outgoing, asked, entry)
            return self._told(outcome, entry, outgoing, is_another=False)
        return await self._joined(key, outgoing, asked, entry)

    async def _joined(
        self, key: str, outgoing: Outgoing, asked: Mapping[str, str], entry: Entry | None
    ) -> httpx.Response:
        """Ask, or wait for whoever asks the same already."""
        outcome, is_another = await self._flights.joined(key, self._asking(key, outgoing, asked, entry))
        fits = outcome.entry is None or freshness.matches(outcome.entry, asked)
        if is_another and not (outcome.is_shared and fits):
            outcome, is_another = await self._fetch(key, outgoing, asked, entry), False
        return self._told(outcome, entry, outgoing, is_another=is_another)

    def _asking(
        self, key: str, outgoing: Outgoing, asked: Mapping[str, str], entry: Entry | None
    ) -> Callable[[], Coroutine[Any, Any, _Outcome]]:
        return partial(self._ask, key, outgoing, asked, entry)

    async def _ask(self, key: str, outgoing: Outgoing, asked: Mapping[str, str], entry: Entry | None) -> _Outcome:
        """Ask the API, unless another process has done so meanwhile; see ``_fetch``."""
        store = self._cell.state
        async with store.lock(key) as may_be_there:
            if may_be_there:
                entries = await store.get(key, tag_of(outgoing.draft.url))
                known = next((each for each in entries if freshness.matches(each, asked)), None)
                if known is not None and known.age + freshness.now() - known.stored < known.fresh:
                    return _Outcome(entry=known)
            return await self._fetch(key, outgoing, asked, entry)

    async def _fetch(self, key: str, outgoing: Outgoing, asked: Mapping[str, str], entry: Entry | None) -> _Outcome:
        """Ask the API, whether what is stored is as it was where it can say so; store what it answers."""
        since, began = await self._cell.state.mark(tag_of(outgoing.draft.url)), freshness.now()
        conditions = [] if entry is None else freshness.conditions(entry)
        sent = _with(outgoing, conditions) if conditions else outgoing
        try:
            response = await self._send(sent)
        except Exception as error:  # noqa: BLE001  # it is everybody's who waits
            return _Outcome(error=error)
        return await self._kept(key, outgoing, asked, _Came(response, began, since, entry if conditions else None))

    async def _kept(self, key: str, outgoing: Outgoing, asked: Mapping[str, str], came: _Came) -> _Outcome:
        """Store what came, if it may be."""
        response, before, store = came.response, came.before, self._cell.state
        if response.status_code == _NOT_MODIFIED and before is not None:
            made: Entry | None = freshness.freshened(before, response, self._plan, came.began)
            unchanged = True
        else:
            is_description = description(response) is not None
            made = None if is_description else freshness.entry_of(response, asked, self._plan, came.began)
            unchanged = False
        if made is None:
            is_failure = response.status_code in _FAILED
            if not is_failure:
                self._flights.pass_by(key)
            return _Outcome(response, is_shared=is_failure)
        tag = tag_of(outgoing.draft.url)
        known = [each for each in await store.get(key, tag) if each is not before and each.asked != made.asked]
        entries = [made, *known][:_MOST_VARIANTS]
        if not await store.put(key, entries, tag, came.since):
            self._acting.tell("cache", "not-stored", outgoing, store.why_not)
        return _Outcome(None if unchanged else response, entry=made, was_unchanged=unchanged)

    def _told(self, outcome: _Outcome, entry: Entry | None, outgoing: Outgoing, *, is_another: bool) -> httpx.Response:
        """Return what a caller gets of an outcome: of a failure the stale answer, where there is one.

        Raises:
            Exception: it is one.
        """
        tell = self._acting.tell
        if entry is not None and outcome.has_failed:
            age = entry.age + max(0.0, freshness.now() - entry.stored)
            if age < entry.fresh + entry.rescue:
                tell("cache", "rescued", outgoing, f"the API failed; what it said {age:.0f} s ago is given")
                return _answer(entry, age, outgoing, note=f"cache;stale;age={age:.0f}")
        if outcome.error is not None:
            raise copy.copy(outcome.error) if is_another else outcome.error
        if outcome.was_unchanged:
            tell("cache", "revalidated", outgoing)
        else:
            tell("cache", "shared" if is_another else "miss", outgoing)
        if outcome.response is not None and not is_another:
            return outcome.response
        if outcome.entry is not None:
            return _answer(outcome.entry, outcome.entry.age, outgoing)
        response = outcome.response
        if response is None:
            raise UpstreamError("there is no answer")
        return Whole(response.status_code, response.headers, response.content, response.request, {})


_OURS: Final = (UpstreamRefused, AnswerTooLarge)
"""Failures that are not for a moment: our credential is refused, the answer is larger than the limit."""


@dataclass(slots=True)
class _Came:
    """An answer that came.

    Attributes:
        began: when it was asked for.
        since: the mark of its tag by then.
        before: what is stored and was asked about.
    """

    response: httpx.Response
    began: float
    since: Mark
    before: Entry | None


def _with(outgoing: Outgoing, conditions: Sequence[tuple[str, str]]) -> Outgoing:
    """Return the same request under conditions."""
    sent = copy.copy(outgoing)
    sent.draft = outgoing.draft.copy()
    for name, value in conditions:
        sent.draft.add_header(name, value)
    return sent


def _answer(entry: Entry, age: float, outgoing: Outgoing, note: str = "") -> httpx.Response:
    """Return a stored answer as one to this request (RFC 9111 chapter 4); what it says is made once a second."""
    seconds = int(age)
    shown = entry.shown
    if shown is None or shown.age != seconds or note:
        shown = _shown(entry, seconds, note, outgoing.draft.make() if shown is None else shown.request)
        if not note:
            entry.shown = shown
    made = Whole(entry.status, shown.pairs, entry.body, shown.request, {})
    keep_head(made, shown.head)
    return made


def _shown(entry: Entry, seconds: int, note: str, request: httpx.Request) -> Shown:
    more = [(b"age", b"%d" % seconds)]
    if note:
        more.append((NOTE.encode("ascii"), note.encode("ascii")))
    pairs = [*entry.headers, *more]
    return Shown(seconds, pairs, Head(pairs), request)
