"""Find what two capabilities on one listener both want: the same route, the same tool (SEMANTICS 6 and 8)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from naftiko.engine.capability import Unit
from naftiko.plan.routes import NO_ROUTE
from naftiko.serve.addresses import Exposed, Listener
from naftiko.types import Position

_NOUNS: Final = {"rest": "route", "mcp": "tool"}
_Key: TypeAlias = tuple[str, object, object]


@dataclass(slots=True)
class Conflict:
    """What two files both have.

    Attributes:
        what: the first thing that both have; of those that the second file has in vain, if there are any.
        first: where the first file has it.
        second: where the second one does.
        in_vain: whether the second one's is never served; else a request's inputs say which is.
        counts: how much they both have, by what it is called.
    """

    what: str
    first: Position
    second: Position
    in_vain: bool
    counts: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class _Named:
    """A unit by what it is found by, as a key and in words."""

    key: _Key
    what: str
    unit: Unit
    owner: object

    @property
    def position(self) -> Position:
        return self.unit.plan.position


def conflicts(listeners: Iterable[Listener]) -> list[Conflict]:
    """Return the conflicts between different capabilities on the same listener, one for each pair of them."""
    found: dict[tuple[int, int], Conflict] = {}
    for listener in listeners:
        seen: dict[_Key, _Named] = {}
        for exposed in listener.exposed:
            for named in _names(exposed):
                first = seen.setdefault(named.key, named)
                if first.owner is not named.owner:
                    _add(found, first, named)
    return list(found.values())


def _add(found: dict[tuple[int, int], Conflict], first: _Named, second: _Named) -> None:
    pair = id(first.owner), id(second.owner)
    in_vain = _is_in_vain(first, second)
    made = Conflict(second.what, first.position, second.position, in_vain)
    known = found.setdefault(pair, made)
    if in_vain and not known.in_vain:
        made.counts = known.counts
        known = found[pair] = made
    known.counts[_NOUNS[second.key[0]]] += 1


def _is_in_vain(first: _Named, second: _Named) -> bool:
    """Tell whether the second is never served: REST prefers what can run, and what a request's inputs fit best."""
    if first.key[0] != "rest" or first.unit.method is None:
        return True
    if not first.unit.executable and second.unit.executable:
        return False
    has_more = _inputs(second.unit, required=False) - _inputs(first.unit, required=False)
    return not has_more and _inputs(first.unit, required=True) == _inputs(second.unit, required=True)


def _inputs(unit: Unit, *, required: bool) -> frozenset[tuple[str, str]]:
    """Return what a request gives of a unit's inputs beside its path, which both have."""
    given = (each for each in unit.inputs if each.location not in {"path", "environment"})
    return frozenset((each.location, each.name) for each in given if each.required or not required)


def _names(exposed: Exposed) -> Iterator[_Named]:
    for unit in exposed.adapter.units:
        if exposed.adapter.kind == "rest":
            key: _Key = ("rest", unit.method or "*", (unit.plan.route or NO_ROUTE).key)
            yield _Named(key, f"{unit.method or 'forward'} {unit.path}", unit, exposed.capability)
        else:
            yield _Named(("mcp", "", unit.alias), f"the tool {unit.name}", unit, exposed.capability)
