"""Texts for people and agents: missing descriptions, and markup that runs where they are shown."""

from __future__ import annotations

import re
from collections.abc import Iterator

from naftiko.document.findings import Findings
from naftiko.document.model import (
    AdapterModel,
    Aggregate,
    CapabilityDocument,
    ConsumesHttp,
    Info,
    Model,
)
from naftiko.plan.adapters import KINDS, linked
from naftiko.plan.unit import CapabilityPlan

_RUNS = re.compile(r"<\s*script|javascript:|\beval\s*\(", re.IGNORECASE)
_TEXT_KEYS = ("description", "label")


def check_texts(document: CapabilityDocument, plan: CapabilityPlan, findings: Findings) -> None:
    """Check the texts of everything that is shown."""
    if document.info is not None:
        _check_info(document.info, findings)
    for thing in _shown(document):
        _check_markup(thing, findings)
    for what, thing in _described(document):
        if not (getattr(thing, "description", None) or "").strip():
            findings.at(thing.node).hint("missing-description", f"{what} has no description")
    for unit in plan.units:
        what = "" if (unit.description or "").strip() else KINDS[unit.adapter].undescribed(unit)
        if what:
            findings.at_position(unit.position).hint("missing-description", f"{what} has no description")


def _check_info(info: Info, findings: Findings) -> None:
    missing = [key for key in ("label", "description", "tags") if not getattr(info, key)]
    if missing:
        findings.at(info.node).hint(
            "info-incomplete",
            f"`info` has no {' and no '.join(missing)}",
            hint="catalogues and people find a capability by them",
        )


def _check_markup(thing: Model, findings: Findings) -> None:
    for key in _TEXT_KEYS:
        text = getattr(thing, key, None)
        found = _RUNS.search(text) if isinstance(text, str) else None
        if found is not None:
            findings.at(thing.at(key)).warning(
                "script-in-text",
                f"the {key} holds `{found[0].strip()}`: where it is shown as HTML, it runs",
                hint="describe it in words",
            )


def _described(document: CapabilityDocument) -> Iterator[tuple[str, Model]]:
    """Yield what should say what it is for; tools have a rule of their own."""
    for api in document.consumes:
        if isinstance(api, ConsumesHttp):
            yield f"the consumed API `{api.namespace}`", api
    for aggregate in document.aggregates:
        if isinstance(aggregate, Aggregate):
            yield from ((f"the function `{function.name}`", function) for function in aggregate.functions)
    for kind, model in linked(document):
        yield from kind.described(model)


def _shown(document: CapabilityDocument) -> Iterator[Model]:
    """Yield everything that has a label or a description which a client may show."""
    if document.info is not None:
        yield document.info
    for aggregate in document.aggregates:
        yield aggregate
        yield from getattr(aggregate, "functions", ())
    for api in document.consumes:
        yield api
        for resource in getattr(api, "resources", ()):
            yield resource
            yield from resource.operations
            for operation in resource.operations:
                yield from operation.input_parameters
    for adapter in document.exposes:
        yield adapter
        if isinstance(adapter, AdapterModel) and adapter.kind in KINDS:
            yield from KINDS[adapter.kind].shown(adapter)
