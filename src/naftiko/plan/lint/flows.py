"""Steps: paths that look into steps which aren't there, or not yet."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from naftiko.document.findings import Findings
from naftiko.document.model import (
    AggregateFunction,
    CallStep,
    CapabilityDocument,
    ExposedOperation,
    LookupStep,
    McpAdapter,
    McpTool,
    RestAdapter,
    Step,
)
from naftiko.document.suggest import did_you_mean

_FIRST_NAME = re.compile(r"\s*\$\.(?!this\.)([\w-]+)(?=[.\[\s]|$)")


def check_flows(document: CapabilityDocument, findings: Findings) -> None:
    """Check the paths in the values of steps; linking has checked what a lookup searches and what mappings read."""
    for unit in units_with_steps(document):
        inputs = {given.name for given in unit.input_parameters if given.name}
        names = [step.name for step in unit.steps if step.name]
        for at, step in enumerate(unit.steps):
            earlier = [before.name for before in unit.steps[:at] if before.name]
            for path, text in _paths(step):
                first = _FIRST_NAME.match(text)
                if first is None or first[1] in inputs or _is_step(text, earlier):
                    continue
                later = f"`{first[1]}` comes later" if first[1] in names else ""
                findings.at(step.at(*path)).warning(
                    "unknown-step",
                    f"`{text.strip()}` begins with no earlier step's name; it finds nothing",
                    hint=later or did_you_mean(first[1], earlier) or _known(earlier),
                )


def units_with_steps(document: CapabilityDocument) -> Iterator[AggregateFunction | ExposedOperation | McpTool]:
    """Yield the functions, tools and routes that have steps."""
    for aggregate in document.aggregates:
        for function in getattr(aggregate, "functions", ()):
            if function.steps:
                yield function
    for adapter in document.exposes:
        if isinstance(adapter, McpAdapter):
            yield from (tool for tool in adapter.tools if tool.steps)
        elif isinstance(adapter, RestAdapter):
            for resource in adapter.resources:
                yield from (operation for operation in resource.operations if operation.steps)


def _is_step(text: str, earlier: Sequence[str]) -> bool:
    """A step's name may hold dots, so names are compared with the path, not with its first name."""
    path = text.strip().removeprefix("$.")
    return any(path == name or path.startswith((f"{name}.", f"{name}[")) for name in earlier)


def _paths(step: Step) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield the texts of a step that are paths, each with where it stands."""
    if isinstance(step, CallStep):
        for key, value in step.with_.items():
            yield from _texts(value, ("with", key))
    elif isinstance(step, LookupStep) and step.lookup_value is not None:
        yield ("lookupValue",), step.lookup_value


def _texts(value: Any, place: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(inner, (*place, key))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from _texts(inner, (*place, at))


def _known(earlier: Sequence[str]) -> str:
    return f"earlier steps: {', '.join(earlier) or 'none'}"
