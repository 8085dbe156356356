"""Namespaces and step names."""

from __future__ import annotations

import re

from naftiko.document.findings import Findings
from naftiko.document.model import Aggregate, CapabilityDocument, Model
from naftiko.plan.lint.flows import units_with_steps

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
