"""Metrics: what is counted of units, steps and exchanges, under the names of the reference engine.

Nothing is counted where nobody asked for it. Counting costs about a microsecond for each thing that is counted.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from contextlib import AbstractContextManager
from time import perf_counter
from types import TracebackType
from typing import Final, TypeVar

from naftiko.ground.errors import CallError
from naftiko.observe.exposition import CONTENT_TYPE, added, exposition
from naftiko.observe.figures import (
    MOST_SERIES,
    OTHER,
    SECONDS,
    Counter,
    Family,
    FamilySnapshot,
    Histogram,
    MetricsSnapshot,
)
from naftiko.observe.observer import Exchange, Hooked, Hooking, Hooks, Observer, StepRun, UnitRun, running
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
KeyT = TypeVar("KeyT")


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
        self._ended: dict[tuple[str | int | None, ...], _Ended] = {}
        self._answered: dict[tuple[str | int | None, ...], _Ended] = {}
        self._under_way: dict[str, Counter] = {}
        self._sent: dict[str, Counter] = {}
        self._units = Hooks(self._began, self._has_ended)
        self._exchanges = Hooks(self._asked, self._was_answered)

    def unit(self, run: UnitRun, /) -> AbstractContextManager[None]:
        """Count a run of a unit."""
        return Hooked(self._units, run)

    def step(self, step: StepRun, /) -> AbstractContextManager[None]:
        """Count a step."""
        return _Step(self, step)

    def exchange(self, exchange: Exchange, /) -> AbstractContextManager[None]:
        """Count a request to an upstream."""
        return Hooked(self._exchanges, exchange)

    def hooks(self, what: Hooking, /) -> Hooks:
        """Return what counts each thing of a kind."""
        return self._units if what == "unit" else self._exchanges

    def _began(self, run: UnitRun) -> float:
        gauge = self._under_way.get(run.adapter)
        if gauge is None:
            gauge = self._under_way[run.adapter] = self.running.counter(run.adapter)
        gauge.value += 1
        return perf_counter()

    def _has_ended(self, began: float, run: UnitRun, error: BaseException | None) -> None:
        seconds = perf_counter() - began
        adapter, status, method = run.adapter, run.status or 0, run.method
        is_gone = error is not None and not isinstance(error, Exception)
        if method is None:
            asked = run.caller.method
            method = asked if asked in _METHODS or asked == _RESOURCES else OTHER
        key = (adapter, run.name, run.path, method, status, is_gone)
        known = self._ended.get(key)
        if known is None:
            known = self._remembered(self._ended, key, self._end_of(run, status, is_gone=is_gone))
        self._under_way[adapter].value -= 1
        known.counter.value += 1
        known.times.sum += seconds
        known.counts[bisect_left(SECONDS, seconds)] += 1
        if status >= known.wrong_from and not is_gone:
            self.errors.counter(_error_type(error) or str(status), adapter, _operation(run)).value += 1

    def _end_of(self, run: UnitRun, status: int, *, is_gone: bool) -> _Ended:
        is_mcp = run.adapter == _MCP
        wrong_from = _BAD if is_mcp else _FAILED
        shown = ("ERROR" if status >= wrong_from or is_gone else "OK") if is_mcp else _GONE if is_gone else str(status)
        labels = (run.adapter, _operation(run), shown)
        return _Ended(self.requests.counter(*labels), self.durations.histogram(*labels), wrong_from)

    def _asked(self, seen: Exchange) -> float:
        gauge = self._sent.get(seen.namespace)
        if gauge is None:
            gauge = self._sent[seen.namespace] = self.sending.counter(seen.namespace)
        gauge.value += 1
        return perf_counter()

    def _was_answered(self, began: float, seen: Exchange, error: BaseException | None) -> None:
        seconds = perf_counter() - began
        method = seen.method if seen.method in _METHODS else OTHER
        key = ("" if error is None else _error_type(error), method, seen.status, seen.authority)
        known = self._answered.get(key)
        if known is None:
            status = "" if seen.status is None else str(seen.status)
            labels = (key[0], method, status, seen.server_address)
            ended = _Ended(self.calls.counter(*labels), self.waits.histogram(*labels))
            known = self._remembered(self._answered, key, ended)
        self._sent[seen.namespace].value -= 1
        known.counter.value += 1
        known.times.sum += seconds
        known.counts[bisect_left(SECONDS, seconds)] += 1

    @staticmethod
    def _remembered(known: dict[KeyT, _Ended], key: KeyT, ended: _Ended) -> _Ended:
        """Keep what is counted of a key that outsiders have a part in, while there is room."""
        if len(known) < MOST_SERIES:
            known[key] = ended
        return ended


class _Ended:
    """What has ended and has the same labels: how often, and how long it took.

    Attributes:
        counter: how often.
        times: how long.
        counts: of ``times``.
        wrong_from: the least status of a failure that is counted.
    """

    __slots__ = ("counter", "counts", "times", "wrong_from")

    def __init__(self, counter: Counter, times: Histogram, wrong_from: int = _BAD) -> None:
        self.counter = counter
        self.times = times
        self.counts = times.counts
        self.wrong_from = wrong_from


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
