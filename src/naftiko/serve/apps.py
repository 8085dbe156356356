"""The app behind a listener: REST, MCP, or both on one port."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from naftiko.engine.capability import Capability
from naftiko.expose.rest.options import RestOptions
from naftiko.serve.addresses import Listener

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


@dataclass(frozen=True, slots=True)
class AppOptions:
    """What an operator decides about the apps.

    Attributes:
        rest: of the REST adapters.
        allowed_hosts: names beside the loopback ones under which MCP clients may call.
        allowed_origins: web origins whose pages may call.
        stateful: keep MCP sessions.
    """

    rest: RestOptions = field(default_factory=RestOptions)
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    stateful: bool = False


def app_of(listener: Listener, options: AppOptions) -> ASGIApp:
    """Return the app of a listener's adapters."""
    rest = [exposed.capability for exposed in listener.of_kind("rest")]
    mcp = [exposed.capability for exposed in listener.of_kind("mcp")]
    if not mcp:
        return _rest(rest, options)
    if not rest:
        return _mcp(mcp, options)
    return Shared(_rest(rest, options), _mcp(mcp, options))


def _rest(capabilities: Sequence[Capability], options: AppOptions) -> ASGIApp:
    from naftiko.expose.rest import rest_app  # noqa: PLC0415  # imported when a listener needs it

    return rest_app(_each_once(capabilities), options.rest)


def _mcp(capabilities: Sequence[Capability], options: AppOptions) -> ASGIApp:
    from naftiko.expose.mcp import mcp_app  # noqa: PLC0415  # the SDK takes half a second to import

    return mcp_app(
        _each_once(capabilities),
        allowed_hosts=options.allowed_hosts,
        allowed_origins=options.allowed_origins,
        stateful=options.stateful,
    )


def _each_once(capabilities: Sequence[Capability]) -> list[Capability]:
    return list({id(capability): capability for capability in capabilities}.values())


class Shared:
    """REST and MCP on one port: ``/mcp`` and ``/<namespace>/mcp`` are MCP's, everything else is REST's."""

    def __init__(self, rest: ASGIApp, mcp: ASGIApp) -> None:
        self._rest = rest
        self._mcp = mcp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Dispatch by path; MCP's app starts with its first request, so that REST's owns the lifespan."""
        is_mcp = scope["type"] == "http" and scope["path"].endswith("/mcp")
        await (self._mcp if is_mcp else self._rest)(scope, receive, send)
