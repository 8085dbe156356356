"""Adapters: addresses, ports, callers' authentication, routes; and what of a file nobody serves."""

from __future__ import annotations

from naftiko.document.findings import Findings
from naftiko.document.model import AdapterModel, CapabilityDocument, Model, UnknownAdapter
from naftiko.link.adapters import KINDS
from naftiko.link.lint.apis import bound_names, check_literals, is_example
from naftiko.plan.unit import CapabilityPlan


def check_served(document: CapabilityDocument, plan: CapabilityPlan, findings: Findings) -> None:
    """Check that a file serves something, and tell what of it nobody serves."""
    for adapter in document.exposes:
        _check_kind(adapter, findings)
    empty = [adapter for adapter in plan.adapters if not KINDS[adapter.kind].serves(adapter)]
    for_callers = [adapter for adapter in plan.adapters if not KINDS[adapter.kind].for_operators]
    for bare in empty:
        here = findings.at_position(bare.position)
        name = f" `{bare.namespace}`" if bare.namespace else ""
        reason = f"the {bare.kind} adapter{name} has no {KINDS[bare.kind].lacks}"
        if len(empty) == len(for_callers):
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


_EVERYWHERE = frozenset({"0.0.0.0", "::", "[::]", "*"})  # noqa: S104  # what is looked for, not what is bound


def check_adapters(document: CapabilityDocument, findings: Findings) -> None:
    """Check every adapter of the file."""
    bound = bound_names(document)
    adapters = [adapter for adapter in document.exposes if isinstance(adapter, AdapterModel)]
    for adapter in document.exposes:
        if isinstance(adapter, AdapterModel):
            _check_address(adapter, findings)
        if isinstance(adapter, AdapterModel) and adapter.kind in KINDS:
            KINDS[adapter.kind].lint(adapter, findings)
            KINDS[adapter.kind].lint_beside(adapter, adapters, findings)
        authentication = getattr(adapter, "authentication", None)
        if authentication is not None:
            check_literals(authentication, bound, findings)


def _check_address(adapter: AdapterModel, findings: Findings) -> None:
    address = (adapter.address or "").strip().lower()
    here = findings.at(adapter.at("address"))
    if is_example(address):
        here.warning(
            "example-host", f"`{address}` is a name for examples: nothing can listen there", hint="use `127.0.0.1`"
        )
    if address in _EVERYWHERE and adapter.authentication is None and adapter.listens:
        here.warning(
            "open-address",
            f"`{address}` listens on every network of the machine, and callers need no authentication",
            hint="add an `authentication` to the adapter, or listen on `127.0.0.1`",
        )
