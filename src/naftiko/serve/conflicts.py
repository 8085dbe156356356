"""Find what two capabilities on one listener both want: the same route, the same tool (SEMANTICS 6 and 8)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from naftiko.engine.capability import Unit
from naftiko.expose.registry import KINDS
from naftiko.expose.served import Exposed, ServedKind
from naftiko.ground.types import Position
from naftiko.serve.addresses import Listener

_Key: TypeAlias = tuple[str, Hashable]


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
    kind: ServedKind[Any]

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
    in_vain = first.kind.is_in_vain(first.unit, second.unit)
    made = Conflict(second.what, first.position, second.position, in_vain)
    known = found.setdefault(pair, made)
    if in_vain and not known.in_vain:
        made.counts = known.counts
        known = found[pair] = made
    known.counts[second.kind.nouns[0]] += 1


def _names(exposed: Exposed) -> Iterator[_Named]:
    kind = KINDS[exposed.adapter.kind]
    for unit in exposed.adapter.units:
        yield _Named((kind.kind, kind.key(unit)), kind.what(unit), unit, exposed.capability, kind)
