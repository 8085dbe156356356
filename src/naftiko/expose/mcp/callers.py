"""Who asks for a run over MCP, for observers; nothing of it is made where there is none."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any, Final, TypeVar

from mcp.server.context import ServerRequestContext
from starlette.requests import Request

from naftiko.observe.observer import Caller

ResultT = TypeVar("ResultT")
_SOMEBODY: Final = Caller(protocol="mcp")
asking: Final[ContextVar[Caller]] = ContextVar("naftiko.asking", default=_SOMEBODY)
"""Who asks for what runs now: a tool may call another one, as ``naftiko-continue`` does."""

arrived: Final[ContextVar[Mapping[str, Any]]] = ContextVar("naftiko.arrived", default=MappingProxyType({}))
"""The scope of the HTTP request, where it is answered without the SDK."""


def arrive(context: ServerRequestContext[Any, Any]) -> None:
    """Note the HTTP request of a message, of whichever request its task began with."""
    if isinstance(context.request, Request):
        arrived.set(context.request.scope)


async def asked_by(caller: Caller, work: Awaitable[ResultT]) -> ResultT:
    """Return what comes of work that somebody asks for."""
    token = asking.set(caller)
    try:
        return await work
    finally:
        asking.reset(token)


def caller_of(context: ServerRequestContext[Any, Any]) -> Caller:
    """Return who asks, of a request that goes the SDK's way."""
    request = context.request if isinstance(context.request, Request) else None
    return Caller(
        protocol="mcp",
        headers=() if request is None else request.scope["headers"],
        method=context.method,
        path="" if request is None else request.scope["path"],
        address=None if request is None else request.scope.get("client"),
        version=context.protocol_version,
        request_id=context.request_id,
        meta=(context.params or {}).get("_meta"),
    )
