"""Values that look like references and are none: they are sent as the text they are (SEMANTICS 3.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from naftiko.document.findings import Findings
from naftiko.document.model import CapabilityDocument, Model
from naftiko.document.suggest import nearest
from naftiko.plan.adapters import units_of
from naftiko.plan.references import ADAPTER_PREFIXES

_DOTTED = re.compile(r"(?P<prefix>[A-Za-z][\w-]*)\.(?P<name>[\w$@][\w.$@\[\]-]*)")


def check_references(document: CapabilityDocument, findings: Findings) -> None:
    """Check the ``with`` of every unit, function and step."""
    prefixes = _prefixes(document)
    for thing, steps in callers(document):
        with_: Mapping[str, Any] = getattr(thing, "with_", {})
        for key, value in with_.items():
            found = _DOTTED.fullmatch(value) if isinstance(value, str) else None
            if found is None or found["prefix"] in prefixes:
                continue
            meant = _meant(found["prefix"], found["name"], prefixes, steps)
            if meant is not None:
                findings.at(thing.at("with", key)).warning(
                    "misspelt-reference",
                    f"`{value}` is no reference: it is sent as this text",
                    hint=f"did you mean `{meant}`?",
                )


def _prefixes(document: CapabilityDocument) -> frozenset[str]:
    named = {getattr(thing, "namespace", None) for thing in (*document.exposes, *document.aggregates)}
    return ADAPTER_PREFIXES | {name for name in named if name}


def _meant(prefix: str, name: str, prefixes: frozenset[str], steps: frozenset[str]) -> str | None:
    if prefix in steps:
        return f"$.{prefix}.{name}"
    near = nearest(prefix, prefixes)
    return None if near is None else f"{near}.{name}"


def callers(document: CapabilityDocument) -> Iterator[tuple[Model, frozenset[str]]]:
    """Yield what has a ``with``, each with the names of its unit's steps."""
    for unit in _units(document):
        steps = getattr(unit, "steps", ())
        names = frozenset(step.name for step in steps if step.name)
        yield unit, names
        for step in steps:
            yield step, names


def _units(document: CapabilityDocument) -> Iterator[Model]:
    for aggregate in document.aggregates:
        yield from getattr(aggregate, "functions", ())
    yield from units_of(document)
