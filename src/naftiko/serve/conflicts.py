"""Find what two capabilities on one listener both want: the same route, the same tool (SEMANTICS 8)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from naftiko.expose.rest.router import route_shape
from naftiko.serve.addresses import Listener
from naftiko.types import Position


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two units that can't both be served as they are named; the first one is."""

    what: str
    first: Position
    second: Position

    def __str__(self) -> str:
        return f"{self.what} is declared twice: {self.first} is served, {self.second} is not"


def conflicts(listener: Listener, *, prefix: bool) -> Iterator[Conflict]:
    """Yield the conflicts between different capabilities of a listener; with ``prefix`` there are none."""
    if prefix:
        return
    seen: dict[tuple[str, str, str], tuple[object, Position]] = {}
    for exposed in listener.exposed:
        for unit in exposed.adapter.units:
            if exposed.adapter.kind == "rest":
                key = ("rest", unit.method or "*", route_shape(unit.path or "/"))
                what = f"{unit.method or 'forward'} {unit.path}"
            else:
                key = ("mcp", "", unit.name)
                what = f"the tool {unit.name}"
            owner, position = seen.setdefault(key, (exposed.capability, unit.plan.position))
            if owner is not exposed.capability:
                yield Conflict(what, position, unit.plan.position)
