"""The control adapter when a file is loaded: it runs nothing, and stands beside what does."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import ClassVar

from naftiko.document.findings import Findings
from naftiko.document.model import AdapterModel, ControlAdapter
from naftiko.link.adapters.kind import AdapterKind, Linker
from naftiko.plan.unit import AdapterPlan

_MOST_SUBSCRIBERS = 20
_BUFFER_SIZES = range(10, 10_001)
_PROPAGATIONS = ("w3c", "b3")


class _Control(AdapterKind[ControlAdapter]):
    model: ClassVar[type[AdapterModel]] = ControlAdapter
    lacks: ClassVar[str] = "endpoint"
    for_operators: ClassVar[bool] = True

    def link(self, model: ControlAdapter, linker: Linker) -> AdapterPlan:
        return linker.adapter(model, (), kept=model.without_place())

    def lint(self, model: ControlAdapter, findings: Findings) -> None:
        address = (model.address or "localhost").strip().lower()
        if not _is_loopback(address):
            findings.at(model.at("address")).warning(
                "control-adapter",
                f"the control adapter listens on `{address}`, not only on this machine",
                hint="use `localhost`",
            )
        logs = model.management.logs if model.management is not None else None
        if logs is not None and not 1 <= logs.max_subscribers <= _MOST_SUBSCRIBERS:
            findings.at(logs.at("max-subscribers")).warning(
                "control-adapter",
                f"`max-subscribers: {logs.max_subscribers}` is not from 1 to {_MOST_SUBSCRIBERS}; the nearest is used",
            )
        self._lint_traces(model, findings)

    @staticmethod
    def _lint_traces(model: ControlAdapter, findings: Findings) -> None:
        traces = model.observability.traces if model.observability is not None else None
        if traces is None:
            return
        if not 0 <= traces.sampling <= 1:
            findings.at(traces.at("sampling")).warning(
                "control-adapter", f"`sampling: {traces.sampling}` is not from 0 to 1; the nearest is used"
            )
        if traces.propagation not in _PROPAGATIONS:
            findings.at(traces.at("propagation")).warning(
                "control-adapter",
                f"`propagation: {traces.propagation}` is not known; `w3c` is used",
                hint="it is `w3c` or `b3`",
            )
        size = traces.local.buffer_size if traces.local is not None else _BUFFER_SIZES.start
        if size not in _BUFFER_SIZES:
            findings.at(traces.at("local")).warning(
                "control-adapter",
                f"`buffer-size: {size}` is not from {_BUFFER_SIZES.start} to {_BUFFER_SIZES.stop - 1}; "
                "the nearest is used",
            )

    def lint_beside(self, model: ControlAdapter, adapters: Sequence[AdapterModel], findings: Findings) -> None:
        """One is enough, on a port of its own."""
        first = next(each for each in adapters if each.kind == self.kind)
        if model is not first:
            findings.at(model.node).warning(
                "control-adapter",
                "a second control adapter: one shows all that the file serves",
                hint="remove it",
                related=(findings.position(first.node),),
            )
        for other in adapters:
            if other.port and other.port == model.port and other.kind != self.kind:
                findings.at(model.at("port")).warning(
                    "control-adapter",
                    f"the control adapter shares port {other.port} with another adapter: it is not served there",
                    hint="give it a port of its own",
                    related=(findings.position(other.at("port")),),
                )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


CONTROL = _Control()
"""What operates the process."""
