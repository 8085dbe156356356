"""This process as its control adapters see it: what it serves, how it is, and what may be changed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from naftiko.document.load import load_document, parse_document
from naftiko.engine.capability import Capability
from naftiko.engine.policy_figures import circuits
from naftiko.engine.sharing import shared_figures, shared_stores
from naftiko.engine.shown import shown_document
from naftiko.expose.control import contract, merging
from naftiko.expose.control.contract import FAILED, STARTED, STOPPED, Reloading, Traces
from naftiko.expose.limiting.limiter import described, limit_figures, limiters
from naftiko.ground.errors import CapabilityError
from naftiko.ground.types import Diagnostic, Severity
from naftiko.observe.redaction import Redactor
from naftiko.observe.watching import Watch
from naftiko.serve.lives import DRAIN, UP, Lives
from naftiko.serve.logged import logger_levels, set_logger_level
from naftiko.serve.reached import reached
from naftiko.serve.structure import Structure, structural_changes

BEGAN: Final = time.monotonic()
"""When this process began, or the one that it was forked from."""


class Figures(Protocol):
    """What is measured in a process."""

    def snapshot(self) -> Mapping[str, Any]:
        """Return the figures as plain data."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where adapters of callers are served, or aren't.

    Attributes:
        file: the capability's.
        adapter: the kind of the adapter.
        namespace: its namespace.
        port: where it listens.
        is_served: tells whether it is by now.
        calls: returns the requests that its socket is at.
        reason: why it isn't, and won't be; ``""`` where it will.
    """

    file: str
    adapter: str
    namespace: str
    port: int
    is_served: Callable[[], bool]
    calls: Callable[[], Collection[asyncio.Task[None]]]
    reason: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells it from others."""
        return self.file, self.adapter, self.namespace

    def state(self, life: str) -> dict[str, Any]:
        """Return it as ``/health/ready`` shows it.

        Args:
            life: whether it takes calls: ``up``, ``drain`` or ``down``.
        """
        is_started = life == UP and self.is_served()
        state = FAILED if self.reason else STARTED if is_started else STOPPED
        said = {"type": self.adapter, "namespace": self.namespace, "port": self.port, "state": state}
        why = "it serves not yet, or no more" if life == UP else f"its lifecycle is `{life}`"
        reason = self.reason or (why if state == STOPPED else "")
        return {**said, **({"reason": reason} if reason else {}), "file": self.file}


class Operated:
    """One process that serves, as ``contract.Processes`` of itself.

    Args:
        capabilities: returns what is served by now.
        places: returns where.
        figures: what is measured; ``None``: nothing.
        traces: the last traces; ``None``: nothing is traced.
        reloading: replaces what is served; ``None``: this process can't.
        stop: ends the process in good order.
        close: told whether callers are asked to close their connections.
        call_seconds: how long a call may take.
    """

    def __init__(
        self,
        capabilities: Callable[[], Sequence[Capability]],
        places: Callable[[], Sequence[Place]],
        *,
        figures: Figures | None = None,
        traces: Traces | None = None,
        reloading: Reloading | None = None,
        stop: Callable[[], None] = lambda: None,
        close: Callable[[bool], None] = lambda _: None,
        call_seconds: float = 60.0,
    ) -> None:
        self._capabilities = capabilities
        self._places = places
        self._figures = figures
        self._traces = traces
        self.reloading = reloading
        self._lives = Lives(call_seconds)
        self._stop = stop
        self._close = close
        self._is_ending = False
        self._checking = asyncio.Lock()
        self._answers: dict[str, Callable[..., Any]] = {
            contract.ADAPTERS: self._adapters,
            contract.ABOUT: self._about,
            contract.DOCUMENTS: self._documents,
            contract.VALIDATE: self._validate,
            contract.RELOAD: self._reload,
            contract.FIGURES: self._measured,
            contract.TRACES: self._listed_traces,
            contract.TRACE: self._trace,
            contract.LOGGERS: self._loggers,
            contract.SET_LEVEL: self._set_level,
            contract.DEPENDENCIES: self._dependencies,
            contract.LIFECYCLE: self._lifecycle,
            contract.STEER: self._steer,
            contract.SCRIPTING: self._scripting,
        }

    async def ask(self, question: str, **given: Any) -> list[Any]:
        """Answer a question, as the one process that there is."""
        return [await self.answer(question, given)]

    async def answer(self, question: str, given: Mapping[str, Any]) -> Any:
        """Answer a question."""
        return await self._answers[question](**given)

    def records(self, logger: str, level: str) -> Watch:
        """Return what is logged from now on."""
        return Watch([each.variables.redactor for each in self._capabilities()], logger=logger, level=level).open()

    def _of(self, files: Sequence[str]) -> list[Capability]:
        wanted = frozenset(files)
        return [each for each in self._capabilities() if str(each.path) in wanted]

    async def _adapters(self, files: Sequence[str]) -> list[dict[str, Any]]:
        wanted = frozenset(files)
        order = {
            (str(each.path), adapter.kind, adapter.namespace): at
            for at, (each, adapter) in enumerate((each, one) for each in self._capabilities() for one in each.adapters)
        }
        found = [place for place in self._places() if place.file in wanted]
        found.sort(key=lambda place: order.get(place.key, len(order)))
        return [place.state(self._lives.of(place.key)) for place in found]

    async def _about(self, files: Sequence[str]) -> dict[str, Any]:
        is_active = self._figures is not None or self._traces is not None
        return {
            "capabilities": [
                {"display": each.label, "label": each.label, "specVersion": each.plan.version}
                for each in self._of(files)
            ],
            "uptime": round(time.monotonic() - BEGAN, 3),
            "otel": {"status": "active" if is_active else "inactive"},
            "isWhole": len(self._of(files)) == len(self._capabilities()),
            "limits": [described(each) for one in self._of(files) for each in limiters(one)],
            "circuits": circuits(self._of(files), asyncio.get_running_loop().time()),
            "shared": [each.described() for each in shared_stores(self._of(files))],
        }

    async def _documents(self, files: Sequence[str]) -> list[dict[str, Any]]:
        async with self._checking:
            return await asyncio.to_thread(lambda: [_shown(each) for each in self._of(files)])

    async def _validate(self, files: Sequence[str], text: str | None) -> dict[str, Any]:
        found = self._of(files)
        if text is not None and len(found) != 1:
            detail = f"a body is the new text of one capability, and {len(found)} are operated here"
            return {"valid": False, "reloadable": False, "structuralChanges": [], "warnings": [], "errors": [detail]}
        async with self._checking:
            checked = [await asyncio.to_thread(_checked, each, text, self.reloading) for each in found]
        joined: dict[str, Any] = {
            "valid": all(each["valid"] for each in checked),
            "reloadable": all(each["reloadable"] for each in checked),
        }
        for name in ("structuralChanges", "warnings", "errors", "diagnostics"):
            joined[name] = [one for each in checked for one in each[name]]
        return joined

    async def _reload(self, files: Sequence[str], text: str | None) -> Mapping[str, Any]:
        if self.reloading is None:
            reason = "this process doesn't read its files again while it runs; stop and start it"
            return {"status": "rejected", "reason": reason}
        return await self.reloading.reload(frozenset(files), text)

    async def stop(self) -> None:
        """End the process in good order."""
        self._stop()

    async def _lifecycle(self, files: Sequence[str]) -> list[dict[str, Any]]:
        wanted = frozenset(files)
        return [
            {
                "type": place.adapter,
                "namespace": place.namespace,
                "port": place.port,
                "state": self._lives.of(place.key),
                "inFlight": len(place.calls()),
            }
            for place in self._places()
            if place.file in wanted
        ]

    async def _steer(self, files: Sequence[str], namespace: str | None, state: str) -> list[dict[str, Any]]:
        wanted = frozenset(files)
        chosen = {
            place.key: place.calls
            for place in self._places()
            if place.file in wanted and namespace in (None, place.namespace or place.adapter)
        }
        if not chosen:
            return []
        self._lives.steer(chosen, state)
        # A process that ends answers whoever still comes: those who send calls here have not heard of it yet.
        is_ending = state == DRAIN and namespace is None and len(self._of(files)) == len(self._capabilities())
        if is_ending is not self._is_ending:
            self._is_ending = is_ending
            self._close(is_ending)
        if is_ending:
            return await self._lifecycle(files)
        for capability in self._capabilities():
            held = ((kind, name) for file, kind, name in self._lives.held if file == str(capability.path))
            capability.engine.held = frozenset(held)
        return await self._lifecycle(files)

    async def _measured(self) -> Mapping[str, Any] | None:
        if self._figures is None:
            return None
        from naftiko.engine.policy_figures import policy_figures  # noqa: PLC0415  # only where something is measured
        from naftiko.engine.pool_figures import pool_figures  # noqa: PLC0415  # likewise

        every = self._capabilities()
        own = {**self._figures.snapshot(), **pool_figures(every), **policy_figures(every), **limit_figures(every)}
        return {**own, **shared_figures(every)}

    async def _listed_traces(self, operation: str | None, status: str | None) -> dict[str, Any] | None:
        kept = self._traces
        if kept is None:
            return None
        return {
            "traces": kept.summaries(operation, status),
            "bufferSize": kept.buffer_size,
            "bufferUsed": kept.used,
        }

    async def _trace(self, id: str) -> dict[str, Any] | None:  # noqa: A002  # the name of the API
        return None if self._traces is None else self._traces.trace(id)

    async def _loggers(self) -> dict[str, Any]:
        return {**logger_levels()}

    async def _set_level(self, logger: str, level: str) -> None:
        set_logger_level(logger, level)

    async def _scripting(self, files: Sequence[str], change: Mapping[str, Any] | None) -> dict[str, Any] | None:
        """Show, or change, what scripts may do: of the first file that has some, and of all; how they went of all."""
        governances = [
            each.engine.scripting.governance for each in self._of(files) if each.engine.scripting is not None
        ]
        if not governances:
            return None
        try:
            for each in governances if change else ():
                each.change(change or {})
        except ValueError as error:
            return {"error": str(error)}
        shown = [each.show() for each in governances]
        return {**shown[0], "stats": merging.stats([each["stats"] for each in shown])}

    async def _dependencies(self, files: Sequence[str]) -> list[dict[str, Any]]:
        apis = {api.namespace: (each, api) for each in self._of(files) for api in each.plan.apis.values()}
        return list(await asyncio.gather(*(reached(each, api) for each, api in apis.values())))


def _shown(capability: Capability) -> dict[str, Any]:
    try:
        return shown_document(capability)
    except CapabilityError as error:  # the file is gone meanwhile
        return {"error": str(error)}
    finally:
        capability.forget_document()


def _checked(capability: Capability, text: str | None, reloading: Reloading | None) -> dict[str, Any]:
    """Return what a file is worth in place of the one that is served.

    Args:
        capability: what is served.
        text: of the file; ``None``: as it is.
        reloading: what would replace it; ``None``: nothing does.
    """
    settings, path = capability.settings, capability.path
    roots = {"import_root": settings.import_root, "file_roots": settings.file_roots}
    try:
        loaded = load_document(path, **roots) if text is None else parse_document(text, path, **roots)  # type: ignore[arg-type]  # as they are named
        fresh = Capability(loaded, settings)
    except CapabilityError as error:
        detail = capability.variables.redactor.redact(str(error))
        return _judged(valid=False, errors=[detail])
    found = [*fresh.diagnostics, *(fresh.lint() if fresh.usable else ())]
    redactors = (capability.variables.redactor, fresh.variables.redactor)
    diagnostics = [_described(each, redactors) for each in found]
    errors = [each["message"] for each in diagnostics if each["severity"] == Severity.ERROR.value]
    warnings = [each["message"] for each in diagnostics if each["severity"] == Severity.WARNING.value]
    warnings += [
        f"missing: {name} — blocks {', '.join(blocks)}; {fresh.variables.hint(name)}"
        for name, blocks in fresh.missing_variables().items()
    ]
    is_valid = fresh.usable and not errors
    structural = []
    if fresh.usable:
        follows = is_valid and reloading is not None and reloading.follows(capability, fresh)
        structural = structural_changes(Structure.of(capability), Structure.of(fresh), follows=follows)
    return _judged(
        valid=is_valid,
        reloadable=is_valid and reloading is not None and all(each["reloadable"] for each in structural),
        structural=structural,
        warnings=warnings,
        errors=errors,
        diagnostics=diagnostics,
    )


def _judged(
    *,
    valid: bool,
    reloadable: bool = False,
    structural: Sequence[Any] = (),
    warnings: Sequence[str] = (),
    errors: Sequence[str] = (),
    diagnostics: Sequence[Any] = (),
) -> dict[str, Any]:
    return {
        "valid": valid,
        "reloadable": reloadable,
        "structuralChanges": [*structural],
        "warnings": [*warnings],
        "errors": [*errors],
        "diagnostics": [*diagnostics],
    }


def _described(found: Diagnostic, redactors: Sequence[Redactor]) -> dict[str, Any]:
    texts = {"message": found.message, "hint": found.hint or ""}
    for redactor in redactors:
        texts = {name: redactor.redact(text) for name, text in texts.items()}
    return {
        "rule": found.rule,
        "severity": found.severity.value,
        "message": texts["message"],
        "position": str(found.position),
        **({"hint": texts["hint"]} if texts["hint"] else {}),
    }
