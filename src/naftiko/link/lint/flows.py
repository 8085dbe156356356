"""Steps that look where nothing is, names of steps and namespaces, and what functions promise."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from naftiko.document.findings import Findings
from naftiko.document.model import (
    Aggregate,
    AggregateFunction,
    CapabilityDocument,
    ConsumedOperation,
    Model,
    Step,
)
from naftiko.document.suggest import FEW, did_you_mean, fold, listed
from naftiko.link.adapters import linked, units_of
from naftiko.link.adapters.kind import Declaration
from naftiko.link.steps import kind_of

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


def check_functions(document: CapabilityDocument, findings: Findings) -> None:
    """Check semantics of functions against what the units say of themselves."""
    functions = _functions(document)
    if not functions:
        return
    units = ((kind, unit) for kind, model in linked(document) for _, unit, _ in kind.mentions(model))
    for kind, unit in units:
        function = functions.get((unit.ref or "").strip())
        semantics = function.semantics if function is not None else None
        if semantics is None:
            continue
        for conflict in kind.contradictions(unit, semantics):
            findings.at(unit.node).warning(
                "semantics-conflict",
                f"`{unit.ref}` {conflict}",
                hint="make the unit and the function's `semantics` say the same",
                related=(findings.position(function.at("semantics") if function else None),),
            )


def _functions(document: CapabilityDocument) -> dict[str, AggregateFunction]:
    return {
        f"{aggregate.namespace}.{function.name}": function
        for aggregate in document.aggregates
        if isinstance(aggregate, Aggregate)
        for function in aggregate.functions
    }


_STEP_NAME = re.compile(r"[A-Za-z0-9_-]+")
_SECTIONS = {"exposes": "adapter", "aggregates": "aggregate", "binds": "bind"}


def check_names(document: CapabilityDocument, findings: Findings) -> None:
    """Check that namespaces are there and unique, and that steps can be named in templates."""
    _check_unique(document, findings)
    for aggregate in document.aggregates:
        if isinstance(aggregate, Aggregate) and aggregate.namespace is None:
            findings.at(aggregate.node).warning(
                "missing-name", "an aggregate without a namespace can't be used", hint="add `namespace: NAME`"
            )
    for unit in units_with_steps(document):
        for step in unit.steps:
            if step.name is not None and not _STEP_NAME.fullmatch(step.name):
                findings.at(step.at("name")).hint(
                    "step-name",
                    f"the step name `{step.name}` is hard to use in templates and paths",
                    hint="use letters, digits, `_` and `-`",
                )


def _check_unique(document: CapabilityDocument, findings: Findings) -> None:
    """Consumed APIs are checked by linking, where the second one's operations are added to the first."""
    for section, kind in _SECTIONS.items():
        seen: dict[tuple[str | None, str], Model] = {}
        for thing in getattr(document, section):
            namespace = getattr(thing, "namespace", None)
            # A REST and an MCP adapter of one name are two views of the same thing.
            first = seen.setdefault((getattr(thing, "type", None), namespace), thing) if namespace else thing
            if first is not thing:
                findings.at(thing.at("namespace")).warning(
                    "duplicate-namespace",
                    f"a second {kind} `{namespace}`",
                    hint="give each a namespace of its own",
                    related=(findings.position(first.at("namespace")),),
                )
