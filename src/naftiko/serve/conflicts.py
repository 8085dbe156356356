"""Find what two capabilities on one listener both want: the same route, the same tool (SEMANTICS 8)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from naftiko.expose.rest.router import route_shape
from naftiko.serve.addresses import Exposed, Listener
from naftiko.types import Position


@dataclass(slots=True)
class Conflict:
    """What two files both have, and can't both be served as it is named; that of the first one is.

    Attributes:
        what: the first thing that both have.
        first: where the first file has it.
        second: where the second one does.
        counts: how much they both have, by what it is called.
    """

    what: str
    first: Position
    second: Position
    counts: Counter[str] = field(default_factory=Counter)


def conflicts(listeners: Iterable[Listener]) -> list[Conflict]:
    """Return the conflicts between different capabilities on the same listener, one for each pair of them."""
    found: dict[tuple[int, int], Conflict] = {}
    for listener in listeners:
        seen: dict[tuple[str, str, str], tuple[object, Position]] = {}
        for exposed in listener.exposed:
            for key, what, position in _names(exposed):
                owner, first = seen.setdefault(key, (exposed.capability, position))
                if owner is not exposed.capability:
                    pair = (id(owner), id(exposed.capability))
                    found.setdefault(pair, Conflict(what, first, position)).counts[_NOUNS[key[0]]] += 1
    return list(found.values())


_NOUNS = {"rest": "route", "mcp": "tool"}


def _names(exposed: Exposed) -> Iterator[tuple[tuple[str, str, str], str, Position]]:
    """Yield what each unit is found by, as a key and in words."""
    for unit in exposed.adapter.units:
        if exposed.adapter.kind == "rest":
            what = f"{unit.method or 'forward'} {unit.path}"
            yield ("rest", unit.method or "*", route_shape(unit.path or "/")), what, unit.plan.position
        else:
            yield ("mcp", "", unit.alias), f"the tool {unit.name}", unit.plan.position
