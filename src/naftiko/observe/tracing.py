"""Traces: a span for each run of a unit, each step and each exchange, under the names of OpenTelemetry's conventions.

Spans are light objects of our own, whether they are kept here, written to a file or sent to a collector. A trace that
is not sampled has ids, which go on to upstreams, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from time import perf_counter_ns, time_ns
from types import TracebackType
from typing import Final, Protocol

from naftiko.observe.observer import Caller, Exchange, Observer, PolicyAct, StepRun, UnitRun
from naftiko.observe.redaction import Redactor
from naftiko.observe.requests import request_now
from naftiko.observe.spans import (
    BAD,
    INTERNAL,
    MCP,
    SERVER,
    Happened,
    Privacy,
    Span,
    client_span,
    describe,
    describe_peer,
    describe_request,
    error_type,
    new_span_id,
    new_trace_id,
)
from naftiko.observe.trace_context import W3C, WRITERS, Parent, as_traceparent, of_headers, of_meta

MOST_SPANS: Final = 1_000
"""Of one run; more are counted, and not kept."""
MOST_EVENTS: Final = 100
"""Of one span."""
_LONGEST: Final = 200
_ALL: Final = 1 << 64
_UNSEEN: Final[AbstractContextManager[None]] = nullcontext()


@dataclass(frozen=True, slots=True)
class Sampler:
    """Decides which traces are recorded.

    Attributes:
        ratio: of the traces that begin here, from 0 to 1; the same ids are chosen everywhere.
        follows: whether what a caller has decided holds.
    """

    ratio: float = 1.0
    follows: bool = True

    def takes(self, trace_id: str, parent: Parent | None) -> bool:
        """Tell whether a trace is recorded."""
        if parent is not None and self.follows and parent.is_sampled is not None:
            return parent.is_sampled
        return self.ratio >= 1 or int(trace_id[16:], 16) < self.ratio * _ALL


@dataclass(frozen=True, slots=True)
class Traced:
    """How a capability is traced.

    Attributes:
        sampler: chooses.
        propagations: how a trace is told to upstreams: keys of ``WRITERS``.
    """

    sampler: Sampler = field(default_factory=Sampler)
    propagations: tuple[str, ...] = (W3C,)


class TracePart:
    """What a trace has of one run: the run's span and those below it.

    Attributes:
        trace_id: 32 hexadecimal digits.
        state: ``tracestate``.
        is_sampled: whether it is recorded.
        adapter: the kind of the adapter, such as ``rest``; ``""`` of what no adapter began.
        spans: those that ended, the run's own last.
        dropped: how many were too many.
    """

    __slots__ = ("_offset", "adapter", "dropped", "how", "is_over", "is_sampled", "spans", "state", "trace_id")

    def __init__(self, how: Traced, parent: Parent | None, adapter: str) -> None:
        self.how = how
        self.adapter = adapter
        self.trace_id = parent.trace_id if parent is not None and parent.trace_id else new_trace_id()
        self.state = parent.state if parent is not None else ""
        self.is_sampled = how.sampler.takes(self.trace_id, parent)
        self.spans: list[Span] = []
        self.dropped = 0
        self.is_over = False
        # One clock for all of its spans, which the system's is not: somebody may set it meanwhile.
        self._offset = time_ns() - perf_counter_ns() if self.is_sampled else 0

    @property
    def root(self) -> Span:
        """The run's span."""
        return self.spans[-1]

    @property
    def is_error(self) -> bool:
        """Whether the run failed."""
        return self.root.is_error

    def now(self) -> int:
        """Return this moment, in nanoseconds since the epoch."""
        return perf_counter_ns() + self._offset

    def add(self, span: Span, *, is_root: bool = False) -> None:
        """Add a span that ends now."""
        span.ended = self.now()
        if self.is_over or (len(self.spans) >= MOST_SPANS and not is_root):
            self.dropped += 1
        else:
            self.spans.append(span)


class Sink(Protocol):
    """Takes traces, in the event loop: it must not wait."""

    def take(self, part: TracePart) -> None:
        """Take what a trace has of a run that has ended."""


@dataclass(frozen=True, slots=True)
class _Here:
    """Where something happens: in which part of a trace, below which span."""

    part: TracePart
    span_id: str
    span: Span | None = None


_here: Final[ContextVar[_Here | None]] = ContextVar("naftiko.span", default=None)


class Tracer(Observer):
    """Makes spans of what it sees.

    Args:
        privacy: which attributes they have.
        redactors: hide secrets in what comes from outside.

    Attributes:
        traced: how each capability is traced, by what its file calls itself; ``None``: it is not.
        usual: how one that isn't there is traced, and what belongs to none; ``None``: it is not.
        sinks: take the traces.
        starting: called once, in the event loop of the first run: a process that was forked has its own threads.
    """

    def __init__(self, privacy: Privacy | None = None, redactors: Sequence[Redactor] = ()) -> None:
        self.privacy: Final = privacy or Privacy()
        self.traced: dict[str, Traced | None] = {}
        self.usual: Traced | None = None
        self.sinks: list[Sink] = []
        self.starting: Callable[[], None] | None = None
        self._redactors = redactors

    def unit(self, run: UnitRun, /) -> AbstractContextManager[None]:
        """Make the span of a run; one within another is an inner span."""
        self._started()
        how = self.traced.get(run.capability, self.usual)
        return _UNSEEN if how is None else _Unit(self, run, how)

    def request(self, caller: Caller, name: str, /) -> AbstractContextManager[None]:
        """Make the span of a request of MCP that runs no unit."""
        self._started()
        if self.usual is None:
            return _UNSEEN
        return _Request(self, UnitRun("", MCP, "", name, None, None, caller), self.usual)

    def step(self, run: StepRun, /) -> AbstractContextManager[None]:
        """Make the span of a step."""
        here = _here.get()
        return _UNSEEN if here is None or not here.part.is_sampled else _Step(here, run)

    def exchange(self, exchange: Exchange, /) -> AbstractContextManager[None]:
        """Make the span of a request, and tell its upstream of it."""
        here = _here.get()
        if here is not None:
            return _Exchange(self, exchange, here, None)
        if self.usual is None:
            return _UNSEEN
        part = TracePart(self.usual, None, "")
        return _Exchange(self, exchange, _Here(part, ""), part)

    def acted(self, act: PolicyAct, /) -> None:
        """Add what a policy does to the span of the run, or the step, that it happens in."""
        here = _here.get()
        span = None if here is None else here.span
        if here is None or span is None or len(span.events) >= MOST_EVENTS:
            return
        attributes = {
            "naftiko.policy.name": act.policy,
            "naftiko.policy.outcome": act.outcome,
            "naftiko.policy.operation": act.operation,
        }
        if act.said:
            attributes["naftiko.policy.detail"] = self.shown(act.said)
        span.events = (*span.events, Happened(f"{act.policy} {act.outcome}", here.part.now(), attributes))

    def _started(self) -> None:
        if self.starting is not None:
            starting, self.starting = self.starting, None
            starting()

    def finish(self, part: TracePart) -> None:
        """Give away what a trace has of a run that has ended."""
        part.is_over = True
        if not part.is_sampled:
            return
        if self.privacy.filters:
            for span in part.spans:
                span.attributes = self.privacy.kept(span.attributes)
                for event in span.events:
                    kept = self.privacy.kept(event.attributes)
                    event.attributes.clear()
                    event.attributes.update(kept)
        for sink in self.sinks:
            sink.take(part)

    def shown(self, text: str) -> str:
        """Return text from outside, short and without secrets."""
        text = text[: 10 * _LONGEST]
        for redactor in self._redactors:
            text = redactor.redact(text)
        return text[:_LONGEST]


class _Unit:
    __slots__ = ("_how", "_part", "_run", "_span", "_token", "_tracer")

    def __init__(self, tracer: Tracer, run: UnitRun, how: Traced) -> None:
        self._tracer = tracer
        self._run = run
        self._how = how

    def __enter__(self) -> None:
        run, here = self._run, _here.get()
        link = None
        if here is None:
            # A client of MCP says in `_meta` what its request belongs to; what HTTP brings is of the way there.
            said, parent = of_meta(run.caller.meta), of_headers(run.caller.headers) if run.caller.headers else None
            if said is not None:
                link, parent = parent, said
            part = TracePart(self._how, parent, run.adapter)
            above = "" if parent is None else parent.span_id
        else:
            part, above = here.part, here.span_id
        self._part = part if here is None else None
        if part.is_sampled:
            self._span = span = Span("", SERVER if here is None else INTERNAL, above, {})
            span.link = link if link is not None and link.span_id else None
            span.began = part.now()
            span_id = span.span_id
        else:
            span, span_id = None, new_span_id()
        if here is None:
            self._tell(part, span_id)
        self._token = _here.set(_Here(part, span_id, span))

    @staticmethod
    def _tell(part: TracePart, span_id: str) -> None:
        """Say in the logs, and in the answer, which trace this is."""
        record = request_now.get()
        if record is not None:
            record.trace_id = part.trace_id
            if record.fields is not None:
                told = as_traceparent(part.trace_id, span_id, is_sampled=part.is_sampled)
                record.fields.append((b"traceparent", told.encode()))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        here = _here.get()
        _here.reset(self._token)
        if here is None:
            return
        part = here.part
        if part.is_sampled:
            span = self._span
            self._describe(span, error)
            part.add(span, is_root=self._part is not None)
        if self._part is not None:
            self._tracer.finish(part)

    def _describe(self, span: Span, error: BaseException | None) -> None:
        """Give the span its name and attributes."""
        describe(span, self._run, error, self._tracer)


class _Request(_Unit):
    """A request of MCP that is no run of a unit."""

    __slots__ = ()

    def _describe(self, span: Span, error: BaseException | None) -> None:
        """Give the span its name and attributes."""
        caller, attributes, name = self._run.caller, span.attributes, self._tracer.shown(self._run.name)
        describe_request(span, self._run, self._tracer)
        span.name = f"{caller.method} {name}" if name else caller.method
        if name:
            attributes["gen_ai.prompt.name"] = name
        if error is not None:
            span.is_error = True
            code = getattr(getattr(error, "error", None), "code", None)
            attributes["error.type"] = error_type(error) if code is None else str(code)
            if code is not None:
                attributes["rpc.response.status_code"] = str(code)
        describe_peer(span, self._run)
        attributes["naftiko.adapter.type"] = self._run.adapter


class _Step:
    __slots__ = ("_here", "_span", "_token")

    def __init__(self, here: _Here, run: StepRun) -> None:
        self._here = here
        attributes = {"naftiko.step.name": run.name, "naftiko.step.type": run.kind}
        if run.operation:
            attributes["naftiko.step.call"] = run.operation
        self._span = Span(f"step.{run.kind}", INTERNAL, here.span_id, attributes)

    def __enter__(self) -> None:
        self._token: Token[_Here | None] = _here.set(_Here(self._here.part, self._span.span_id, self._span))
        self._span.began = self._here.part.now()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _here.reset(self._token)
        if error is not None:
            self._span.is_error = True
            self._span.attributes["error.type"] = error_type(error)
        self._here.part.add(self._span)


class _Exchange:
    __slots__ = ("_exchange", "_here", "_own", "_span", "_tracer")

    def __init__(self, tracer: Tracer, exchange: Exchange, here: _Here, own: TracePart | None) -> None:
        self._tracer = tracer
        self._exchange = exchange
        self._here = here
        self._own = own
        part = here.part
        self._span = client_span(exchange, here.span_id, tracer) if part.is_sampled else None
        span_id = here.span_id if self._span is None else self._span.span_id
        for propagation in part.how.propagations:
            for name, value in WRITERS[propagation](
                part.trace_id, span_id or new_span_id(), part.is_sampled, part.state
            ):
                exchange.set_header(name, value)

    def __enter__(self) -> None:
        if self._span is not None:
            self._span.began = self._here.part.now()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        span, status, part = self._span, self._exchange.status, self._here.part
        if span is None:
            return
        if status is not None:
            span.attributes["http.response.status_code"] = status
        if error is not None or (status or 0) >= BAD:
            span.is_error = True
            span.attributes["error.type"] = str(status) if error is None else error_type(error)
        part.add(span, is_root=self._own is not None)
        if self._own is not None:
            self._tracer.finish(part)
