"""The app behind a listener: REST, MCP, or both on one port."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from naftiko.document.model import OAuth2Authentication
from naftiko.engine.capability import Capability
from naftiko.expose.authentication.contract import METADATA_PATH
from naftiko.expose.mcp.options import McpOptions
from naftiko.expose.rest.options import RestOptions
from naftiko.serve.addresses import Listener

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from naftiko.expose.mcp.app import McpApp
    from naftiko.expose.spaces import Spaces


@dataclass(frozen=True, slots=True)
class AppOptions:
    """What an operator decides about the apps.

    Attributes:
        rest: of the REST adapters.
        mcp: of the MCP adapters.
    """

    rest: RestOptions = field(default_factory=RestOptions)
    mcp: McpOptions = field(default_factory=McpOptions)

    def at(self, listener: Listener) -> AppOptions:
        """Return the options behind a listener.

        A name can be rebound to loopback, where nobody but this machine should come in: there REST checks the names
        that it is called by, as it does where the operator names some. A loopback address of its own is one of them.
        """
        own = (listener.host,) if listener.is_loopback and ":" not in listener.host else ()
        hosts = (*self.rest.allowed_hosts, *own)
        rest = replace(self.rest, allowed_hosts=hosts, guard_hosts=listener.is_loopback or bool(hosts))
        return replace(self, rest=rest, mcp=replace(self.mcp, allowed_hosts=(*self.mcp.allowed_hosts, *own)))


class ListenerApp:
    """Everything behind one socket.

    MCP has its own paths (``/mcp``, ``/<namespace>/mcp``, their metadata for authentication), and all others where
    there is no REST adapter. The connections of the capabilities stay open when it stops: other listeners may still be
    using them.

    Args:
        rest: the app of the REST adapters, or ``None``.
        mcp: the app of the MCP adapters, or ``None``.
        rest_is_resource: whether a REST adapter has metadata for authentication, which is at the root then.
    """

    def __init__(self, rest: ASGIApp | None, mcp: McpApp | None, *, rest_is_resource: bool = False) -> None:
        self._rest = rest
        self._rest_is_resource = rest_is_resource
        self._mcp = mcp
        self._mcp_paths = frozenset(mcp.paths) - {"/"} if mcp is not None else frozenset()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Dispatch by path."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        app = self._mcp if self._rest is None or self._is_for_mcp(scope) else self._rest
        if app is not None:
            await app(scope, receive, send)

    def _is_for_mcp(self, scope: Scope) -> bool:
        if not self._mcp_paths or scope["type"] != "http":
            return False
        raw: bytes = scope.get("raw_path") or scope["path"].encode()
        path = raw.partition(b"?")[0].decode("latin-1").rstrip("/")
        if not path.startswith(METADATA_PATH):
            return path in self._mcp_paths
        of = path.removeprefix(METADATA_PATH)
        if not of and self._rest_is_resource:
            return False
        return of in self._mcp_paths or (self._mcp is not None and self._mcp.has_metadata(path))

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        if self._mcp is not None:
            await self._mcp.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        if self._mcp is not None:
            await self._mcp.aclose()
        await send({"type": "lifespan.shutdown.complete"})


def app_of(listener: Listener, options: AppOptions) -> ListenerApp:
    """Return the app of a listener's adapters."""
    options = options.at(listener)
    rest, mcp = _of_kind(listener, "rest"), _of_kind(listener, "mcp")
    spaces = listener.spaces(prefix=options.rest.prefix)
    return ListenerApp(
        _rest(rest, options, spaces) if rest else None,
        _mcp(mcp, options, spaces) if mcp else None,
        rest_is_resource=any(_is_resource(capability) for capability in rest),
    )


def _is_resource(capability: Capability) -> bool:
    adapters = (adapter for adapter in capability.adapters if adapter.kind == "rest")
    return any(isinstance(adapter.plan.model.authentication, OAuth2Authentication) for adapter in adapters)


def _rest(capabilities: Sequence[Capability], options: AppOptions, spaces: Spaces) -> ASGIApp:
    from naftiko.expose.rest import rest_app  # noqa: PLC0415  # imported when a listener needs it

    return rest_app(capabilities, options.rest, spaces)


def _mcp(capabilities: Sequence[Capability], options: AppOptions, spaces: Spaces) -> McpApp:
    from naftiko.expose.mcp import mcp_app  # noqa: PLC0415  # the SDK takes half a second to import

    asked = options.mcp
    return mcp_app(
        capabilities,
        allowed_hosts=asked.allowed_hosts,
        allowed_origins=asked.allowed_origins,
        stateful=asked.stateful,
        max_sessions=asked.max_sessions,
        max_request_bytes=asked.max_request_bytes,
        body_seconds=0,  # the connection has a limit (`naftiko.serve.connections`)
        prefix=asked.prefix,
        answer_budget=asked.answer_budget,
        answer_budgets=asked.answer_budgets,
        tool_mode=asked.tool_mode,
        allow_tools=asked.selection.allow,
        deny_tools=asked.selection.deny,
        max_concurrency=asked.max_concurrency,
        spaces=spaces,
    )


def _of_kind(listener: Listener, kind: str) -> list[Capability]:
    """Return the capabilities with adapters of a kind here, each once; what they expose elsewhere is not in them."""
    here = listener.of_kind(kind)
    found = {id(exposed.capability): exposed.capability for exposed in here}
    adapters = {id(exposed.adapter) for exposed in here}
    return [_narrowed(capability, kind, adapters) for capability in found.values()]


def _narrowed(capability: Capability, kind: str, adapters: set[int]) -> Capability:
    """Return a view of a capability without its adapters of the same kind on other ports: those may be internal."""
    view = copy.copy(capability)
    view.adapters = tuple(each for each in capability.adapters if each.kind != kind or id(each) in adapters)
    return view
