"""Traces: a span for each run of a unit, each step and each exchange, under the names of OpenTelemetry's conventions.

Spans are light objects of our own, whether they are kept here, written to a file or sent to a collector. A trace that
is not sampled has ids, which go on to upstreams, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import lru_cache
from random import getrandbits
from time import perf_counter_ns, time_ns
from types import TracebackType
from typing import Any, Final, Protocol

from naftiko.ground.errors import CallError
from naftiko.observe.observer import Exchange, Observer, StepRun, UnitRun
from naftiko.observe.redaction import Redactor
from naftiko.observe.requests import request_now
from naftiko.observe.trace_context import W3C, WRITERS, Parent, as_traceparent, of_headers, of_meta

SERVER: Final = "SERVER"
INTERNAL: Final = "INTERNAL"
CLIENT: Final = "CLIENT"
MOST_SPANS: Final = 1_000
"""Of one run; more are counted, and not kept."""
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY", "CONNECT", "TRACE"})
_OTHER: Final = "_OTHER"
_MCP: Final = "mcp"
_FAILED: Final = 500
_BAD: Final = 400
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
class Privacy:
    """Which attributes spans have.

    Attributes:
        allow: patterns of names; none: all.
        deny: patterns of names that are left out.
        shows_values: whether what callers send in paths and queries is among them.
    """

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    shows_values: bool = False

    @property
    def filters(self) -> bool:
        """Whether anything is left out by its name."""
        return bool(self.allow or self.deny)

    def kept(self, attributes: Mapping[str, Any]) -> dict[str, Any]:
        """Return the attributes that are shown."""
        return {name: value for name, value in attributes.items() if _is_kept(name, self.allow, self.deny)}


@lru_cache(maxsize=512)
def _is_kept(name: str, allow: tuple[str, ...], deny: tuple[str, ...]) -> bool:
    is_allowed = not allow or any(fnmatchcase(name, each) for each in allow)
    return is_allowed and not any(fnmatchcase(name, each) for each in deny)


@dataclass(frozen=True, slots=True)
class Traced:
    """How a capability is traced.

    Attributes:
        sampler: chooses.
        propagations: how a trace is told to upstreams: keys of ``WRITERS``.
    """

    sampler: Sampler = field(default_factory=Sampler)
    propagations: tuple[str, ...] = (W3C,)


class Span:
    """A span.

    Attributes:
        name: of the span.
        kind: ``SERVER``, ``INTERNAL`` or ``CLIENT``.
        span_id: 16 hexadecimal digits.
        parent_id: likewise, or ``""``.
        began: nanoseconds since the epoch.
        ended: likewise.
        attributes: by their names.
        is_error: whether it failed.
        link: a context that it has to do with, and isn't below of.
    """

    __slots__ = ("attributes", "began", "ended", "is_error", "kind", "link", "name", "parent_id", "span_id")

    def __init__(self, name: str, kind: str, parent_id: str, attributes: dict[str, Any]) -> None:
        self.name = name
        self.kind = kind
        self.span_id = new_span_id()
        self.parent_id = parent_id
        self.began = self.ended = 0
        self.attributes = attributes
        self.is_error = False
        self.link: Parent | None = None

    @property
    def milliseconds(self) -> int:
        """How long it took."""
        return round((self.ended - self.began) / 1_000_000)


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


def new_trace_id() -> str:
    """Return 32 hexadecimal digits, never all 0."""
    return f"{getrandbits(128) or 1:032x}"


def new_span_id() -> str:
    """Return 16 hexadecimal digits, never all 0."""
    return f"{getrandbits(64) or 1:016x}"


@dataclass(frozen=True, slots=True)
class _Here:
    """Where something happens: in which part of a trace, below which span."""

    part: TracePart
    span_id: str


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
        if self.starting is not None:
            starting, self.starting = self.starting, None
            starting()
        how = self.traced.get(run.capability, self.usual)
        return _UNSEEN if how is None else _Unit(self, run, how)

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

    def finish(self, part: TracePart) -> None:
        """Give away what a trace has of a run that has ended."""
        part.is_over = True
        if not part.is_sampled:
            return
        if self.privacy.filters:
            for span in part.spans:
                span.attributes = self.privacy.kept(span.attributes)
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
        self._span = span = Span("", SERVER if here is None else INTERNAL, above, {})
        span.link = link if link is not None and link.span_id else None
        if here is None:
            self._tell(part, span.span_id)
        self._token = _here.set(_Here(part, span.span_id))
        if part.is_sampled:
            span.began = part.now()

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
            _describe(span, self._run, error, self._tracer)
            part.add(span, is_root=self._part is not None)
        if self._part is not None:
            self._tracer.finish(part)


def _describe(span: Span, run: UnitRun, error: BaseException | None, tracer: Tracer) -> None:
    """Give a span of a unit its name and attributes, which are known at its end: which of several rivals ran."""
    attributes = span.attributes
    if run.caller.protocol == _MCP:
        _describe_mcp(span, run, error, tracer)
    elif run.path is not None:
        _describe_http(span, run, error, tracer)
    else:
        span.name = run.name
        span.is_error = error is not None
    address = run.caller.address
    if address is not None:
        attributes["client.address"], attributes["client.port"] = address
    if error is not None and "error.type" not in attributes:
        attributes["error.type"] = _error_type(error)
    attributes["naftiko.adapter.type"] = run.adapter
    attributes["naftiko.capability"] = run.capability
    attributes["naftiko.namespace"] = run.namespace
    attributes["naftiko.operation.id"] = run.name


def _describe_http(span: Span, run: UnitRun, error: BaseException | None, tracer: Tracer) -> None:
    """OpenTelemetry's conventions for HTTP servers."""
    asked = run.caller.method or run.method or _OTHER
    method = asked if asked in _METHODS else _OTHER
    attributes = span.attributes
    span.name = f"{method if method != _OTHER else 'HTTP'} {run.path}"
    attributes["http.request.method"] = method
    attributes["http.route"] = run.path
    if run.status:
        attributes["http.response.status_code"] = run.status
    if tracer.privacy.shows_values and run.caller.path:
        attributes["url.path"] = tracer.shown(run.caller.path)
    is_gone = error is not None and not isinstance(error, Exception)
    if is_gone or (run.status or 0) >= _FAILED:
        span.is_error = True
        attributes["error.type"] = _error_type(error) if error is not None else str(run.status)


def _describe_mcp(span: Span, run: UnitRun, error: BaseException | None, tracer: Tracer) -> None:
    """OpenTelemetry's conventions for MCP servers, which the SDK's own spans keep to as well."""
    caller, attributes = run.caller, span.attributes
    method = caller.method or "tools/call"
    is_tool = method == "tools/call"
    span.name = f"{method} {run.name}" if is_tool else method
    attributes["mcp.method.name"] = method
    if caller.version:
        attributes["mcp.protocol.version"] = caller.version
    if caller.request_id is not None:
        identity = caller.request_id
        attributes["jsonrpc.request.id"] = str(identity) if isinstance(identity, int) else tracer.shown(identity)
    if is_tool:
        attributes["gen_ai.operation.name"] = "execute_tool"
        attributes["gen_ai.tool.name"] = run.name
    attributes["network.transport"] = "pipe" if caller.address is None else "tcp"
    if error is not None or (run.status or 0) >= _BAD:
        span.is_error = True
        is_gone = error is not None and not isinstance(error, Exception)
        if is_tool and not is_gone:
            attributes["error.type"] = "tool_error"


class _Step:
    __slots__ = ("_here", "_span", "_token")

    def __init__(self, here: _Here, run: StepRun) -> None:
        self._here = here
        attributes = {"naftiko.step.name": run.name, "naftiko.step.type": run.kind}
        if run.operation:
            attributes["naftiko.step.call"] = run.operation
        self._span = Span(f"step.{run.kind}", INTERNAL, here.span_id, attributes)

    def __enter__(self) -> None:
        self._token: Token[_Here | None] = _here.set(_Here(self._here.part, self._span.span_id))
        self._span.began = self._here.part.now()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _here.reset(self._token)
        if error is not None:
            self._span.is_error = True
            self._span.attributes["error.type"] = _error_type(error)
        self._here.part.add(self._span)


class _Exchange:
    __slots__ = ("_exchange", "_here", "_own", "_span", "_tracer")

    def __init__(self, tracer: Tracer, exchange: Exchange, here: _Here, own: TracePart | None) -> None:
        self._tracer = tracer
        self._exchange = exchange
        self._here = here
        self._own = own
        part = here.part
        self._span = _client_span(exchange, here, tracer) if part.is_sampled else None
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
        if error is not None or (status or 0) >= _BAD:
            span.is_error = True
            span.attributes["error.type"] = str(status) if error is None else _error_type(error)
        part.add(span, is_root=self._own is not None)
        if self._own is not None:
            self._tracer.finish(part)


def _client_span(exchange: Exchange, here: _Here, tracer: Tracer) -> Span:
    """OpenTelemetry's conventions for HTTP clients; the address in full only where values are asked for."""
    method = exchange.method if exchange.method in _METHODS else _OTHER
    is_call = exchange.purpose == "call"
    template = _path_of(exchange.template) if is_call else ""
    attributes: dict[str, Any] = {
        "http.request.method": method,
        "server.address": exchange.server_address,
        "server.port": exchange.server_port,
    }
    if template:
        attributes["url.template"] = template
    if exchange.attempt > 1:
        attributes["http.request.resend_count"] = exchange.attempt - 1
    if tracer.privacy.shows_values:
        attributes["url.full"] = exchange.url
    attributes["naftiko.namespace"] = exchange.namespace
    if is_call:
        attributes["naftiko.operation.id"] = exchange.operation
    elif exchange.purpose == "credential":
        attributes["naftiko.purpose"] = exchange.purpose
    said = method if method != _OTHER else "HTTP"
    return Span(f"{said} {template}" if template else said, CLIENT, here.span_id, attributes)


@lru_cache(maxsize=1024)
def _path_of(template: str) -> str:
    """Return the path of a URL with placeholders, which may stand in its host as well."""
    slash, path = template.partition("://")[2].partition("/")[1:]
    return (slash + path).partition("?")[0]


def _error_type(error: BaseException) -> str:
    return error.kind if isinstance(error, CallError) else type(error).__qualname__
