"""Who may use an MCP server: the authentication that its adapters declare."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from naftiko.expose.authentication import Credentials, Guard, Principal, Refusal, guard
from naftiko.expose.authentication.scheme import AsgiScope
from naftiko.expose.mcp.failures import error_body
from naftiko.expose.mcp.sources import McpSource
from naftiko.expression.scope import Scope

_log = logging.getLogger(__name__)


def served_together(sources: Sequence[McpSource]) -> tuple[McpSource, ...]:
    """Return the adapters that one server may hold.

    One request carries one credential. Adapters that all ask for the same one are served together; where they differ,
    only those that ask for none are, and the others are served each at its own path. So a server never lets anybody
    into an adapter whose credential it didn't see.
    """
    if len({_asked_for(source) for source in sources}) <= 1:
        return tuple(sources)
    left = ", ".join(f"`{source.namespace}`" for source in sources if source.model.authentication is not None)
    _log.warning("adapters that ask for different credentials are not in the server at /mcp: %s", left)
    return tuple(source for source in sources if source.model.authentication is None)


def _asked_for(source: McpSource) -> str:
    authentication = source.model.authentication
    return "" if authentication is None else f"{type(authentication).__name__} {authentication.model_dump_json()}"


def guard_of(sources: Sequence[McpSource], path: str, other_paths: tuple[str, ...]) -> Guard | None:
    """Return the guard of adapters that are served together at a path; ``None`` where they ask for nothing.

    Args:
        sources: the adapters.
        path: where they are.
        other_paths: where any of them is, too.
    """
    found = [_guard_of_one(source, path, other_paths) for source in sources]
    guards = [made for made in found if made is not None]
    return guards[0] if len(guards) == 1 else _All(guards) if guards else None


def _guard_of_one(source: McpSource, path: str, other_paths: tuple[str, ...]) -> Guard | None:
    return guard(
        source.model.authentication,
        source.adapter.plan.secrets,
        Scope({}, source.capability.variables),
        resource_path=path,
        other_paths=other_paths,
        shared=source.capability.shared,
    )


class _All(Guard):
    """Lets in whom every guard lets in: the same declaration may have other secrets in another capability."""

    def __init__(self, guards: Sequence[Guard]) -> None:
        self._guards = tuple(guards)

    async def identify(self, request: Credentials) -> Principal | Refusal:
        """Return the first refusal, or who calls."""
        found: Principal | Refusal = await self._guards[0].identify(request)
        for other in self._guards[1:]:
            if isinstance(found, Refusal):
                break
            found = await other.identify(request)
        return found

    def stripped(self, scope: AsgiScope) -> AsgiScope:
        """Return the scope without any of the credentials."""
        for one in self._guards:
            scope = one.stripped(scope)
        return scope

    def metadata_paths(self) -> frozenset[str]:
        """Return those of the first: they ask for the same."""
        return self._guards[0].metadata_paths()

    def metadata(self) -> Mapping[str, Any] | None:
        """Return that of the first."""
        return self._guards[0].metadata()


def refused(refusal: Refusal) -> tuple[str, bytes]:
    """Render a refusal for an MCP client: the HTTP status says it to programs, a JSON-RPC error to people."""
    return "application/json", error_body(refusal.detail, {"kind": refusal.kind})
