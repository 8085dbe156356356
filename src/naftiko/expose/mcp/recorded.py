"""Requests that the SDK handles, as logs tell of them: over HTTP by their own record, over stdio by a new one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias, TypeVar

from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from starlette.requests import Request

from naftiko.expose.mcp.callers import caller_of
from naftiko.observe.access import access_log
from naftiko.observe.observer import Observer
from naftiko.observe.requests import REQUEST, RequestRecord, new_request_id, request_now
from naftiko.observe.timing import CallTiming, measured

ParamsT = TypeVar("ParamsT")
Handler: TypeAlias = Callable[[ServerRequestContext[Any, Any], ParamsT], Awaitable[dict[str, Any]]]
_STDIO: Final = "stdio"
_OK: Final = 200


def recorded(handler: Handler[ParamsT]) -> Handler[ParamsT]:
    """Return a handler that runs within the record of its request.

    A session runs in the context of the request that opened it: its later ones bring records of their own.
    """

    async def handle(context: ServerRequestContext[Any, Any], params: ParamsT) -> dict[str, Any]:
        request = context.request
        if not isinstance(request, Request):
            return await _over_stdio(handler, context, params)
        record: RequestRecord | None = request.scope.get(REQUEST)
        token = request_now.set(record)
        if record is not None:
            record.rpc = context.method
        try:
            return await handler(context, params)
        finally:
            request_now.reset(token)

    return handle


def watched(handler: Handler[ParamsT], observer: Observer | None) -> Handler[ParamsT]:
    """Return a handler of requests that run no unit, whose observer sees them, where there is one."""
    if observer is None:
        return handler

    async def handle(context: ServerRequestContext[Any, Any], params: ParamsT) -> dict[str, Any]:
        name = getattr(params, "name", None)
        with observer.request(caller_of(context), name if isinstance(name, str) else ""):
            return await handler(context, params)

    return handle


async def _over_stdio(
    handler: Handler[ParamsT], context: ServerRequestContext[Any, Any], params: ParamsT
) -> dict[str, Any]:
    """Handle a request that no HTTP brought; its line has the status of JSON-RPC, an error's code."""
    record = RequestRecord(new_request_id(), client=_STDIO)
    record.adapter, record.rpc, record.timing = "mcp", context.method, CallTiming()
    token, timing = request_now.set(record), measured.set(record.timing)
    try:
        result = await handler(context, params)
        record.status = _OK
    except MCPError as error:
        record.status = error.error.code
        raise
    finally:
        access = access_log()
        if access is not None:
            access.tell(record)
        measured.reset(timing)
        request_now.reset(token)
    return result
