"""What stands behind a path, and which unit answers a request (SEMANTICS 6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import parse_qs

from starlette.types import Scope

from naftiko.engine.capability import Capability, Unit
from naftiko.expose.authentication import Guard
from naftiko.expose.limiting import Limiter
from naftiko.expose.rest.finishing import Finishing
from naftiko.expose.rest.inbound import MAX_FIELDS, InboundRequest
from naftiko.expose.rest.messages import header_map, raw_query
from naftiko.expose.rest.reading import InputReader
from naftiko.expose.rest.reverse import ReverseRoutes
from naftiko.plan.routes import NO_ROUTE, ExposedRoute

HEAD_OF: Final = {"HEAD": "GET"}
"""Methods that another one's unit answers where they have none of their own."""


@dataclass(frozen=True, slots=True)
class Served:
    """A unit behind a route, with what reads its inputs and who may call it.

    Attributes:
        reverse: which routes lead to the URLs that upstreams answer with.
        finishing: what becomes of its answers.
        forwards: whether requests are passed on as they are.
        changes: whether what it calls may change something, whatever its own method says.
        rivals: the units of which the request's body says which answers; this one is among them.
        limiter: how much one caller may ask for; ``None``: anything.
    """

    unit: Unit
    reader: InputReader
    capability: Capability
    reverse: ReverseRoutes
    finishing: Finishing
    guard: Guard | None = None
    forwards: bool = False
    changes: bool = False
    rivals: tuple[Served, ...] = ()
    limiter: Limiter | None = None

    @property
    def plain(self) -> Served:
        """The same without its rivals: as it was added to the app."""
        return replace(self, rivals=()) if self.rivals else self

    @property
    def route(self) -> ExposedRoute:
        """The path of the unit."""
        return self.unit.plan.route or NO_ROUTE


class Rivals:
    """The units of one path and method, which their queries and their required inputs tell apart."""

    def __init__(self) -> None:
        self._served: list[Served] = []

    def add(self, served: Served) -> None:
        """Add a unit, after those that stand before it."""
        self._served.append(served)

    @property
    def every(self) -> tuple[Served, ...]:
        """All of them."""
        return tuple(self._served)

    def chosen(self, scope: Scope) -> Served | None:
        """Return the unit that answers a request; ``None``: none has a query that the request has."""
        contenders = self._fitting(raw_query(scope))
        if len(contenders) < 2:  # noqa: PLR2004  # nothing to choose
            return contenders[0] if contenders else None
        headers = header_map(scope)
        best = best_of(contenders, InboundRequest(scope["method"], raw_query(scope), (), headers, b""), body=None)
        if not _has_body(headers) or not any(each.reader.needs_body for each in contenders):
            return best
        # Whoever may call one of them may have its body read, and no other.
        rivals = tuple(each for each in contenders if each.guard is best.guard)
        return replace(best, rivals=rivals, changes=any(each.changes for each in rivals))

    def _fitting(self, query_string: str) -> list[Served]:
        """Return the units whose queries the request has most of; those that can be executed, if there are any."""
        query = _parsed(query_string)
        found = [(fit, each) for each in self._served if (fit := each.route.fit(query)) is not None]
        most = max((fit for fit, _ in found), default=None)
        fitting = [each for fit, each in found if fit == most]
        return [each for each in fitting if each.unit.executable] or fitting[:1]


def best_of(contenders: Sequence[Served], request: InboundRequest, *, body: bool | None) -> Served:
    """Return the one whose required inputs the request gives, most of them first; else the first.

    Args:
        contenders: in the order of the files.
        request: as far as it is read.
        body: whether its body is read; ``None``: not yet.
    """
    if body is None:
        has_body = _has_body(request.headers)
        given = [each.reader.given(request, body=has_body) for each in contenders]
    else:
        given = [each.reader.given(request) for each in contenders]
    scores = [_score(each, names) for each, names in zip(contenders, given, strict=True)]
    return contenders[scores.index(max(scores))]


def _score(served: Served, given: frozenset[str]) -> tuple[bool, int, int]:
    """Return whether all required inputs are given, and if so how many they are, and how many of all are."""
    required = served.reader.required
    if not required <= given:
        return False, 0, 0
    return True, len(required), len(given)


def _has_body(headers: Mapping[str, str]) -> bool:
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


def _parsed(query_string: str) -> Mapping[str, Sequence[str]]:
    """Return a query's values by name; of one with too many pairs, which is refused when it is read, nothing."""
    try:
        return parse_qs(query_string, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        return {}


@dataclass(slots=True)
class Route:
    """What stands at a path: a unit for each method, or several, or a forward for all that is left.

    Attributes:
        forward: any method that has no unit.
    """

    units: dict[str, Served | Rivals] = field(default_factory=dict)
    forward: Served | None = None

    def add(self, method: str, served: Served) -> None:
        """Add a unit."""
        known = self.units.get(method)
        if known is None and not served.route.pairs:
            self.units[method] = served
            return
        if not isinstance(known, Rivals):
            rivals = self.units[method] = Rivals()
            if known is not None:
                rivals.add(known)
            known = rivals
        known.add(served)

    def served(self, method: str, scope: Scope) -> Served | None:
        """Return what answers a request; HEAD is answered by GET."""
        known = self.units.get(method)
        if known is not None and not isinstance(known, Rivals):
            return known
        return self.own(method, scope) or self.own(HEAD_OF.get(method, ""), scope) or self.forward

    def own(self, method: str, scope: Scope) -> Served | None:
        """Return the unit of a method that answers a request."""
        found = self.units.get(method)
        return found.chosen(scope) if isinstance(found, Rivals) else found

    @property
    def every(self) -> list[Served]:
        """All units."""
        return [
            each for found in self.units.values() for each in (found.every if isinstance(found, Rivals) else (found,))
        ]


def not_found(method: str, path: str, served: Sequence[Served]) -> str:
    """Say that nothing answers a request, and with which queries the units of its path and method do."""
    asked = (each for each in served if each.unit.method in {method, HEAD_OF.get(method)})
    queries = dict.fromkeys(each.route.text[len(each.route.path) :].partition("#")[0] for each in asked)
    if not queries:
        return f"there is nothing at {path}"
    return f"{method} {path} is answered with another query only: {' or '.join(queries)}"
