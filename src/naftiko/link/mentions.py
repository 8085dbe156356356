"""Every ``call`` and ``ref`` of a file, with what tells several things of one name apart (SEMANTICS 4.1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from naftiko.document.model import Aggregate, AggregateFunction, CapabilityDocument
from naftiko.link.adapters import linked
from naftiko.link.adapters.kind import Declaration
from naftiko.link.callables import Callables
from naftiko.link.functions import Function
from naftiko.link.namesakes import Evidence, Mention, Namesakes


def refs(document: CapabilityDocument) -> Iterator[Mention]:
    """Yield the units that name a function."""
    for scope, unit, evidence in _units(document):
        if unit.ref is not None:
            yield Mention(unit, scope, unit.ref, ((evidence,),))


def calls(
    document: CapabilityDocument, functions: Callables[Function], namesakes: Namesakes[Function]
) -> Iterator[Mention]:
    """Yield the units, functions and steps that name an operation.

    What serves a function tells about its calls too: the units that have a ``ref`` to it.
    """
    serving: dict[int, list[Evidence]] = {}
    for scope, unit, evidence in _units(document):
        if unit.ref is None:
            yield from _calls(unit, scope, ((evidence,),))
            continue
        found, choice = functions.find(unit.ref), namesakes.chosen(unit)
        if found is not None:
            declared = choice.declared if choice is not None else found.things[0]
            serving.setdefault(id(declared.thing[1]), []).append(evidence)
    for at, aggregate in enumerate(document.aggregates):
        if isinstance(aggregate, Aggregate):
            for function in aggregate.functions:
                own = Evidence(description=function.description)
                yield from _calls(function, ("functions", at), ((own,), tuple(serving.get(id(function), ()))))


def _calls(
    unit: Declaration | AggregateFunction, scope: tuple[str, int], evidence: tuple[tuple[Evidence, ...], ...]
) -> Iterator[Mention]:
    if unit.call is not None:
        yield Mention(unit, scope, unit.call, evidence)
    named = [(step, call) for step in unit.steps if (call := getattr(step, "call", None)) is not None]
    times = Counter(call for _, call in named)
    for step, call in named:
        own = (Evidence(description=step.description),)
        # What is known of the whole unit can't tell two of its steps apart.
        yield Mention(step, scope, call, (own, *evidence) if times[call] == 1 else (own,))


def _units(document: CapabilityDocument) -> Iterator[tuple[tuple[str, int], Declaration, Evidence]]:
    """Yield every unit with what it is counted in and what is known of it."""
    for at, (kind, adapter) in enumerate(linked(document)):
        yield from (((scope, at), unit, evidence) for scope, unit, evidence in kind.mentions(adapter))
