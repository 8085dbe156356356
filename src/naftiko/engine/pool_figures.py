"""How much the connections to consumed APIs have to do, as metrics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from naftiko.engine.capability import Capability
from naftiko.engine.transport import PoolFigures
from naftiko.observe.exposition import added
from naftiko.observe.figures import FamilySnapshot, HistogramValue, MetricsSnapshot

_FAMILIES: Final = {
    "@http_client_pool_limit": ("gauge", "The most calls at once to a consumed API, and connections"),
    "@http_client_pool_in_use": ("gauge", "Connections to a consumed API that a call has"),
    "@http_client_pool_waiting": ("gauge", "Calls that wait for a connection to a consumed API"),
    "@http_client_queue_refused_total": ("counter", "Calls that waited for a connection in vain"),
    "@http_client_queue_duration_seconds": ("histogram", "How long calls waited for a connection that had to"),
}


def pool_figures(capabilities: Iterable[Capability]) -> MetricsSnapshot:
    """Return the figures of the connections of capabilities, in the event loop that calls them."""
    every = [_of(namespace, figures) for namespace, figures in _pools(capabilities)]
    return added(every)  # two files may call their APIs alike


def _pools(capabilities: Iterable[Capability]) -> Iterator[tuple[str, PoolFigures]]:
    for capability in capabilities:
        for upstream in capability.upstreams.values():
            figures = upstream.figures()
            if figures is not None:
                yield upstream.plan.namespace, figures


def _of(namespace: str, figures: PoolFigures) -> MetricsSnapshot:
    values: tuple[float | HistogramValue, ...] = (
        *(figures.limit, figures.in_use, figures.waiting, figures.refused),
        figures.waits.value(),
    )
    return {
        name: FamilySnapshot(type=kind, help=said, samples=[({"@namespace": namespace}, value)])
        for (name, (kind, said)), value in zip(_FAMILIES.items(), values, strict=True)
    }
