"""Steps: paths that look into steps which aren't there, or not yet."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from naftiko.document.findings import Findings
from naftiko.document.model import (
    AggregateFunction,
    CallStep,
    CapabilityDocument,
    ConsumedOperation,
    LookupStep,
    OutputParameter,
    Step,
)
from naftiko.document.suggest import FEW, did_you_mean, fold, listed
from naftiko.plan.adapters import units_of
from naftiko.plan.adapters.kind import Declaration

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
        _check_lookups(unit.steps, operations, findings)
        inputs = {given.name for given in unit.input_parameters if given.name}
        names = {step.name for step in unit.steps if step.name}
        earlier = _Earlier()
        for step in unit.steps:
            for path, text in _paths(step):
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


def _check_lookups(steps: Sequence[Step], operations: Mapping[str, ConsumedOperation], findings: Findings) -> None:
    """Check what lookups compare and take against the outputs that the called operations declare."""
    called: dict[str, ConsumedOperation] = {}
    for step in steps:
        if isinstance(step, CallStep) and step.name and (step.call or "").strip() in operations:
            called[step.name] = operations[(step.call or "").strip()]
        if not isinstance(step, LookupStep) or not step.index:
            continue
        fields = _fields(step.index.strip().removeprefix("$."), called)
        wanted = [("match", step.match), *(("outputParameters", name) for name in step.output_parameters)]
        for key, field in wanted if fields else ():
            if field and field not in fields:
                findings.at(step.at(key)).warning(
                    "unknown-field",
                    f"no item of `{step.index}` has `{field}`, as far as its outputs are declared: it finds nothing",
                    hint=did_you_mean(field, fields) or f"declared: {listed(fields)}",
                )


def _fields(index: str, called: Mapping[str, ConsumedOperation]) -> list[str]:
    """Return the fields that the items of an index declare; none where nobody knows them."""
    name = next((name for name in called if index == name or index.startswith(f"{name}.")), None)
    if name is None:
        return []
    outputs = called[name].output_parameters
    if len(outputs) == 1 and outputs[0].name is None:
        found: OutputParameter | None = outputs[0]
    else:
        found = OutputParameter(properties=outputs)
    for key in filter(None, index[len(name) :].split(".")):
        inside = found.properties if found is not None else ()
        found = next((each for each in inside if each.name == key), None)
    return [] if found is None else _columns(found)


def _columns(declared: OutputParameter) -> list[str]:
    if declared.items is not None:
        return [each.name for each in declared.items.properties if each.name]
    lists = [each for each in declared.properties if each.type == "array"]
    if lists and len(lists) == len(declared.properties):  # parallel arrays
        return [each.name for each in lists if each.name]
    return []


def units_with_steps(document: CapabilityDocument) -> Iterator[AggregateFunction | Declaration]:
    """Yield the functions and the units that have steps."""
    for aggregate in document.aggregates:
        for function in getattr(aggregate, "functions", ()):
            if function.steps:
                yield function
    yield from (unit for unit in units_of(document) if unit.steps)


def _paths(step: Step) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield the texts of a step that are paths, each with where it stands."""
    if isinstance(step, CallStep):
        for key, value in step.with_.items():
            yield from texts(value, ("with", key))
    elif isinstance(step, LookupStep) and step.lookup_value is not None:
        yield ("lookupValue",), step.lookup_value


def texts(value: Any, place: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield the texts of a value, of its maps and lists too, each with where it stands."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from texts(inner, (*place, key))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from texts(inner, (*place, at))
