"""What the policies of consumed APIs do, and how they are: as metrics, and for who asks after a server's health."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from naftiko.engine.capability import Capability
from naftiko.engine.resilience.breaker import CLOSED, HALF_OPEN, OPEN, Circuit
from naftiko.engine.resilience.bulkhead import Berths
from naftiko.engine.resilience.caching import MemoryStore
from naftiko.engine.upstream import Upstream
from naftiko.observe.exposition import added
from naftiko.observe.figures import FamilySnapshot, MetricsSnapshot

_ACTS: Final = "@policy_events_total"
_STATE: Final = "@circuit_breaker_state"
_IN_USE: Final = "@bulkhead_in_use"
_WAITING: Final = "@bulkhead_waiting"
_BYTES: Final = "@cache_bytes"
_ENTRIES: Final = "@cache_entries"
_EVICTED: Final = "@cache_evicted_total"
STATES: Final = (CLOSED, HALF_OPEN, OPEN)
"""The states of a circuit, the worst last; a metric has their place in this list."""


def policy_figures(capabilities: Iterable[Capability]) -> MetricsSnapshot:
    """Return the figures of the policies of capabilities, in the event loop that calls them; none where none is."""
    return added([each for upstream, forwards in _upstreams(capabilities) for each in _of(upstream, forwards=forwards)])


def circuits(capabilities: Iterable[Capability], now: float) -> list[dict[str, Any]]:
    """Return the circuits: ``namespace``, ``operation``, ``state``, of an open one ``retryAfter`` in seconds.

    Args:
        capabilities: whose.
        now: the event loop's time.
    """
    return [
        {
            "namespace": upstream.plan.namespace,
            "operation": circuit.operation,
            "state": circuit.state,
            **({"retryAfter": max(0, round(circuit.until - now))} if circuit.state == OPEN else {}),
        }
        for upstream, forwards in _upstreams(capabilities)
        for circuit in _circuits(upstream, forwards=forwards)
    ]


def _upstreams(capabilities: Iterable[Capability]) -> Iterator[tuple[Upstream, bool]]:
    """Yield the APIs, each with whether anything is forwarded to it."""
    for capability in capabilities:
        actions = [unit.plan.action for unit in capability.units if unit.plan.action is not None]
        forwarded = {action.forwarded.api for action in actions if action.forwarded is not None}
        yield from ((upstream, key in forwarded) for key, upstream in capability.upstreams.items())


def _circuits(upstream: Upstream, *, forwards: bool) -> Iterator[Circuit]:
    """Yield the circuits of operations, and the one of what is forwarded where anything is."""
    name = upstream.plan.namespace
    yield from (circuit for circuit in upstream.states.of(Circuit) if forwards or circuit.operation != name)


def _of(upstream: Upstream, *, forwards: bool) -> Iterator[MetricsSnapshot]:
    namespace = {"@namespace": upstream.plan.namespace}
    for (policy, operation, outcome), count in upstream.states.counts.items():
        labels = {**namespace, "operation": operation, "policy": policy, "outcome": outcome}
        said = "What policies did with calls of consumed APIs"
        yield {_ACTS: FamilySnapshot(type="counter", help=said, samples=[(labels, float(count))])}
    for circuit in _circuits(upstream, forwards=forwards):
        labels = {**namespace, "operation": circuit.operation}
        said = "The state of a circuit breaker: 0 closed, 1 half-open, 2 open"
        state = float(STATES.index(circuit.state))
        yield {_STATE: FamilySnapshot(type="gauge", help=said, merge="max", samples=[(labels, state)])}
    for berths in upstream.states.of(Berths):
        labels = {**namespace, "scope": berths.plan.scope or upstream.plan.namespace}
        in_use = "Calls that have a place of a bulkhead"
        yield {_IN_USE: FamilySnapshot(type="gauge", help=in_use, samples=[(labels, float(berths.in_use))])}
        waiting = "Calls that wait for a place of a bulkhead"
        yield {_WAITING: FamilySnapshot(type="gauge", help=waiting, samples=[(labels, float(berths.waiting))])}
    for store in upstream.states.of(MemoryStore):
        labels = {**namespace, "scope": store.scope or upstream.plan.namespace}
        taken = "Bytes that stored answers of an API take"
        yield {_BYTES: FamilySnapshot(type="gauge", help=taken, samples=[(labels, float(store.bytes))])}
        kept = "Stored answers of an API"
        yield {_ENTRIES: FamilySnapshot(type="gauge", help=kept, samples=[(labels, float(len(store)))])}
        gone = "Stored answers of an API that went to make room"
        yield {_EVICTED: FamilySnapshot(type="counter", help=gone, samples=[(labels, float(store.evicted))])}
