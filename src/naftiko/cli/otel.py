"""What the environment says of OpenTelemetry: the ``OTEL_*`` variables that every program of it knows.

Addresses, headers, time limits and certificates of collectors are read by the SDK itself, where something is sent.
"""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import unquote

if TYPE_CHECKING:
    from naftiko.observe.otlp import Sending
    from naftiko.observe.tracing import Sampler

_log = logging.getLogger(__name__)
_PROTOCOL: Final = "http/protobuf"
_SAMPLERS: Final = ("always_on", "always_off", "traceidratio")
_FOLLOWING: Final = "parentbased_"
_PROPAGATORS: Final = {"tracecontext": "tracecontext", "b3": "b3", "b3multi": "b3multi"}


@dataclass(frozen=True, slots=True)
class Otel:
    """What it says.

    Attributes:
        is_disabled: nothing is traced and nothing sent.
        sends_traces: whether traces are sent.
        sends_metrics: whether metrics are.
        names_collector: whether it says where to.
        sampler: which traces are recorded; ``None``: it doesn't say.
        propagations: how upstreams are told of them; ``None``: it doesn't say.
        resource: what the spans are of.
        numbers: delay, queue, batch, interval; as ``Sending`` has them.
    """

    is_disabled: bool = False
    sends_traces: bool = False
    sends_metrics: bool = False
    names_collector: bool = False
    sampler: Sampler | None = None
    propagations: tuple[str, ...] | None = None
    resource: Mapping[str, str] = field(default_factory=dict)
    numbers: Mapping[str, float] = field(default_factory=dict)

    @property
    def sends(self) -> bool:
        """Whether anything is sent."""
        return self.sends_traces or self.sends_metrics

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Self:
        """Read it; what is empty is as if it weren't there, as OpenTelemetry wants it."""
        said = {
            name: text for name, value in environment.items() if name.startswith("OTEL_") and (text := value.strip())
        }
        if not said:
            return cls()
        is_disabled = said.get("OTEL_SDK_DISABLED", "").lower() == "true"
        sends = {signal: not is_disabled and _sends(said, signal) for signal in ("TRACES", "METRICS")}
        return cls(
            is_disabled=is_disabled,
            sends_traces=sends["TRACES"],
            sends_metrics=sends["METRICS"],
            names_collector=any(
                f"OTEL_EXPORTER_OTLP_{signal}ENDPOINT" in said for signal in ("", "TRACES_", "METRICS_")
            ),
            sampler=_sampler(said),
            propagations=_propagations(said),
            resource=_resource(said),
            numbers=_numbers(said),
        )

    def sending(self, base: str | None, resource: Mapping[str, str], scope: tuple[str, str]) -> Sending:
        """Return what is sent, and where to.

        Args:
            base: the collector that a file names; ``None``: the environment does.
            resource: what it is of.
            scope: name and version of what makes it.
        """
        from naftiko.observe.otlp import Sending, endpoint_of  # noqa: PLC0415  # of an extra

        here = {**resource, "service.instance.id": secrets.token_hex(8)}
        if base is not None:
            traces: str | None = endpoint_of(base, "traces")
            metrics: str | None = endpoint_of(base, "metrics")
        else:
            traces, metrics = ("" if self.sends_traces else None), ("" if self.sends_metrics else None)
        numbers = {name: int(value) if name in ("queue", "batch") else value for name, value in self.numbers.items()}
        return Sending(traces, metrics, here, scope, **numbers)  # type: ignore[arg-type]  # as they are named


@cache
def otel_here() -> Otel:
    """Return what the environment of this process says; what is wrong with it is told once."""
    found = Otel.of(os.environ)
    named = os.environ.get("OTEL_PROPAGATORS", "")
    if named:  # OpenTelemetry's API, which the MCP SDK imports, fails where one of them is not installed
        known = {each.name for each in entry_points(group="opentelemetry_propagator")}
        kept = [each for each in map(str.strip, named.split(",")) if each in known]
        os.environ["OTEL_PROPAGATORS"] = ",".join(kept) or "none"
    return found


def _sends(said: Mapping[str, str], signal: str) -> bool:
    """Tell whether a signal is sent: somebody names a collector, or the exporter."""
    exporters = {each.strip() for each in said.get(f"OTEL_{signal}_EXPORTER", "").split(",")} - {""}
    if exporters:
        wanted = "otlp" in exporters
    else:
        wanted = "OTEL_EXPORTER_OTLP_ENDPOINT" in said or f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT" in said
    if not wanted:
        return False
    usual = said.get("OTEL_EXPORTER_OTLP_PROTOCOL", _PROTOCOL)
    protocol = said.get(f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL", usual)
    if protocol != _PROTOCOL:
        _log.warning(
            "OTEL_EXPORTER_OTLP_PROTOCOL: %s is spoken, not `%s`, no %s are sent; it is on port 4318 of a collector",
            *(_PROTOCOL, protocol[:40], signal.lower()),
        )
    return protocol == _PROTOCOL


def _sampler(said: Mapping[str, str]) -> Sampler | None:
    named = said.get("OTEL_TRACES_SAMPLER", "").lower()
    kind = named.removeprefix(_FOLLOWING)
    if not named:
        return None
    if kind not in _SAMPLERS:
        _log.warning("OTEL_TRACES_SAMPLER: `%s` is not known, and not used", named[:40])
        return None
    from naftiko.observe.tracing import Sampler  # noqa: PLC0415  # only where something is traced

    ratio = {"always_on": 1.0, "always_off": 0.0}.get(kind)
    if ratio is None:
        ratio = _ratio(said.get("OTEL_TRACES_SAMPLER_ARG", "1"))
    return Sampler(ratio, follows=named.startswith(_FOLLOWING))


def _ratio(text: str) -> float:
    try:
        ratio = float(text)
    except ValueError:
        ratio = -1.0
    if not 0 <= ratio <= 1:
        _log.warning("OTEL_TRACES_SAMPLER_ARG: `%s` is no number from 0 to 1; all are taken", text[:40])
        return 1.0
    return ratio


def _propagations(said: Mapping[str, str]) -> tuple[str, ...] | None:
    if "OTEL_PROPAGATORS" not in said:
        return None
    names = [each.strip().lower() for each in said["OTEL_PROPAGATORS"].split(",")]
    return tuple(dict.fromkeys(_PROPAGATORS[each] for each in names if each in _PROPAGATORS))


def _resource(said: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for each in said.get("OTEL_RESOURCE_ATTRIBUTES", "").split(","):
        name, equals, value = each.partition("=")
        if equals and name.strip():
            found[name.strip()] = unquote(value.strip())
    if "OTEL_SERVICE_NAME" in said:
        found["service.name"] = said["OTEL_SERVICE_NAME"]
    return found


def _numbers(said: Mapping[str, str]) -> dict[str, float]:
    """Return the numbers that are said; times are milliseconds there, and seconds here."""
    known = {
        "delay": ("OTEL_BSP_SCHEDULE_DELAY", 1000),
        "queue": ("OTEL_BSP_MAX_QUEUE_SIZE", 1),
        "batch": ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 1),
        "interval": ("OTEL_METRIC_EXPORT_INTERVAL", 1000),
    }
    found = {}
    for name, (variable, part) in known.items():
        text = said.get(variable, "")
        if text.isdecimal() and int(text) > 0:
            found[name] = int(text) / part
    return found
