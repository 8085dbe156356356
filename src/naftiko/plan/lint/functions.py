"""Aggregates: what a function promises, against what the units that use it say of themselves."""

from __future__ import annotations

from naftiko.document.findings import Findings
from naftiko.document.model import Aggregate, AggregateFunction, CapabilityDocument
from naftiko.plan.adapters import linked


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
