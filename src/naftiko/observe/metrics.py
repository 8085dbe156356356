"""Metrics: what is counted of units, steps and exchanges, under the names of the reference engine.

Nothing is counted where nobody asked for it. Counting costs about a microsecond for each thing that is counted.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from time import perf_counter
from types import TracebackType
from typing import Final

from naftiko.ground.errors import CallError
from naftiko.observe.exposition import CONTENT_TYPE, added, exposition
from naftiko.observe.figures import MOST_SERIES, OTHER, Counter, Family, FamilySnapshot, Histogram, MetricsSnapshot
from naftiko.observe.observer import Exchange, Observer, StepRun, UnitRun, running
from naftiko.observe.process_figures import process_figures

__all__ = ["CONTENT_TYPE", "Metrics", "MetricsSnapshot", "Source", "added", "exposition"]

Source = Callable[[], MetricsSnapshot]
"""Gives families of somebody else's figures at the moment of a snapshot."""

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"})
_MCP: Final = "mcp"
_RESOURCES: Final = "resources/read"
_FAILED: Final = 500
_BAD: Final = 400
_GONE: Final = "499"
"""The status of who went away before the answer, as nginx has it."""


class Metrics:
    """The metrics of one process.

    It belongs to the event loop of the calls: nothing of it is for other threads.
    """

    def __init__(self) -> None:
        adapter, operation = "@adapter_type", "@operation_id"
        labels = (adapter, operation, "status")
        self._requests = Family("@request_total", "Total number of requests handled by the engine", "counter", labels)
        self._durations = Family(
            "@request_duration_seconds", "Duration of request handling in seconds", "histogram", labels
        )
        self._errors = Family(
            "@request_errors", "Total number of request errors", "counter", ("error_type", adapter, operation)
        )
        self._steps = Family(
            "@step_duration_seconds", "Duration of step execution in seconds", "histogram", ("@namespace", "step_type")
        )
        sent = ("error_type", "http_request_method", "http_response_status_code", "server_address")
        self._calls = Family("@http_client_total", "Total number of outbound HTTP client calls", "counter", sent)
        self._waits = Family(
            "@http_client_duration_seconds", "Duration of outbound HTTP client calls in seconds", "histogram", sent
        )
        self._running = Family("@request_in_flight", "Requests that are being handled", "gauge", (adapter,))
        self._sending = Family("@http_client_in_flight", "Outbound HTTP calls under way", "gauge", ("@namespace",))
        self._families = (
            *(self._requests, self._durations, self._errors, self._steps),
            *(self._calls, self._waits, self._running, self._sending),
        )
        self._sources: list[Source] = [process_figures]
        self._observer = _Counting(self._families)

    def observer(self) -> Observer:
        """Return what counts: the observer of ``Settings``, or one of its ``Observers``."""
        return self._observer

    def add(self, source: Source) -> None:
        """Add somebody else's figures, such as of pools: it is asked at each snapshot."""
        self._sources.append(source)

    def serves(self, capabilities: list[str]) -> None:
        """Say which capabilities are active, by what their files call themselves."""
        active: FamilySnapshot = {
            "type": "gauge",
            "help": "Number of active capabilities",
            "merge": "max",
            "samples": [({"@capability": label}, capabilities.count(label)) for label in dict.fromkeys(capabilities)],
        }
        self._sources.append(lambda: {"@capability_active": active})

    def snapshot(self) -> MetricsSnapshot:
        """Return all figures of this process now, as plain data."""
        found: MetricsSnapshot = {family.name: family.snapshot() for family in self._families}
        for source in self._sources:
            found.update(source())
        return found


class _Counting(Observer):
    """Counts what it sees. The series of what was seen before is found by one look into a dictionary."""

    def __init__(self, families: tuple[Family, ...]) -> None:
        self.requests, self.durations, self.errors, self.steps = families[:4]
        self.calls, self.waits, self.running, self.sending = families[4:]
        self._ended = _Ends(self.requests, self.durations)
        self._answered = _Ends(self.calls, self.waits)
        self._under_way: dict[tuple[Family, str], Counter] = {}

    def unit(self, run: UnitRun, /) -> AbstractContextManager[None]:
        """Count a run of a unit."""
        return _Unit(self, run)

    def step(self, step: StepRun, /) -> AbstractContextManager[None]:
        """Count a step."""
        return _Step(self, step)

    def exchange(self, exchange: Exchange, /) -> AbstractContextManager[None]:
        """Count a request to an upstream."""
        return _Exchange(self, exchange)

    def ended(self, adapter: str, operation: str, status: str, seconds: float) -> None:
        """Count a run that has ended."""
        self._ended.count((adapter, operation, status), seconds)

    def answered(self, labels: tuple[str, str, str, str], seconds: float) -> None:
        """Count a request to an upstream that has ended."""
        self._answered.count(labels, seconds)

    def under_way(self, family: Family, of: str) -> Counter:
        """Return the gauge of what is under way."""
        known = self._under_way.get((family, of))
        if known is None:
            known = self._under_way[family, of] = family.counter(of)
        return known


class _Ends:
    """What has ended, by labels: how often, and how long it took. The series of known labels are found by one look."""

    __slots__ = ("_counts", "_known", "_times")

    def __init__(self, counts: Family, times: Family) -> None:
        self._counts = counts
        self._times = times
        self._known: dict[tuple[str, ...], tuple[Counter, Histogram]] = {}

    def count(self, labels: tuple[str, ...], seconds: float) -> None:
        known = self._known.get(labels)
        if known is None:
            known = self._counts.counter(*labels), self._times.histogram(*labels)
            if len(self._known) < MOST_SERIES:
                self._known[labels] = known
        counter, histogram = known
        counter.value += 1
        histogram.observe(seconds)


class _Unit:
    __slots__ = ("_began", "_counting", "_run", "_under_way")

    def __init__(self, counting: _Counting, run: UnitRun) -> None:
        self._counting = counting
        self._run = run

    def __enter__(self) -> None:
        self._under_way = self._counting.under_way(self._counting.running, self._run.adapter)
        self._under_way.value += 1
        self._began = perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        seconds = perf_counter() - self._began
        self._under_way.value -= 1
        run, counting = self._run, self._counting
        status = run.status or 0
        is_gone = error is not None and not isinstance(error, Exception)
        is_mcp = run.adapter == _MCP
        is_wrong = not is_gone and (status >= (_BAD if is_mcp else _FAILED))
        shown = ("ERROR" if is_wrong or is_gone else "OK") if is_mcp else _GONE if is_gone else str(status)
        operation = _operation(run)
        counting.ended(run.adapter, operation, shown, seconds)
        if is_wrong:
            counting.errors.counter(_error_type(error) or str(status), run.adapter, operation).value += 1


def _operation(run: UnitRun) -> str:
    """Return the id of an operation as the reference has it: ``/ships/{id} GET``, or the name of a tool."""
    if run.path is not None:
        method = run.method or (run.caller.method if run.caller.method in _METHODS else OTHER)
        return f"{run.path} {method}"
    return f"{_RESOURCES} {run.name}" if run.caller.method == _RESOURCES else run.name


def _error_type(error: BaseException | None) -> str:
    if error is None:
        return ""
    return error.kind if isinstance(error, CallError) else type(error).__name__


class _Step:
    __slots__ = ("_began", "_counting", "_step")

    def __init__(self, counting: _Counting, step: StepRun) -> None:
        self._counting = counting
        self._step = step

    def __enter__(self) -> None:
        self._began = perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        run = running.get()
        histogram = self._counting.steps.histogram(run.namespace if run is not None else "", self._step.kind)
        histogram.observe(perf_counter() - self._began)


class _Exchange:
    __slots__ = ("_began", "_counting", "_exchange", "_under_way")

    def __init__(self, counting: _Counting, exchange: Exchange) -> None:
        self._counting = counting
        self._exchange = exchange

    def __enter__(self) -> None:
        self._under_way = self._counting.under_way(self._counting.sending, self._exchange.namespace)
        self._under_way.value += 1
        self._began = perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        seconds = perf_counter() - self._began
        self._under_way.value -= 1
        seen = self._exchange
        status = "" if seen.status is None else str(seen.status)
        failed = "" if error is None else _error_type(error)
        method = seen.method if seen.method in _METHODS else OTHER
        self._counting.answered((failed, method, status, seen.server_address), seconds)
