"""Tell several operations, or functions, of one name in one namespace apart by what names them (SEMANTICS 4.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from naftiko.document.suggest import fold
from naftiko.link.callables import Callables, DeclaredCallable, NameOrigin

ThingT = TypeVar("ThingT")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a place that names something.

    Attributes:
        path: the exposed path, or a resource's URI without its scheme.
        resource_path: the path of the exposed resource that it stands in.
        resource: the name of the exposed resource.
        method: the exposed method.
    """

    path: str = ""
    resource_path: str = ""
    resource: str | None = None
    description: str | None = None
    method: str | None = None


@dataclass(frozen=True, slots=True)
class Mention:
    """A ``call`` or a ``ref``.

    Attributes:
        model: the unit, step or function that has it.
        scope: what it is counted in: the routes, tools or resources of an adapter, the functions of an aggregate.
        evidence: what is known of it, the nearest first; what stands together is equally near.
    """

    model: object
    scope: tuple[str, int]
    text: str
    evidence: tuple[tuple[Evidence, ...], ...]


@dataclass(frozen=True, slots=True)
class Candidate(Generic[ThingT]):
    """What a mention means.

    Attributes:
        by_order: whether nothing but its place among the others says so.
        nth: its place, from 1.
    """

    declared: DeclaredCallable[ThingT]
    by_order: bool
    nth: int


@dataclass(frozen=True, slots=True)
class _Told(Generic[ThingT]):
    """A mention, with what may be meant after all that is known of it."""

    mention: Mention
    nth: int
    things: tuple[DeclaredCallable[ThingT], ...]


class Namesakes(Generic[ThingT]):
    """What each mention of a name means that several things have."""

    def __init__(self, callables: Callables[ThingT], mentions: Iterable[Mention] = ()) -> None:
        self._chosen: dict[int, Candidate[ThingT]] = {}
        if not callables.has_namesakes:
            return
        groups: dict[tuple[tuple[str, int], str], list[_Told[ThingT]]] = {}
        for mention in mentions:
            found = callables.find(mention.text)
            if found is None or len(callables.every(found.things[0])) == 1:
                continue
            group = groups.setdefault((mention.scope, found.things[0].key), [])
            group.append(_Told(mention, len(group), _narrowed(found.things, mention.evidence)))
        for group in groups.values():
            self._settle(group, callables.every(group[0].things[0]))

    def chosen(self, model: object) -> Candidate[ThingT] | None:
        """Return what the mention in a unit, step or function means; ``None`` where nothing says it."""
        return self._chosen.get(id(model))

    def _settle(self, group: list[_Told[ThingT]], every: Sequence[DeclaredCallable[ThingT]]) -> None:
        open_ones: dict[tuple[int, ...], list[_Told[ThingT]]] = {}
        claimed: set[int] = set()
        for told in group:
            if len(told.things) == 1:
                claimed.add(id(told.things[0]))
                self._choose(told, told.things[0], by_order=False)
            else:
                open_ones.setdefault(tuple(map(id, told.things)), []).append(told)
        for several in open_ones.values():
            free = [each for each in several[0].things if id(each) not in claimed]
            nth = [(told, every[told.nth]) for told in several if told.nth < len(every)]
            if not all(any(each is one for one in free) for _, each in nth):
                # The places are out of step with the operations: they fit only if there is one for each.
                nth = list(zip(several, free, strict=True)) if len(several) == len(free) else []
            for told, each in nth:
                self._choose(told, each, by_order=True)

    def _choose(self, told: _Told[ThingT], declared: DeclaredCallable[ThingT], *, by_order: bool) -> None:
        self._chosen[id(told.mention.model)] = Candidate(declared, by_order, told.nth + 1)


def _narrowed(
    things: Sequence[DeclaredCallable[ThingT]], evidence: Sequence[Sequence[Evidence]]
) -> tuple[DeclaredCallable[ThingT], ...]:
    """Return the things that the evidence leaves, the strongest first: path, resource, description, method."""
    left = tuple(things)
    for near in evidence:
        for criterion in _CRITERIA:
            if len(left) > 1:
                left = _best(left, near, criterion) or left
    return left


def _best(
    things: tuple[DeclaredCallable[ThingT], ...],
    evidence: Sequence[Evidence],
    criterion: Callable[[Evidence, NameOrigin], int],
) -> tuple[DeclaredCallable[ThingT], ...]:
    """Return the things that fit best what is known of one place or another; none where none fits at all."""
    kept: set[int] = set()
    for each in evidence:
        scores = [criterion(each, thing.origin) for thing in things]
        kept.update(at for at, score in enumerate(scores) if score and score == max(scores))
    return tuple(things[at] for at in sorted(kept))


def _full_path(evidence: Evidence, origin: NameOrigin) -> int:
    return _common_end(evidence.path, origin.path)


def _resource_path(evidence: Evidence, origin: NameOrigin) -> int:
    return _common_end(evidence.path, origin.resource_path)


def _both_resource_paths(evidence: Evidence, origin: NameOrigin) -> int:
    return _common_end(evidence.resource_path, origin.resource_path)


def _common_end(exposed: str, path: str) -> int:
    """Return how long a path is, in letters and digits, if it is the last segments of an exposed one; else 0."""
    wanted = fold(path)
    segments = exposed.split("/")
    for at in range(len(segments) - 1, -1, -1):
        end = fold("/".join(segments[at:]))
        if len(end) >= len(wanted):
            return len(wanted) if end == wanted else 0
    return 0


def _resource(evidence: Evidence, origin: NameOrigin) -> int:
    return _likeness(evidence.resource, origin.resource)


def _description(evidence: Evidence, origin: NameOrigin) -> int:
    return _likeness(evidence.description, origin.description)


def _method(evidence: Evidence, origin: NameOrigin) -> int:
    return _likeness(evidence.method, origin.method)


def _likeness(one: str | None, other: str | None) -> int:
    if not one or not other:
        return 0
    if one.strip() == other.strip():
        return 2
    return 1 if fold(one) and fold(one) == fold(other) else 0


_CRITERIA: tuple[Callable[[Evidence, NameOrigin], int], ...] = (
    _full_path,
    _resource_path,
    _both_resource_paths,
    _resource,
    _description,
    _method,
)
