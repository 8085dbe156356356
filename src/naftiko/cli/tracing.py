"""Whether anything is traced, and where to: what options, ``OTEL_*`` variables and files say of traces."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from naftiko import __version__
from naftiko.cli.files import find_files
from naftiko.cli.listening import option
from naftiko.cli.logging_options import opened
from naftiko.cli.measuring import declares_control
from naftiko.cli.otel import Otel, otel_here
from naftiko.document.model.control import Observability
from naftiko.expose.registry import KINDS
from naftiko.ground.errors import NaftikoError
from naftiko.observe.endings import at_end
from naftiko.observe.observer import Observer, Observers

if TYPE_CHECKING:
    from naftiko.cli.loading import CapabilityFiles
    from naftiko.engine.capability import Capability
    from naftiko.observe.figures import MetricsSnapshot
    from naftiko.observe.metrics import Metrics
    from naftiko.observe.redaction import Redactor
    from naftiko.observe.spans import Privacy
    from naftiko.observe.trace_ring import TraceRing
    from naftiko.observe.tracing import Traced, Tracer

_log = logging.getLogger(__name__)
_SMALLEST: Final = 10
_LARGEST: Final = 10_000
_PLACEHOLDER: Final = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")
_USUAL: Final = 100
"""Traces that are kept."""
_SCOPE: Final = ("naftiko", __version__)

_OPTIONS: Final = (
    option(
        "--trace-file",
        metavar="FILE",
        help="Append the spans of each call as a JSON line, as OTLP has them.",
    ),
    option(
        "--trace-values",
        is_flag=True,
        help="Show in spans what callers send in paths and queries: url.path, url.full; secrets stay hidden.",
    ),
    option("--trace-allow", multiple=True, metavar="PATTERN", help="Give spans only the attributes that fit, by name."),
    option("--trace-deny", multiple=True, metavar="PATTERN", help="Give spans no attribute that fits, by name."),
)


def tracing_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command."""
    for add in reversed(_OPTIONS):
        command = add(command)
    return command


class Tracing:
    """What is traced in this process.

    Args:
        given: the options of ``serve``.
        otel: what the environment says.
        redactors: those of what is served.

    Attributes:
        tracer: sees what is traced.
    """

    def __init__(self, given: Mapping[str, Any], otel: Otel, redactors: Sequence[Redactor]) -> None:
        from naftiko.observe.spans import Privacy  # noqa: PLC0415  # only where something is traced
        from naftiko.observe.tracing import Tracer  # noqa: PLC0415  # likewise

        privacy = Privacy(tuple(given["trace_allow"]), tuple(given["trace_deny"]), given["trace_values"])
        self.tracer: Final[Tracer] = Tracer(privacy, redactors)
        self._otel = otel
        self._served: Sequence[Capability] = ()
        self._file = opened(given["trace_file"], "--trace-file") if given["trace_file"] else None
        self._has_port = given["control"] is not None
        self._is_asked = self._has_port or self._file is not None or otel.sends_traces

    def trace(self, capabilities: Sequence[Capability]) -> None:
        """Trace capabilities as their files say; those that are served by now."""
        self._served = capabilities
        traced = {each.label: self._traced(each) for each in reversed(capabilities)}
        self.tracer.traced = traced
        self.tracer.usual = next((how for how in traced.values() if how is not None), None)

    def start(
        self, capabilities: Sequence[Capability], metrics: Metrics | None, files: CapabilityFiles
    ) -> TraceRing | None:
        """Trace capabilities from now on; return what keeps the last traces, where a port shows them."""
        self.trace(capabilities)
        files.served = self.trace
        resource = self._resource(capabilities)
        tracer = self.tracer
        if self._file is not None:
            from naftiko.observe.trace_file import TraceFile  # noqa: PLC0415  # only where there is one

            tracer.sinks.append(TraceFile(self._file, resource, _SCOPE))
        self._send(capabilities, metrics, resource)
        shown = [size for each in capabilities if (size := self._size(each))]
        if tracer.usual is None or not shown:
            return None
        from naftiko.observe.trace_ring import TraceRing  # noqa: PLC0415  # likewise

        ring = TraceRing(max(shown))
        tracer.sinks.append(ring)
        return ring

    def _traced(self, capability: Capability) -> Traced | None:
        """Return how a capability is traced; ``None``: it is not."""
        from naftiko.observe.tracing import Sampler, Traced  # noqa: PLC0415  # likewise

        observed = _observed(capability)
        if observed is None and not self._is_asked:
            return None
        ratio, propagations = 1.0, ("tracecontext",)
        if observed is not None:
            if not observed.enabled:
                return None
            traces = observed.traces
            if traces is not None:
                ratio = min(max(traces.sampling, 0.0), 1.0)
                propagations = ("b3multi",) if traces.propagation == "b3" else propagations
            if not (self._is_asked or self._size(capability) or _endpoint(observed)):
                return None
        sampler = self._otel.sampler or Sampler(ratio)
        if sampler.ratio == 0 and self._otel.sampler is None:
            return None
        told = propagations if self._otel.propagations is None else self._otel.propagations
        return Traced(sampler, told, _privacy(observed))

    def _size(self, capability: Capability) -> int:
        """Return how many traces are kept for a capability; 0 where no port shows them."""
        observed = _observed(capability)
        if observed is None:
            return _USUAL if self._has_port else 0
        local = observed.traces.local if observed.traces is not None else None
        if not observed.enabled or (local is not None and not local.enabled):
            return 0
        return _USUAL if local is None else min(max(local.buffer_size, _SMALLEST), _LARGEST)

    def _send(self, capabilities: Sequence[Capability], metrics: Metrics | None, resource: Mapping[str, str]) -> None:
        """Send traces and metrics to a collector, where the environment or a file names one."""
        base, told = (None, "") if self._otel.names_collector else _collector(capabilities)
        if base is None and not self._otel.sends:
            return
        sending = self._otel.sending(base, resource, _SCOPE)
        try:
            from naftiko.observe.otlp import OtlpExport  # noqa: PLC0415  # of an extra
        except ModuleNotFoundError as error:
            _log.warning('OTLP: nothing is sent, %s is not installed: pip install "naftiko[otel]"', error.name)
            return
        figures = None if metrics is None else self._with_pools(metrics)
        export = OtlpExport(sending, figures)
        self.tracer.sinks.append(export)
        self.tracer.starting = export.begin
        at_end(export.end)
        if base is not None:
            _log.info("OTLP: traces and metrics are sent to %s", told)

    def _with_pools(self, metrics: Metrics) -> Callable[[], MetricsSnapshot]:
        def figures() -> MetricsSnapshot:
            from naftiko.engine.policy_figures import policy_figures  # noqa: PLC0415  # only where something is measured
            from naftiko.engine.pool_figures import pool_figures  # noqa: PLC0415  # likewise

            return {**metrics.snapshot(), **pool_figures(self._served), **policy_figures(self._served)}

        return figures

    def _resource(self, capabilities: Sequence[Capability]) -> dict[str, str]:
        labels = list(dict.fromkeys(each.label for each in capabilities))
        name = f"naftiko-{labels[0]}" if len(labels) == 1 else "naftiko"
        return {
            "service.name": name,
            "telemetry.sdk.name": "naftiko",
            "telemetry.sdk.language": "python",
            "telemetry.sdk.version": __version__,
            **self._otel.resource,
        }


def tracing_of(given: Mapping[str, Any], paths: Sequence[str], redactors: Sequence[Redactor]) -> Tracing | None:
    """Return what traces this process, where somebody may look at it; else ``None``.

    Args:
        given: the options of ``serve``.
        paths: files, directories and patterns.
        redactors: those of what is served.
    """
    otel = otel_here()
    if otel.is_disabled:
        return None
    is_asked = given["trace_file"] or otel.sends or (given["control"] is not None and given["transport"] != "stdio")
    if not is_asked and not any(map(declares_control, find_files(paths).files)):
        return None
    return Tracing(given, otel, redactors)


def seeing(tracing: Tracing | None, metrics: Metrics | None) -> Observer | None:
    """Return what sees all that runs; traces first, so that what they take is measured by nobody."""
    observers: list[Observer] = []
    if tracing is not None:
        observers.append(tracing.tracer)
    if metrics is not None:
        observers.append(metrics.observer())
    return Observers(*observers) if len(observers) > 1 else observers[0] if observers else None


def _observed(capability: Capability) -> Observability | None:
    """Return what a file's control adapter observes; ``None`` where it has none."""
    found = (KINDS[adapter.kind].observability(adapter) for adapter in capability.adapters)
    return next((each for each in found if each is not None), None)


def _privacy(observed: Observability | None) -> Privacy:
    """Return which attributes a file lets its spans have, within those of the operator."""
    from naftiko.observe.spans import Privacy  # noqa: PLC0415  # only where something is traced

    named = None if observed is None or observed.privacy is None else observed.privacy.attributes
    return Privacy() if named is None else Privacy(named.allow, named.deny)


def _endpoint(observed: Observability | None) -> str | None:
    """Return the collector that a file names, with its placeholders."""
    if observed is None or not observed.enabled or observed.exporters is None or observed.exporters.otlp is None:
        return None
    return observed.exporters.otlp.endpoint or None


def _collector(capabilities: Sequence[Capability]) -> tuple[str | None, str]:
    """Return the collector that files name, and what says so: one process sends to one.

    Its address may be the value of a variable, and is told as the file has it.
    """
    found: dict[str, str] = {}
    for each in capabilities:
        text = _endpoint(_observed(each))
        if text is None:
            continue
        try:
            found.setdefault(_filled(text, each), f"{text}, as {each.path.name} says")
        except NaftikoError as error:
            _log.warning("%s: its collector is not known, and nothing is sent there: %s", each.path.name, error)
    if not found:
        return None, ""
    (first, told), *others = found.items()
    for _, other in others:
        _log.warning("OTLP: nothing is sent to %s: a process sends to one collector", other)
    return first, told


def _filled(text: str, capability: Capability) -> str:
    """Return a text with the values of its variables.

    Raises:
        NaftikoError: one is missing, or it is no address.
    """
    variables = capability.variables
    filled = _PLACEHOLDER.sub(lambda found: variables.value(found[1]).strip(), text).strip()
    if not filled.startswith(("http://", "https://")):
        raise NaftikoError(f"`{text}` is no http or https address")
    return filled
