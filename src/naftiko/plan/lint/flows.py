"""Steps: paths that look into steps which aren't there, or not yet."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from naftiko.document.findings import Findings
from naftiko.document.model import (
    AggregateFunction,
    CapabilityDocument,
    ConsumedOperation,
    Step,
)
from naftiko.document.suggest import FEW, did_you_mean, fold, listed
from naftiko.plan.adapters import units_of
from naftiko.plan.adapters.kind import Declaration
from naftiko.plan.steps import kind_of

_FIRST_NAME = re.compile(r"\s*\$\.(?!this\.)([\w-]+)(?=[.\[\s]|$)")


class _Earlier:
    """The names of the steps before one."""

    def __init__(self) -> None:
        self._names: dict[str, None] = {}
        self._folded: dict[str, set[str]] = {}
        self._longest = 0

    def add(self, name: str) -> None:
        self._names[name] = None
        self._longest = max(self._longest, len(name))
        self._folded.setdefault(fold(name), set()).add(name)

    def holds(self, text: str) -> bool:
        """Tell a path into one of them; a step's name may hold dots, so not only the path's first name is looked up."""
        path = text.strip().removeprefix("$.")
        ends = (at for at, character in enumerate(path[: self._longest + 1]) if character in ".[")
        return path in self._names or any(path[:at] in self._names for at in ends)

    def nearly_holds(self, name: str) -> bool:
        """Tell a name that is a step's but for its spelling: linking has told it, and uses that step."""
        return len(self._folded.get(fold(name), ())) == 1

    def hint(self, name: str) -> str:
        """Return what was meant; among so many names that looking would take long, only what there is."""
        near = did_you_mean(name, self._names) if len(self._names) <= FEW else ""
        return near or f"earlier steps: {listed(self._names)}"


def check_flows(document: CapabilityDocument, findings: Findings) -> None:
    """Check the paths in the values of steps; linking has checked what a lookup searches and what mappings read."""
    operations = _operations(document)
    for unit in units_with_steps(document):
        _check_kinds(unit.steps, operations, findings)
        inputs = {given.name for given in unit.input_parameters if given.name}
        names = {step.name for step in unit.steps if step.name}
        earlier = _Earlier()
        for step in unit.steps:
            for path, text in step.texts():
                first = _FIRST_NAME.match(text)
                if first is None or first[1] in inputs or earlier.holds(text) or earlier.nearly_holds(first[1]):
                    continue
                later = f"`{first[1]}` comes later" if first[1] in names else ""
                findings.at(step.at(*path)).warning(
                    "unknown-step",
                    f"`{text.strip()}` begins with no earlier step's name; it finds nothing",
                    hint=later or earlier.hint(first[1]),
                )
            if step.name:
                earlier.add(step.name)


def _operations(document: CapabilityDocument) -> dict[str, ConsumedOperation]:
    """Return the consumed operations by ``namespace.name``; of two of a name none is meant for sure."""
    found: dict[str, list[ConsumedOperation]] = {}
    for api in document.consumes:
        for resource in getattr(api, "resources", ()):
            for operation in resource.operations:
                found.setdefault(f"{getattr(api, 'namespace', '')}.{operation.name}", []).append(operation)
    return {name: operations[0] for name, operations in found.items() if len(operations) == 1}


def _check_kinds(steps: Sequence[Step], operations: Mapping[str, ConsumedOperation], findings: Findings) -> None:
    """Let each step's kind check it against what the steps before it call."""
    called: dict[str, ConsumedOperation] = {}
    for step in steps:
        operation = (getattr(step, "call", None) or "").strip()
        if step.name and operation in operations:
            called[step.name] = operations[operation]
        kind_of(step).check(step, called, findings)


def units_with_steps(document: CapabilityDocument) -> Iterator[AggregateFunction | Declaration]:
    """Yield the functions and the units that have steps."""
    for aggregate in document.aggregates:
        for function in getattr(aggregate, "functions", ()):
            if function.steps:
                yield function
    yield from (unit for unit in units_of(document) if unit.steps)
