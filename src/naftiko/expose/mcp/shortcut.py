"""The short way of a tool call or a list of tools over HTTP, for both eras of the protocol.

Nine of ten requests are a ``tools/call`` that is in order and wants one JSON answer. The SDK makes a connection, a
session, a context and three models of its result for each, and writes it twice: more work than the call itself (see
docs/performance.md). So such a request is answered here: the SDK's own checks decide whether it is in order, and
whatever isn't, or is anything else, goes the SDK's way, which also says what is wrong with it. So does everything where
somebody has put middleware around the SDK's handlers. Its span is opened here as well, where spans are collected.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.inbound import InboundModernRoute, classify_inbound_request, find_duplicated_routing_header
from mcp_types import DEFAULT_NEGOTIATED_VERSION, SERVER_INFO_META_KEY
from mcp_types.methods import serialize_server_result, validate_client_request
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from opentelemetry import trace
from pydantic import ValidationError

from naftiko.engine.process_pool.outside import ROLE
from naftiko.engine.request import dump_json
from naftiko.expose.mcp import revisions
from naftiko.expose.mcp.callers import arrived, asked_by
from naftiko.expose.mcp.exact_numbers import unmarked
from naftiko.expose.mcp.incoming import VERSION_HEADER, is_of_another_revision
from naftiko.expose.mcp.tools import ToolBook
from naftiko.ground import jsontext
from naftiko.observe.observer import Caller
from naftiko.observe.requests import request_now

_CALL: Final = "tools/call"
_LIST: Final = "tools/list"
_CALL_MARK: Final = b'"tools/call"'
_LIST_MARK: Final = b'"tools/list"'
_REQUIRED: Final = frozenset({"jsonrpc", "id", "method"})
_MEMBERS: Final = _REQUIRED | {"params"}
_PARAMETERS: Final = {_CALL: frozenset({"name", "arguments", "_meta"}), _LIST: frozenset({"_meta"})}
_LONGEST_META: Final = 2048
"""Bytes of the ``_meta`` of a request that is remembered."""
_PARAMETER_HEADER: Final = "mcp-param-"
_JSON: Final = frozenset({"application/json", "application/*", "*/*"})
_USUAL: Final = [*map(type, Server[Any]("usual").middleware)]
"""What the SDK puts around each request: a span. Whoever puts more there wants to see the requests themselves."""
_UNKNOWN: Final = object()


class Shortcut:
    """Answers tool calls that are in order, and lists of tools.

    Args:
        server: the SDK's server, which says who it is and how long a list may be kept.
        tools: its tools.
    """

    def __init__(self, server: Server[Any], tools: ToolBook) -> None:
        self._tools = tools
        self._server = server
        self._stamp = {SERVER_INFO_META_KEY: server.server_info_stamp}
        self._lists: dict[str, bytes] = {}

    async def answer(self, headers: Sequence[tuple[str, str]], body: bytes) -> bytes | None:
        """Return the body of the answer, which is 200 and JSON; ``None`` where the request is to go the SDK's way.

        Args:
            headers: of the request, as ``read_headers`` returns them.
            body: of the request.
        """
        if (_CALL_MARK not in body and _LIST_MARK not in body) or [*map(type, self._server.middleware)] != _USUAL:
            return None
        request = _in_order(headers, body)
        if request is None or not self._has(request):
            return None
        record = request_now.get()
        if record is not None:
            record.rpc = request.method
        answering = self._listed(request) if request.method == _LIST else self._called(request)
        if self._tools.is_observed:
            answering = asked_by(_caller(request), answering)
        result = await (self._in_span(request, answering) if _is_traced() else answering)
        if isinstance(result, dict):
            result = dump_json(result)
        identity = request.identity
        told = b"%d" % identity if isinstance(identity, int) else dump_json(identity)
        return b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (told, result)

    def _has(self, request: _Request) -> bool:
        """Tell whether what is asked for is here, and nothing that the SDK has to look at before."""
        if request.method == _LIST:
            return self._server.get_request_handler(_LIST) is not None
        name = request.params["name"]
        # An argument may be mirrored in a header (`x-mcp-header`): the SDK compares the two.
        return self._tools.has(name) and not self._tools.has_mirrored_arguments(name)

    async def _listed(self, request: _Request) -> dict[str, Any] | bytes:
        observer = self._tools.requests
        if observer is None:
            return self._list(request.version)
        with observer.request(_caller(request), ""):
            return self._list(request.version)

    async def _in_span(self, request: _Request, answering: Awaitable[dict[str, Any] | bytes]) -> Any:
        """Answer within the span that the SDK opens around a request: its own middleware does it."""

        async def answer(_context: ServerRequestContext[Any, Any]) -> Any:
            return await answering

        call: Any = answer
        for middleware in reversed(self._server.middleware):
            call = partial(middleware, call_next=call)
        return await call(_Context(request.method, request.params, request.version, request.identity))

    def _list(self, version: str) -> bytes:
        """Return the list of tools, which is the same every time."""
        known = self._lists.get(version)
        if known is None:
            modern = revisions.is_modern(version)
            hint = self._server.cache_hints[_LIST]
            listed = {"ttlMs": hint.ttl_ms, "cacheScope": hint.scope, **self._tools.listed(modern=modern)}
            shown = serialize_server_result(_LIST, version, listed)
            known = self._lists[version] = unmarked(dump_json({**shown, "_meta": self._stamp} if modern else shown))
        return known

    async def _called(self, request: _Request) -> dict[str, Any] | bytes:
        name = request.params["name"]
        result = await self._tools.result(name, request.params.get("arguments") or {}, request.version)
        if result is None:
            raise LookupError(name)  # `_has` said that there is one
        return self.dressed(result, request.version)

    def dressed(self, result: dict[str, Any], version: str) -> dict[str, Any]:
        """Return the result of a call as a revision has it."""
        if revisions.is_modern(version):
            result["_meta"] = {**result["_meta"], **self._stamp} if "_meta" in result else self._stamp
        else:
            del result["resultType"]
        return result


def _is_traced() -> bool:
    """Tell whether somebody collects spans: to open one for nobody takes a tenth of a quick call."""
    # Where no provider is set, `get_tracer_provider` looks into the environment each time, which takes 2.5 µs.
    if getattr(trace, "_TRACER_PROVIDER", _UNKNOWN) is None or ROLE.outside is not None:
        return False
    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider | trace.NoOpTracerProvider)


@dataclass(frozen=True, slots=True)
class _Context:
    """What the SDK's middleware of spans looks at in a request's context."""

    method: str
    params: Mapping[str, Any]
    protocol_version: str
    request_id: int | str

    @property
    def meta(self) -> Mapping[str, Any] | None:
        """The ``_meta`` of its parameters."""
        return self.params.get("_meta")


def _caller(request: _Request) -> Caller:
    """Return who asks, for an observer: the same as of a request that goes the SDK's way."""
    scope = arrived.get()
    return Caller(
        protocol="mcp",
        headers=scope.get("headers", ()),
        method=request.method,
        path=scope.get("path", ""),
        address=scope.get("client"),
        version=request.version,
        request_id=request.identity,
        meta=request.params.get("_meta"),
    )


@dataclass(frozen=True, slots=True)
class _Request:
    """A request that is in order."""

    identity: int | str
    version: str
    method: str
    params: Mapping[str, Any]


def _in_order(headers: Sequence[tuple[str, str]], body: bytes) -> _Request | None:
    """Return a request that is in order, and one of those that are answered here."""
    said = dict(headers)
    if not _takes_json(said["accept"]):
        return None
    try:
        message = jsontext.read(body)
    except ValueError:
        return None
    if not isinstance(message, dict) or not _REQUIRED <= message.keys() <= _MEMBERS or message["jsonrpc"] != "2.0":
        return None
    identity, method, params = message["id"], message["method"], message.get("params", {})
    if type(identity) not in (int, str) or not isinstance(method, str) or not isinstance(params, dict):
        return None
    if not params.keys() <= _PARAMETERS.get(method, frozenset()) or method not in _PARAMETERS:
        return None
    version = said.get(VERSION_HEADER, DEFAULT_NEGOTIATED_VERSION)
    if version in HANDSHAKE_PROTOCOL_VERSIONS:
        if is_of_another_revision(params, version):
            return None
    elif not _is_envelope_in_order(headers, said, message):
        return None
    return _Request(identity, version, method, params) if _fits(method, version, params) else None


def _fits(method: str, version: str, params: Mapping[str, Any]) -> bool:
    """Tell whether the parameters of a request are what the protocol's schema wants.

    Of a call that has a name and arguments as it wants them, whatever those are, ``_meta`` decides, and a client sends
    the same one with each of its calls: what was decided of one is remembered by its text.
    """
    meta = _meta_text(params)
    is_plain = isinstance(params.get("name"), str) and isinstance(params.get("arguments", {}), dict)
    if meta is None or (method == _CALL and not is_plain):
        return _is_of_schema(method, version, params)
    return _is_known_to_fit(method, version, meta)


def _meta_text(params: Mapping[str, Any]) -> bytes | None:
    """Return the ``_meta`` of parameters as text that is short enough to be remembered, or ``None``."""
    if "_meta" not in params:
        return b""
    text = dump_json(params["_meta"])
    return text if len(text) <= _LONGEST_META else None


@functools.lru_cache(maxsize=256)
def _is_known_to_fit(method: str, version: str, meta: bytes) -> bool:
    params: dict[str, Any] = {"name": "", "arguments": {}} if method == _CALL else {}
    if meta:
        params["_meta"] = jsontext.read(meta)
    return _is_of_schema(method, version, params)


def _is_of_schema(method: str, version: str, params: Mapping[str, Any]) -> bool:
    try:
        validate_client_request(method, version, params)
    except (ValidationError, ValueError, KeyError):
        return False
    return True


def _is_envelope_in_order(
    headers: Sequence[tuple[str, str]], said: Mapping[str, str], message: Mapping[str, Any]
) -> bool:
    """Tell whether a request of the newest revision says the same in its headers and in its body."""
    if len(said) != len(headers) and find_duplicated_routing_header(headers) is not None:
        return False
    for name in said:
        if name.startswith(_PARAMETER_HEADER):
            return False
    return isinstance(classify_inbound_request(message, headers=said), InboundModernRoute)


@functools.lru_cache(maxsize=64)
def _takes_json(accept: str) -> bool:
    """Tell whether an ``Accept`` header names JSON, as the SDK reads it."""
    return any(kind.partition(";")[0].strip().lower() in _JSON for kind in accept.split(","))
