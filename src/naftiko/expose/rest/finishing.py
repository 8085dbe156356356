"""What becomes of a route's answers before they are sent: validators, cache headers, 304 (SEMANTICS 6.3 and 6.5)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, Self

from naftiko.engine.answer import Answer
from naftiko.engine.paging.listing import STREAMED
from naftiko.engine.run import AS_IT_COMES, Finish
from naftiko.expose.rest.caching import marked
from naftiko.expose.rest.conditions import Conditions, validated
from naftiko.ground.http import READING
from naftiko.plan.caching import CacheHeaders

_METHODS: Final = (*READING, "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True, slots=True)
class Finishing:
    """What is made of the answers of a route; made once, at start.

    Attributes:
        usual: of a request without conditions, by its method; of other methods nothing is made.
    """

    usual: Mapping[str, Finish[Answer]]
    _make: Callable[..., Answer]

    @classmethod
    def plain(cls, loaded: dt.datetime) -> Self:
        """Return what is made where the file says nothing."""
        usual = {method: Finish(partial(_validated, method, loaded), reads=False) for method in READING}
        usual["GET"] = replace(usual["GET"], pages=STREAMED)
        usual["POST"] = AS_IT_COMES
        return cls(usual, partial(validated, loaded=loaded))

    @classmethod
    def streaming(cls) -> Finishing:
        """Return what is made of streams, which are sent as they come, whatever is asked of them."""
        return _Streaming(dict.fromkeys(_METHODS, AS_IT_COMES), _as_it_is)

    @classmethod
    def marking(cls, cache: CacheHeaders, loaded: dt.datetime) -> Self:
        """Return what is made where the file says what caches may do."""
        make = partial(marked, loaded=loaded, cache=cache)
        usual = {method: Finish(partial(make, method=method, conditions=()), reads=False) for method in _METHODS}
        return cls(usual, make)

    def conditional(self, method: str, conditions: Conditions) -> Finish[Answer]:
        """Return what is made of the answer to a request with conditions."""
        return Finish(partial(self._make, method=method, conditions=conditions), reads=False)


class _Streaming(Finishing):
    """What is made of streams."""

    def conditional(self, method: str, conditions: Conditions) -> Finish[Answer]:
        """Return it."""
        del method, conditions
        return AS_IT_COMES


def _as_it_is(answer: Answer) -> Answer:
    return answer


def _validated(method: str, loaded: dt.datetime, answer: Answer) -> Answer:
    """Return an answer that was asked for without a condition; one that is made here gets its validators."""
    return validated(answer, method=method, conditions=(), loaded=loaded) if answer.is_made else answer
