"""Which of several consumed operations of one name a unit means (contract, chapter 4.1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from oracle_document import Document, Operation, segments, text
from oracle_slots import fold


@dataclass
class Seeker:
    """What a unit shows of itself: its exposed path, its resource's name, its description.

    ``calls`` counts the units of its adapter that named each operation so far.
    """

    path: str = ""
    resource: str = ""
    description: str = ""
    calls: Counter[str] = field(default_factory=Counter)


def meant(document: Document, call: str) -> list[Operation]:
    """Return the operations that a call names, misspelt names that are certain among them (contract, 1.3 and 1.4)."""
    spoken = call.strip().replace("/", ".")
    if spoken in document.operations:
        return document.operations[spoken]
    for ways in (_by_resource, _by_fold, _by_name):
        found = ways(document, spoken)
        if len({f"{one.namespace}.{one.name}" for one in found}) == 1:
            return found
    return []


def _all(document: Document) -> list[Operation]:
    return [one for several in document.operations.values() for one in several]


def _by_resource(document: Document, spoken: str) -> list[Operation]:
    names = [(one, f"{one.namespace}.{text(one.resource.get('name'))}.{one.name}") for one in _all(document)]
    return [one for one, name in names if fold(name) == fold(spoken) and name.count(".") == spoken.count(".")]


def _by_fold(document: Document, spoken: str) -> list[Operation]:
    return [one for one in _all(document) if fold(f"{one.namespace}.{one.name}") == fold(spoken)]


def _by_name(document: Document, spoken: str) -> list[Operation]:
    namespace, _, name = spoken.rpartition(".")
    if namespace in document.namespaces:
        return []
    return [one for one in _all(document) if one.name == name] or [
        one for one in _all(document) if fold(one.name) == fold(name)
    ]


def named_like(document: Document, name: str) -> list[Operation]:
    """Return the only operation of a unit's name, for a unit that says nothing else of its work (contract, 1.4)."""
    found = [one for one in _all(document) if one.name == name]
    return found if len(found) == 1 else []


def chosen(operations: Sequence[Operation], seeker: Seeker) -> Operation | None:
    """Choose: by the resource's path, else by its name, else by the description, else by the order of the file.

    Choice: what several share decides nothing among them, and of paths that end the exposed one the longest is meant.
    """
    if len(operations) < 2:
        return operations[0] if operations else None
    key = f"{operations[0].namespace}.{operations[0].name}"
    place = seeker.calls[key]
    seeker.calls[key] += 1
    left = list(operations)
    longest = max(_ending(one, seeker) for one in left)
    if longest:
        left = [one for one in left if _ending(one, seeker) == longest]
    for fits in (_resource_fits, _description_fits):
        if len(left) > 1:
            left = [one for one in left if fits(one, seeker)] or left
    return left[0] if len(left) == 1 else operations[min(place, len(operations) - 1)]


def _ending(operation: Operation, seeker: Seeker) -> int:
    """Return how many segments of the exposed path's end the resource's whole path is; 0 where it is not its end."""
    own = [fold(part) for part in segments(text(operation.resource.get("path")))]
    exposed = [fold(part) for part in segments(seeker.path)]
    return len(own) if own and exposed[-len(own) :] == own else 0


def _resource_fits(operation: Operation, seeker: Seeker) -> bool:
    return bool(seeker.resource) and text(operation.resource.get("name")) == seeker.resource


def _description_fits(operation: Operation, seeker: Seeker) -> bool:
    return bool(seeker.description) and operation.description == seeker.description
