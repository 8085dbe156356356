"""An adapter of somebody else: wares over HTTP, each asked for by its name. Run it, and it is ``naftiko`` with kiosks.

It is all that a kind of adapter takes: how a file declares it, how it is linked, how it is served, and one call.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self
from urllib.parse import parse_qsl, unquote

from naftiko.document.model import McpTool
from naftiko.document.model.base import NamedTuple
from naftiko.engine.capability import Unit
from naftiko.expose.selection import Selection
from naftiko.expose.spaces import Spaces
from naftiko.extend import (
    AdapterKind,
    AdapterModel,
    Announcement,
    Declaration,
    Exposed,
    Findings,
    Linker,
    Listening,
    Mounted,
    Place,
    ServedKind,
    main,
    register_adapter,
)
from naftiko.ground.errors import InputError, NaftikoError
from naftiko.link.namesakes import Evidence
from naftiko.plan.unit import AdapterPlan


class Ware(McpTool):
    """What a kiosk has."""


class KioskAdapter(AdapterModel):
    """A kiosk."""

    kind: ClassVar[str] = "kiosk"
    called: ClassVar[str] = "a kiosk adapter"
    own_keys: ClassVar[tuple[str, ...]] = ("wares",)
    content: ClassVar[tuple[str, ...]] = ("wares",)

    type: str = "kiosk"
    wares: NamedTuple[Ware] = ()


class _LinkedKiosk(AdapterKind[KioskAdapter]):
    model: ClassVar[type[AdapterModel]] = KioskAdapter
    lacks: ClassVar[str] = "ware"

    def link(self, model: KioskAdapter, linker: Linker) -> AdapterPlan:
        place = Place(self.kind, model.namespace or "")
        units = [linker.unit(ware, place) for ware in model.wares]
        return linker.adapter(model, units, kept=model.without_place(wares=()))

    def mentions(self, model: KioskAdapter) -> Iterator[tuple[str, Declaration, Evidence]]:
        for ware in model.wares:
            yield "wares", ware, Evidence(description=ware.description)

    def lint(self, model: KioskAdapter, findings: Findings) -> None:
        if len(model.wares) > 2:
            findings.at(model.at("wares")).warning("many-wares", "a kiosk is small")


@dataclass(frozen=True, slots=True)
class KioskOptions:
    """What an operator decides about kiosks."""

    selection: Selection = field(default_factory=Selection)
    host: str = ""

    def at(self, host: str, *, is_loopback: bool) -> Self:
        return replace(self, host=host)


class _Kiosk(Mounted):
    """All kiosks of a listener; each has the paths below ``/kiosk/NAMESPACE/``."""

    def __init__(self, exposed: Sequence[Exposed], options: KioskOptions, spaces: Spaces) -> None:
        super().__init__(self._answer)
        self._wares = {
            f"/kiosk/{spaces.of(adapter)}/{unit.name}": unit
            for _, adapter in exposed
            for unit in adapter.units
            if options.selection.admits(unit.namespace, unit.name)
        }

    def owns(self, path: str) -> bool:
        return path.startswith("/kiosk/")

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        unit = self._wares.get(unquote(scope["path"]))
        if unit is None:
            status, said = 404, {"error": "no such ware"}
        else:
            status, said = await self._run(unit, dict(parse_qsl(scope["query_string"].decode())))
        body = json.dumps(said).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    @staticmethod
    async def _run(unit: Unit, given: dict[str, str]) -> tuple[int, Any]:
        try:
            answer = await unit.run_checked(unit.checked(given, text=frozenset(given)))
        except InputError as error:
            return 400, {"error": str(error)}
        except NaftikoError as error:
            return 502, {"error": str(error)}
        return 200, answer.value


class _ServedKiosk(ServedKind[KioskOptions]):
    model: ClassVar[type[AdapterModel]] = KioskAdapter
    title: ClassVar[str] = "kiosks"
    nouns: ClassVar[tuple[str, ...]] = ("ware",)
    default_port: ClassVar[int] = 7070
    options = KioskOptions

    def linking(self) -> AdapterKind[Any]:
        return _LinkedKiosk()

    def mount(self, exposed: Sequence[Exposed], options: KioskOptions, spaces: Spaces) -> Mounted:
        return _Kiosk(exposed, options, spaces)

    def path(self, name: str, *, alone: bool, prefix: bool) -> str:
        return f"/kiosk/{name}"

    def key(self, unit: Unit) -> Hashable:
        return unit.name

    def what(self, unit: Unit) -> str:
        return f"the ware {unit.name}"

    def announced(self, listening: Listening) -> Iterator[Announcement]:
        yield Announcement(f"kiosks at {listening.url}: {len(listening.exposed)}", {"event": "kiosks"})


register_adapter(_ServedKiosk())

if __name__ == "__main__":
    main()
