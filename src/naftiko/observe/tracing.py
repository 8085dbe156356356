"""Traces: a span for each run of a unit, each step and each exchange, under the names of OpenTelemetry's conventions.

Spans are light objects of our own, whether they are kept here, written to a file or sent to a collector. A trace that
is not sampled has ids, which go on to upstreams, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from math import ceil
from random import getrandbits
from time import perf_counter_ns, time_ns
from types import TracebackType
from typing import Final, Protocol, TypeAlias

from naftiko.observe.observer import Caller, Exchange, Hooked, Hooking, Hooks, Observer, PolicyAct, StepRun, UnitRun
from naftiko.observe.redaction import Redactor
from naftiko.observe.requests import RequestRecord, request_now
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
_LOW: Final = _ALL - 1
_BITS: Final = 128 + 64
"""Of the ids of a trace and of its first span."""
_ONLY_W3C: Final = (W3C,)
_UNSEEN: Final[AbstractContextManager[None]] = nullcontext()


@dataclass(frozen=True, slots=True)
class Sampler:
    """Decides which traces are recorded.

    Attributes:
        ratio: of the traces that begin here, from 0 to 1; the same ids are chosen everywhere.
        follows: whether what a caller has decided holds.
        below: a trace is recorded whose last 64 bits, as a number, are below this.
    """

    ratio: float = 1.0
    follows: bool = True
    below: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "below", ceil(min(max(self.ratio, 0.0), 1.0) * _ALL))

    def takes(self, trace_id: str, parent: Parent | None) -> bool:
        """Tell whether a trace is recorded."""
        if parent is not None and self.follows and parent.is_sampled is not None:
            return parent.is_sampled
        return int(trace_id[16:], 16) < self.below


@dataclass(frozen=True, slots=True)
class Traced:
    """How a capability is traced.

    Attributes:
        sampler: chooses.
        propagations: how a trace is told to upstreams: keys of ``WRITERS``.
        privacy: which attributes its file lets spans have, of those that the operator does.
    """

    sampler: Sampler = field(default_factory=Sampler)
    propagations: tuple[str, ...] = (W3C,)
    privacy: Privacy = field(default_factory=Privacy)


class TracePart:
    """What a trace that is recorded has of one run: the run's span and those below it.

    Attributes:
        trace_id: 32 hexadecimal digits.
        state: ``tracestate``.
        adapter: the kind of the adapter, such as ``rest``; ``""`` of what no adapter began.
        spans: those that ended, the run's own last.
        dropped: how many were too many.
    """

    __slots__ = ("_offset", "adapter", "dropped", "how", "is_over", "spans", "state", "trace_id")

    def __init__(self, how: Traced, trace_id: str, state: str, adapter: str) -> None:
        self.how = how
        self.adapter = adapter
        self.trace_id = trace_id
        self.state = state
        self.spans: list[Span] = []
        self.dropped = 0
        self.is_over = False
        # One clock for all of its spans, which the system's is not: somebody may set it meanwhile.
        self._offset = time_ns() - perf_counter_ns()

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


class _Here:
    """Where something happens in a trace that is recorded: in which part of it, below which span."""

    __slots__ = ("part", "span", "span_id")

    def __init__(self, part: TracePart, span: Span | None) -> None:
        self.part = part
        self.span = span
        self.span_id = "" if span is None else span.span_id


class _Unrecorded:
    """Where something happens in a trace that is not recorded: its ids, which go on to upstreams, and nothing else.

    It is also what began there: a run without a span.
    """

    __slots__ = ("how", "span_id", "state", "token", "trace_id", "traceparent")

    token: _Token

    def __init__(self, how: Traced, trace_id: str, span_id: str, state: str) -> None:
        self.how = how
        self.trace_id = trace_id
        self.state = state
        self.span_id = span_id
        self.traceparent = f"00-{trace_id}-{span_id}-00".encode()


_here: Final[ContextVar[_Here | _Unrecorded | None]] = ContextVar("naftiko.span", default=None)
_Token: TypeAlias = Token[_Here | _Unrecorded | None]


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
        self._units = Hooks(self._begin, self._end_unit)
        self._requests = Hooks(self._begin, self._end_request)
        self._exchanges = Hooks(self._begin_exchange, self._end_exchange)

    def unit(self, run: UnitRun, /) -> AbstractContextManager[None]:
        """Make the span of a run; one within another is an inner span."""
        return Hooked(self._units, run)

    def request(self, caller: Caller, name: str, /) -> AbstractContextManager[None]:
        """Make the span of a request of MCP that runs no unit."""
        return Hooked(self._requests, UnitRun("", MCP, "", name, None, None, caller))

    def step(self, run: StepRun, /) -> AbstractContextManager[None]:
        """Make the span of a step."""
        here = _here.get()
        return _Step(here, run) if isinstance(here, _Here) else _UNSEEN

    def exchange(self, exchange: Exchange, /) -> AbstractContextManager[None]:
        """Make the span of a request, and tell its upstream of it."""
        return Hooked(self._exchanges, exchange)

    def hooks(self, what: Hooking, /) -> Hooks:
        """Return what makes the span of each thing of a kind."""
        return self._units if what == "unit" else self._exchanges

    def _begin(self, run: UnitRun) -> _Run | _Unrecorded | None:
        """Begin the span of a run, or take note that it has none; what nobody traces is nothing at all."""
        if self.starting is not None:
            self._started()
        how = self.traced.get(run.capability, self.usual)
        if how is None:
            return None
        here = _here.get()
        if here is not None:
            return _inner(here) if isinstance(here, _Here) else None
        # A client of MCP says in `_meta` what its request belongs to; what HTTP brings is of the way there.
        caller, link = run.caller, None
        parent = of_headers(caller.headers)
        said = of_meta(caller.meta)
        if said is not None:
            link, parent = parent, said
        root = _root(how, parent, run.adapter)
        if isinstance(root, _Unrecorded):
            record = request_now.get()
            if record is not None:
                _tell(record, root.trace_id, root.traceparent)
            root.token = _here.set(root)
            return root
        part = root.part
        span = Span("", SERVER, "" if parent is None else parent.span_id, {})
        span.link = link if link is not None and link.span_id else None
        span.began = part.now()
        record = request_now.get()
        if record is not None:
            _tell(record, part.trace_id, as_traceparent(part.trace_id, span.span_id, is_sampled=True).encode())
        root.span, root.span_id = span, span.span_id
        return _Run(_here.set(root), part, span, is_root=True)

    def _end_unit(self, begun: _Run | _Unrecorded | None, run: UnitRun, error: BaseException | None) -> None:
        if begun is not None:
            _here.reset(begun.token)
            if isinstance(begun, _Run):
                describe(begun.span, run, error, self)
                self._end(begun)

    def _end_request(self, begun: _Run | _Unrecorded | None, run: UnitRun, error: BaseException | None) -> None:
        if begun is not None:
            _here.reset(begun.token)
            if isinstance(begun, _Run):
                _describe_request(begun.span, run, error, self)
                self._end(begun)

    def _end(self, begun: _Run) -> None:
        begun.part.add(begun.span, is_root=begun.is_root)
        if begun.is_root:
            self.finish(begun.part)

    def _begin_exchange(self, exchange: Exchange) -> _Sent | None:
        here, is_own = _here.get(), False
        if here is None:
            if self.usual is None:
                return None
            here, is_own = _root(self.usual, None, ""), True
        if isinstance(here, _Unrecorded):
            if here.how.propagations == _ONLY_W3C:
                exchange.set_field(b"traceparent", here.traceparent)
                if here.state:
                    exchange.set_header("tracestate", here.state)
            else:
                _pass_on(exchange, here.how, here.trace_id, here.span_id, here.state, is_sampled=False)
            return None
        part = here.part
        span = client_span(exchange, here.span_id, self)
        _pass_on(exchange, part.how, part.trace_id, span.span_id, part.state, is_sampled=True)
        span.began = part.now()
        return _Sent(part, span, is_own=is_own)

    def _end_exchange(self, sent: _Sent | None, exchange: Exchange, error: BaseException | None) -> None:
        if sent is None:
            return
        span, status = sent.span, exchange.status
        if status is not None:
            span.attributes["http.response.status_code"] = status
        if error is not None or (status or 0) >= BAD:
            span.is_error = True
            span.attributes["error.type"] = str(status) if error is None else error_type(error)
        sent.part.add(span, is_root=sent.is_own)
        if sent.is_own:
            self.finish(sent.part)

    def acted(self, act: PolicyAct, /) -> None:
        """Add what a policy does to the span of the run, or the step, that it happens in."""
        here = _here.get()
        if not isinstance(here, _Here) or here.span is None or len(here.span.events) >= MOST_EVENTS:
            return
        span = here.span
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
        for privacy in (self.privacy, part.how.privacy):
            if privacy.filters:
                _leave_out(part.spans, privacy)
        for sink in self.sinks:
            sink.take(part)

    def shown(self, text: str) -> str:
        """Return text from outside, short and without secrets."""
        text = text[: 10 * _LONGEST]
        for redactor in self._redactors:
            text = redactor.redact(text)
        return text[:_LONGEST]


class _Run:
    """A run that has begun, with its span."""

    __slots__ = ("is_root", "part", "span", "token")

    def __init__(self, token: _Token, part: TracePart, span: Span, *, is_root: bool) -> None:
        self.token = token
        self.part = part
        self.span = span
        self.is_root = is_root


class _Sent:
    """A request to an upstream that has a span; it may be all that there is of its trace."""

    __slots__ = ("is_own", "part", "span")

    def __init__(self, part: TracePart, span: Span, *, is_own: bool) -> None:
        self.part = part
        self.span = span
        self.is_own = is_own


def _root(how: Traced, parent: Parent | None, adapter: str) -> _Here | _Unrecorded:
    """Decide whether a trace is recorded, before anything is made for it."""
    if parent is None:
        number = getrandbits(_BITS)
        trace = number >> 64
        if not trace or not number & _LOW:  # which no id is
            return _root(how, parent, adapter)
        if trace & _LOW < how.sampler.below:
            return _Here(TracePart(how, f"{trace:032x}", "", adapter), None)
        ids = f"{number:048x}"
        return _Unrecorded(how, ids[:32], ids[32:], "")
    trace_id = parent.trace_id or new_trace_id()
    if how.sampler.takes(trace_id, parent):
        return _Here(TracePart(how, trace_id, parent.state, adapter), None)
    return _Unrecorded(how, trace_id, new_span_id(), parent.state)


def _inner(here: _Here) -> _Run:
    part = here.part
    span = Span("", INTERNAL, here.span_id, {})
    span.began = part.now()
    return _Run(_here.set(_Here(part, span)), part, span, is_root=False)


def _tell(record: RequestRecord, trace_id: str, traceparent: bytes) -> None:
    """Say in the logs, and in the answer, which trace this is."""
    record.trace_id = trace_id
    if record.fields is not None:
        record.fields.append((b"traceparent", traceparent))


def _pass_on(exchange: Exchange, how: Traced, trace_id: str, span_id: str, state: str, *, is_sampled: bool) -> None:
    """Tell an upstream of the trace."""
    for propagation in how.propagations:
        for name, value in WRITERS[propagation](trace_id, span_id, is_sampled, state):
            exchange.set_header(name, value)


def _leave_out(spans: Sequence[Span], privacy: Privacy) -> None:
    """Take the attributes of spans that are not to be shown."""
    for span in spans:
        span.attributes = privacy.kept(span.attributes)
        for event in span.events:
            kept = privacy.kept(event.attributes)
            event.attributes.clear()
            event.attributes.update(kept)


def _describe_request(span: Span, run: UnitRun, error: BaseException | None, tracer: Tracer) -> None:
    """Give the span of a request of MCP that is no run of a unit its name and attributes."""
    caller, attributes, name = run.caller, span.attributes, tracer.shown(run.name)
    describe_request(span, run, tracer)
    span.name = f"{caller.method} {name}" if name else caller.method
    if name:
        attributes["gen_ai.prompt.name"] = name
    if error is not None:
        span.is_error = True
        code = getattr(getattr(error, "error", None), "code", None)
        attributes["error.type"] = error_type(error) if code is None else str(code)
        if code is not None:
            attributes["rpc.response.status_code"] = str(code)
    describe_peer(span, run)
    attributes["naftiko.adapter.type"] = run.adapter


class _Step:
    __slots__ = ("_here", "_span", "_token")

    def __init__(self, here: _Here, run: StepRun) -> None:
        self._here = here
        attributes = {"naftiko.step.name": run.name, "naftiko.step.type": run.kind}
        if run.operation:
            attributes["naftiko.step.call"] = run.operation
        self._span = Span(f"step.{run.kind}", INTERNAL, here.span_id, attributes)

    def __enter__(self) -> None:
        self._token: _Token = _here.set(_Here(self._here.part, self._span))
        self._span.began = self._here.part.now()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _here.reset(self._token)
        if error is not None:
            self._span.is_error = True
            self._span.attributes["error.type"] = error_type(error)
        self._here.part.add(self._span)
