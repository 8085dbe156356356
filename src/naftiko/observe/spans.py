"""Spans, and what they are called: the names and attributes of OpenTelemetry's conventions for HTTP and MCP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from random import getrandbits
from typing import Any, Final, NamedTuple, Protocol

from naftiko.ground.errors import CallError
from naftiko.observe.observer import Exchange, UnitRun
from naftiko.observe.trace_context import Parent

SERVER: Final = "SERVER"
INTERNAL: Final = "INTERNAL"
CLIENT: Final = "CLIENT"
MCP: Final = "mcp"
_CALL: Final = "tools/call"
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY", "CONNECT", "TRACE"})
_OTHER: Final = "_OTHER"
_FAILED: Final = 500
BAD: Final = 400


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


class Happened(NamedTuple):
    """Something that happened while a span ran.

    Attributes:
        name: what.
        at: nanoseconds since the epoch.
        attributes: by their names.
    """

    name: str
    at: int
    attributes: dict[str, Any]


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
        events: what happened while it ran.
    """

    __slots__ = ("attributes", "began", "ended", "events", "is_error", "kind", "link", "name", "parent_id", "span_id")

    def __init__(self, name: str, kind: str, parent_id: str, attributes: dict[str, Any]) -> None:
        self.name = name
        self.kind = kind
        self.span_id = new_span_id()
        self.parent_id = parent_id
        self.began = self.ended = 0
        self.attributes = attributes
        self.is_error = False
        self.link: Parent | None = None
        self.events: tuple[Happened, ...] = ()

    @property
    def milliseconds(self) -> int:
        """How long it took."""
        return round((self.ended - self.began) / 1_000_000)


def new_trace_id() -> str:
    """Return 32 hexadecimal digits, never all 0."""
    return f"{getrandbits(128) or 1:032x}"


def new_span_id() -> str:
    """Return 16 hexadecimal digits, never all 0."""
    return f"{getrandbits(64) or 1:016x}"


class Showing(Protocol):
    """What is shown in spans."""

    @property
    def privacy(self) -> Privacy:
        """Which attributes."""

    def shown(self, text: str) -> str:
        """Return text from outside, short and without secrets."""


def describe(span: Span, run: UnitRun, error: BaseException | None, tracer: Showing) -> None:
    """Give a span of a unit its name and attributes, which are known at its end: which of several rivals ran."""
    attributes = span.attributes
    if run.caller.protocol == MCP:
        _describe_mcp(span, run, error, tracer)
    elif run.path is not None:
        _describe_http(span, run, error, tracer)
    else:
        span.name = run.name
        span.is_error = error is not None
    describe_peer(span, run)
    if error is not None and "error.type" not in attributes:
        attributes["error.type"] = error_type(error)
    attributes["naftiko.adapter.type"] = run.adapter
    attributes["naftiko.capability"] = run.capability
    attributes["naftiko.namespace"] = run.namespace
    attributes["naftiko.operation.id"] = run.name


def describe_peer(span: Span, run: UnitRun) -> None:
    """Say who asks."""
    address = run.caller.address
    if address is not None:
        span.attributes["client.address"], span.attributes["client.port"] = address


def _describe_http(span: Span, run: UnitRun, error: BaseException | None, tracer: Showing) -> None:
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
        attributes["error.type"] = error_type(error) if error is not None else str(run.status)


def _describe_mcp(span: Span, run: UnitRun, error: BaseException | None, tracer: Showing) -> None:
    """OpenTelemetry's conventions for MCP servers, which the SDK's own spans keep to as well."""
    attributes = span.attributes
    is_tool = (run.caller.method or _CALL) == _CALL
    span.name = f"{_CALL} {run.name}" if is_tool else run.caller.method
    describe_request(span, run, tracer)
    if is_tool:
        attributes["gen_ai.operation.name"] = "execute_tool"
        attributes["gen_ai.tool.name"] = run.name
    if error is not None or (run.status or 0) >= BAD:
        span.is_error = True
        is_gone = error is not None and not isinstance(error, Exception)
        if is_tool and not is_gone:
            attributes["error.type"] = "tool_error"


def describe_request(span: Span, run: UnitRun, tracer: Showing) -> None:
    """Say which request of MCP it is."""
    caller, attributes = run.caller, span.attributes
    attributes["mcp.method.name"] = caller.method or _CALL
    if caller.version:
        attributes["mcp.protocol.version"] = caller.version
    if caller.request_id is not None:
        identity = caller.request_id
        attributes["jsonrpc.request.id"] = str(identity) if isinstance(identity, int) else tracer.shown(identity)
    attributes["network.transport"] = "pipe" if caller.address is None else "tcp"


def client_span(exchange: Exchange, parent_id: str, tracer: Showing) -> Span:
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
    return Span(f"{said} {template}" if template else said, CLIENT, parent_id, attributes)


@lru_cache(maxsize=1024)
def _path_of(template: str) -> str:
    """Return the path of a URL with placeholders, which may stand in its host as well."""
    slash, path = template.partition("://")[2].partition("/")[1:]
    return (slash + path).partition("?")[0]


def error_type(error: BaseException) -> str:
    """Return what kind of failure it is: the word of a problem document, or the name of an error's class."""
    return error.kind if isinstance(error, CallError) else type(error).__qualname__
