"""Adapters: addresses, ports, callers' authentication, routes."""

from __future__ import annotations

from naftiko.document.findings import Findings
from naftiko.document.model import AdapterModel, CapabilityDocument, ControlAdapter, Model
from naftiko.plan.adapters import KINDS
from naftiko.plan.lint.apis import bound_names, check_literals, is_example, is_loopback

_EVERYWHERE = frozenset({"0.0.0.0", "::", "[::]", "*"})  # noqa: S104  # what is looked for, not what is bound


def check_adapters(document: CapabilityDocument, findings: Findings) -> None:
    """Check every adapter of the file."""
    bound = bound_names(document)
    for adapter in document.exposes:
        if isinstance(adapter, AdapterModel):
            _check_address(adapter, findings)
        if isinstance(adapter, AdapterModel) and adapter.kind in KINDS:
            KINDS[adapter.kind].lint(adapter, findings)
        authentication = getattr(adapter, "authentication", None)
        if authentication is not None:
            check_literals(authentication, bound, findings)
    _check_control(document, findings)


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


def _check_control(document: CapabilityDocument, findings: Findings) -> None:
    controls = [adapter for adapter in document.exposes if isinstance(adapter, ControlAdapter)]
    for second in controls[1:]:
        findings.at(second.node).warning(
            "control-adapter",
            "a second control adapter: the first one is used",
            hint="remove it",
            related=(findings.position(controls[0].node),),
        )
    for control in controls:
        _check_control_port(control, document.exposes, findings)
        address = (control.address or "localhost").strip().lower()
        if not is_loopback(address):
            findings.at(control.at("address")).warning(
                "control-adapter",
                f"the control adapter listens on `{address}`, not only on this machine",
                hint="use `localhost`",
            )


def _check_control_port(control: ControlAdapter, adapters: tuple[Model, ...], findings: Findings) -> None:
    for other in adapters:
        port = getattr(other, "port", None)
        if port and port == control.port and not isinstance(other, ControlAdapter):
            findings.at(control.at("port")).warning(
                "control-adapter",
                f"the control adapter shares port {port} with another adapter",
                hint="give it a port of its own",
                related=(findings.position(other.at("port")),),
            )
