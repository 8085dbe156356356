"""Traces and metrics sent to a collector by OTLP over HTTP, in a thread of its own.

The OpenTelemetry SDK encodes and sends them (extra ``otel``): it is imported here and nowhere else, where something is
sent. Nobody waits for it. What finds no room in the queue is dropped, and so is what can't be sent; both are counted.
"""

from __future__ import annotations

import asyncio
import logging
import re
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TooLong
from dataclasses import dataclass
from time import monotonic
from typing import Final

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from naftiko.observe.figures import MetricsSnapshot
from naftiko.observe.otlp_metrics import MetricsSender
from naftiko.observe.spans import Span
from naftiko.observe.tracing import TracePart

_log = logging.getLogger(__name__)
_EXPORTERS: Final = "opentelemetry.exporter.otlp"
_CREDENTIALS: Final = re.compile(r"//[^/@\s]*@")
_KINDS: Final = {"SERVER": SpanKind.SERVER, "INTERNAL": SpanKind.INTERNAL, "CLIENT": SpanKind.CLIENT}
_OK: Final = Status(StatusCode.UNSET)
_ERROR: Final = Status(StatusCode.ERROR)
_PATIENCE: Final = 5.0
"""Seconds that the event loop has for the figures."""


@dataclass(frozen=True, slots=True)
class Sending:
    """What is sent, where to and when.

    Attributes:
        traces: the address of traces; ``""``: what the environment says; ``None``: none are sent.
        metrics: likewise of metrics.
        resource: what all of it is of.
        scope: name and version of what makes it.
        delay: seconds until spans are sent.
        queue: spans that may wait.
        batch: spans that are sent together.
        interval: seconds between two sends of metrics.
        metrics_prefix: what their names begin with.
    """

    traces: str | None
    metrics: str | None
    resource: Mapping[str, str]
    scope: tuple[str, str]
    delay: float = 5.0
    queue: int = 2048
    batch: int = 512
    interval: float = 60.0
    metrics_prefix: str = "ikanos"


class OtlpExport:
    """Sends traces and metrics.

    Args:
        sending: what, where to and when.
        figures: returns those of this process; called in the event loop.

    Attributes:
        dropped: spans that found no room, or could not be sent.
        failed: sends that failed.
    """

    def __init__(self, sending: Sending, figures: Callable[[], MetricsSnapshot] | None) -> None:
        self._sending = sending
        self._figures = figures if sending.metrics is not None else None
        self._resource = Resource(dict(sending.resource))
        self._scope = InstrumentationScope(*sending.scope)
        self._heard = _Heard()
        for name in (_EXPORTERS, "opentelemetry.sdk"):
            logger = logging.getLogger(name)
            logger.addHandler(self._heard)
            logger.propagate = False
        self._spans = None if sending.traces is None else OTLPSpanExporter(endpoint=sending.traces or None)
        self._metrics = None
        if sending.metrics is not None and figures is not None:
            self._metrics = MetricsSender(sending.metrics, self._resource, self._scope, sending.metrics_prefix)
        self._queue: deque[TracePart] = deque()
        self._size = 0
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_ending = self._is_failing = False
        self.dropped = self.failed = 0

    def begin(self) -> None:
        """Send from now on what comes in the running event loop; a fork's thread is its own."""
        if self._thread is None:
            self._loop = asyncio.get_running_loop()
            self._thread = threading.Thread(target=self._run, name="naftiko-otlp", daemon=True)
            self._thread.start()

    def take(self, part: TracePart) -> None:
        """Send a trace's part soon."""
        if self._spans is None:
            return
        amount = len(part.spans)
        with self._changed:
            if self._size + amount > self._sending.queue:
                self.dropped += amount
                return
            before, self._size = self._size, self._size + amount
            self._queue.append(part)
            if before < self._sending.batch <= self._size:
                self._changed.notify_all()

    def end(self, seconds: float) -> None:
        """Send what waits, for as long as there is time; from another thread than the event loop's, metrics, too."""
        thread = self._thread
        if thread is None:
            return
        with self._changed:
            self._is_ending = True
            self._changed.notify_all()
        thread.join(seconds)

    def _run(self) -> None:
        next_figures = monotonic() + self._sending.interval
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._is_ending or self._size >= self._sending.batch, self._wait())
                is_last = self._is_ending
            self._send_spans()
            if self._metrics is not None and (is_last or monotonic() >= next_figures):
                next_figures = monotonic() + self._sending.interval
                self._send_figures()
            if is_last:
                return

    def _wait(self) -> float:
        return self._sending.delay if self._spans is not None else min(self._sending.delay, self._sending.interval)

    def _send_spans(self) -> None:
        while self._spans is not None:
            with self._changed:
                parts: list[TracePart] = []
                amount = 0
                while self._queue and (not parts or amount + len(self._queue[0].spans) <= self._sending.batch):
                    part = self._queue.popleft()
                    parts.append(part)
                    amount += len(part.spans)
                self._size -= amount
            if not parts:
                return
            spans = [self._made(part, span) for part in parts for span in part.spans]
            is_sent = self._spans.export(spans) is SpanExportResult.SUCCESS
            if not is_sent:
                self.dropped += amount
            self._tell(is_sent=is_sent)

    def _send_figures(self) -> None:
        figures, loop = self._figures, self._loop
        if figures is None or loop is None or self._metrics is None:
            return
        asked: Future[MetricsSnapshot] = Future()

        def give() -> None:
            asked.set_result(figures())

        try:
            loop.call_soon_threadsafe(give)
            snapshot = asked.result(_PATIENCE)
        except (RuntimeError, TooLong):  # the loop has ended, or is busy: the next time then
            return
        self._tell(is_sent=self._metrics.send(snapshot))

    def _tell(self, *, is_sent: bool) -> None:
        """Say once that nothing can be sent, and once that it can be again."""
        if not is_sent:
            self.failed += 1
        if is_sent == self._is_failing:
            self._is_failing = not is_sent
            if is_sent:
                _log.info("OTLP: sent again; %d spans were lost", self.dropped)
            else:
                _log.warning("OTLP: not sent, and told once: %s", self._heard.last or "the collector refuses it")

    def _made(self, part: TracePart, span: Span) -> ReadableSpan:
        """Return a span as the SDK has it."""
        return ReadableSpan(
            name=span.name,
            context=_context(part.trace_id, span.span_id, part.state, is_remote=False),
            parent=_context(part.trace_id, span.parent_id, part.state, is_remote=False) if span.parent_id else None,
            resource=self._resource,
            attributes=span.attributes,
            events=[Event(each.name, each.attributes, each.at) for each in span.events],
            links=()
            if span.link is None
            else (Link(_context(span.link.trace_id, span.link.span_id, span.link.state, is_remote=True)),),
            kind=_KINDS[span.kind],
            status=_ERROR if span.is_error else _OK,
            start_time=span.began,
            end_time=span.ended,
            instrumentation_scope=self._scope,
        )


def _context(trace_id: str, span_id: str, state: str, *, is_remote: bool) -> SpanContext:
    states = TraceState.from_header([state]) if state else None
    return SpanContext(int(trace_id, 16), int(span_id, 16), is_remote, TraceFlags(TraceFlags.SAMPLED), states)


class _Heard(logging.Handler):
    """Keeps the last thing that the SDK complained of, which it does each time."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.last = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it, without a name and password of the address."""
        self.last = _CREDENTIALS.sub("//", record.getMessage())[:500]


def endpoint_of(base: str, signal: str) -> str:
    """Return the address of a signal below a collector's, as ``OTEL_EXPORTER_OTLP_ENDPOINT`` means it."""
    return f"{base.rstrip('/')}/v1/{signal}"


__all__: Sequence[str] = ("OtlpExport", "Sending", "endpoint_of")
