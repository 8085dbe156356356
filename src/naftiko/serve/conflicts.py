"""Find what two capabilities on one listener both want: the same route, the same tool (SEMANTICS 8)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from naftiko.expose.rest.router import route_shape
from naftiko.serve.addresses import Exposed, Listener
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
    """Yield the conflicts between different capabilities of a listener.

    Args:
        listener: the adapters.
        prefix: whether each capability is under its namespace; then only those of one namespace can be in conflict.
    """
    seen: dict[tuple[str, str, str, str], tuple[object, Position]] = {}
    for exposed in listener.exposed:
        space = exposed.capability.namespace if prefix else ""
        for key, what, position in _names(exposed):
            owner, first = seen.setdefault((space, *key), (exposed.capability, position))
            if owner is not exposed.capability:
                yield Conflict(what, first, position)


def _names(exposed: Exposed) -> Iterator[tuple[tuple[str, str, str], str, Position]]:
    """Yield what each unit is found by, as a key and in words."""
    for unit in exposed.adapter.units:
        if exposed.adapter.kind == "rest":
            what = f"{unit.method or 'forward'} {unit.path}"
            yield ("rest", unit.method or "*", route_shape(unit.path or "/")), what, unit.plan.position
        else:
            yield ("mcp", "", unit.alias), f"the tool {unit.name}", unit.plan.position
