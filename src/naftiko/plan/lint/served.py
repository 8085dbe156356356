"""What of a file is served: adapters that nobody serves, and files and adapters that serve nothing."""

from __future__ import annotations

from naftiko.document.findings import Findings
from naftiko.document.model import AdapterModel, CapabilityDocument, Model, UnknownAdapter
from naftiko.plan.adapters import KINDS
from naftiko.plan.unit import CapabilityPlan


def check_served(document: CapabilityDocument, plan: CapabilityPlan, findings: Findings) -> None:
    """Check that a file serves something, and tell what of it nobody serves."""
    for adapter in document.exposes:
        _check_kind(adapter, findings)
    empty = [adapter for adapter in plan.adapters if not KINDS[adapter.kind].serves(adapter)]
    for bare in empty:
        here = findings.at_position(bare.position)
        name = f" `{bare.namespace}`" if bare.namespace else ""
        reason = f"the {bare.kind} adapter{name} has no {KINDS[bare.kind].lacks}"
        if len(empty) == len(plan.adapters):
            here.error("nothing-served", f"{reason}; the file serves nothing")
        else:
            here.warning("nothing-served", reason)
    if document.exposes and all(isinstance(adapter, UnknownAdapter) for adapter in document.exposes):
        findings.at(document.exposes[0].at("type")).error(
            "nothing-served", "no adapter is of a kind that is known; the file serves nothing", hint=_HINT
        )
    if not document.exposes:
        _check_import_only(document, findings)


def _check_kind(adapter: Model, findings: Findings) -> None:
    if isinstance(adapter, AdapterModel):
        if adapter.kind in KINDS:
            KINDS[adapter.kind].check_content(adapter, findings)
            return
        findings.at(adapter.at("type")).warning(
            "unserved-adapter",
            f"{adapter.called} is not served by this version: nothing listens for it",
            hint="its routes and tools may be served by a `rest` or an `mcp` adapter",
        )
    elif isinstance(adapter, UnknownAdapter) and adapter.type is None:
        findings.at(adapter.node).warning(
            "missing-type", "an adapter without a `type` is not served", hint="add `type: rest` or `type: mcp`"
        )


_HINT = "add `exposes` with a `rest` or an `mcp` adapter"


def _check_import_only(document: CapabilityDocument, findings: Findings) -> None:
    """A file without adapters is there for imports, if it has anything to import."""
    here = findings.at(document.at("exposes"))
    if document.consumes or document.aggregates or document.binds:
        here.hint("nothing-served", "the file exposes nothing: it serves nothing itself, others may import from it")
    else:
        here.error("nothing-served", "the file exposes nothing", hint=_HINT)
