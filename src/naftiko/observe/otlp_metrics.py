"""Metrics as OTLP has them, sent by the OpenTelemetry SDK (extra ``otel``)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import starmap
from time import time_ns
from typing import Final

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricExportResult,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from naftiko.observe.figures import FamilySnapshot, MetricsSnapshot

_BEGAN: Final = time_ns()
_SUMS: Final = AggregationTemporality.CUMULATIVE


class MetricsSender:
    """Sends snapshots.

    Args:
        endpoint: where to; ``""``: what the environment says.
        resource: what they are of.
        scope: what makes them.
        prefix: of the names that are the engine's own.
    """

    def __init__(self, endpoint: str, resource: Resource, scope: InstrumentationScope, prefix: str) -> None:
        self._exporter = OTLPMetricExporter(endpoint=endpoint or None)
        self._resource = resource
        self._scope = scope
        self._prefix = prefix

    def send(self, snapshot: MetricsSnapshot) -> bool:
        """Send a snapshot; return whether the collector has taken it."""
        now = time_ns()
        metrics = [
            Metric(self._named(name), family["help"], _unit(name), self._data(family, now))
            for name, family in snapshot.items()
            if family["samples"]
        ]
        scoped = ScopeMetrics(self._scope, metrics, "")
        sent = self._exporter.export(MetricsData([ResourceMetrics(self._resource, [scoped], "")]))
        return sent is MetricExportResult.SUCCESS

    def _data(self, family: FamilySnapshot, now: int) -> Sum | Gauge | Histogram:
        if family["type"] == "histogram":
            return Histogram([*self._histograms(family, now)], _SUMS)
        points = [
            *starmap(lambda labels, value: NumberDataPoint(self._labels(labels), _BEGAN, now, value), _numbers(family))
        ]
        return Sum(points, _SUMS, is_monotonic=True) if family["type"] == "counter" else Gauge(points)

    def _histograms(self, family: FamilySnapshot, now: int) -> Iterator[HistogramDataPoint]:
        for labels, value in family["samples"]:
            if isinstance(value, dict):
                yield HistogramDataPoint(
                    attributes=self._labels(labels),
                    start_time_unix_nano=_BEGAN,
                    time_unix_nano=now,
                    count=sum(value["counts"]),
                    sum=value["sum"],
                    bucket_counts=value["counts"],
                    explicit_bounds=value["bounds"],
                    min=None,  # type: ignore[arg-type]  # as the SDK has what was not measured
                    max=None,  # type: ignore[arg-type]  # likewise
                )

    def _labels(self, labels: dict[str, str]) -> dict[str, str]:
        return {_dotted(name, self._prefix): value for name, value in labels.items()}

    def _named(self, name: str) -> str:
        return _dotted(name, self._prefix) if name.startswith("@") else name


def _numbers(family: FamilySnapshot) -> Iterator[tuple[dict[str, str], float]]:
    for labels, value in family["samples"]:
        if not isinstance(value, dict):
            yield labels, value


def _dotted(name: str, prefix: str) -> str:
    """Return a name as OpenTelemetry writes it, and the reference engine: ``ikanos.request.total``."""
    own = name.startswith("@")
    dotted = name.removeprefix("@").replace("_", ".")
    return f"{prefix}.{dotted}" if own else dotted


def _unit(name: str) -> str:
    return "s" if "seconds" in name else "By" if "bytes" in name else "1"
