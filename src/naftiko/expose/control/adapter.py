"""How control adapters are served: the operator's own port."""

from __future__ import annotations

import importlib
from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

from naftiko.document.model import AdapterModel, ControlAdapter
from naftiko.document.model.control import Observability
from naftiko.expose.control.options import ControlOptions
from naftiko.expose.control.switches import Switches
from naftiko.expose.served import Exposed, Mounted, ServedKind

if TYPE_CHECKING:
    from naftiko.engine.capability import Adapter, Unit
    from naftiko.expose.spaces import Spaces
    from naftiko.link.adapters.kind import AdapterKind


class _Control(ServedKind[ControlOptions]):
    model: ClassVar[type[AdapterModel]] = ControlAdapter
    title: ClassVar[str] = "control"
    nouns: ClassVar[tuple[str, ...]] = ("endpoint",)
    default_port: ClassVar[int] = 9464
    options = ControlOptions
    for_operators: ClassVar[bool] = True

    def linking(self) -> AdapterKind[Any]:
        from naftiko.link.adapters.control import CONTROL as LINKED  # noqa: PLC0415  # see `ServedKind`

        return LINKED

    def mount(self, exposed: Sequence[Exposed], options: ControlOptions, spaces: Spaces) -> Mounted:
        from naftiko.expose.control.mounting import build  # noqa: PLC0415  # an app is imported when one is wanted

        del spaces
        return Mounted(build(exposed, options))

    def path(self, name: str, *, alone: bool, prefix: bool) -> str:
        """Its routes are at the root of its port."""
        del name, alone, prefix
        return ""

    def key(self, unit: Unit) -> Hashable:
        return unit.name

    def what(self, unit: Unit) -> str:
        return unit.name

    def amounts(self, adapter: Adapter) -> dict[str, int]:
        return {"endpoint": len(self._routes(adapter))}

    def description(self, exposed: Exposed) -> Mapping[str, Any]:
        return {"endpoints": self._routes(exposed.adapter)}

    def shows_metrics(self, adapter: Adapter) -> bool:
        return Switches.of(cast(ControlAdapter, adapter.plan.model)).metrics

    def observability(self, adapter: Adapter) -> Observability:
        return cast(ControlAdapter, adapter.plan.model).observability or Observability()

    def prepare(self) -> None:
        importlib.import_module("naftiko.expose.control.mounting")

    @staticmethod
    def _routes(adapter: Adapter) -> list[str]:
        from naftiko.expose.control.app import routes_on  # noqa: PLC0415  # likewise

        return routes_on(Switches.of(cast(ControlAdapter, adapter.plan.model)))


CONTROL = _Control()
"""What operates the process."""
