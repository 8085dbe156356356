"""Aggregates: what a function promises, against what the units that use it say of themselves."""

from __future__ import annotations

from collections.abc import Iterator

from naftiko.document.findings import Findings
from naftiko.document.model import (
    Aggregate,
    AggregateFunction,
    CapabilityDocument,
    ExposedOperation,
    McpAdapter,
    McpTool,
    RestAdapter,
    Semantics,
)


def check_functions(document: CapabilityDocument, findings: Findings) -> None:
    """Check semantics of functions against hints and methods (RFC 9110 chapter 9.2)."""
    functions = _functions(document)
    if not functions:
        return
    for unit in _units(document):
        function = functions.get((unit.ref or "").strip())
        semantics = function.semantics if function is not None else None
        if semantics is None:
            continue
        conflicts = _of_tool(unit, semantics) if isinstance(unit, McpTool) else _of_route(unit, semantics)
        for conflict in conflicts:
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


def _units(document: CapabilityDocument) -> Iterator[ExposedOperation | McpTool]:
    for adapter in document.exposes:
        if isinstance(adapter, McpAdapter):
            yield from adapter.tools
        elif isinstance(adapter, RestAdapter):
            for resource in adapter.resources:
                yield from resource.operations


def _of_tool(tool: McpTool, semantics: Semantics) -> Iterator[str]:
    hints = tool.hints
    if hints is None:
        return
    if semantics.safe and hints.read_only is False:
        yield "is safe, but the tool says it is not read-only"
    if semantics.safe and hints.destructive:
        yield "is safe, but the tool says it is destructive"
    if semantics.safe is False and hints.read_only:
        yield "is not safe, but the tool says it is read-only"
    if None not in {semantics.idempotent, hints.idempotent} and semantics.idempotent != hints.idempotent:
        yield "and the tool disagree on whether it is idempotent"


def _of_route(operation: ExposedOperation, semantics: Semantics) -> Iterator[str]:
    method = (operation.method or "GET").upper()
    if semantics.safe and method not in {"GET", "HEAD", "OPTIONS"}:
        yield f"is safe, but the route is a {method}"
    if semantics.safe is False and method in {"GET", "HEAD"}:
        yield f"is not safe, but the route is a {method}, which caches and crawlers call freely"
    if semantics.idempotent and method == "POST":
        yield "is idempotent, but the route is a POST"
