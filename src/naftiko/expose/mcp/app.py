"""The ASGI app: all MCP adapters at ``/mcp`` and ``/``, each alone at ``/<namespace>/mcp`` (SEMANTICS 7 and 8)."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from naftiko.expose.authentication import Authenticated, ResourceMetadata
from naftiko.expose.authentication import Guard as AuthenticationGuard
from naftiko.expose.limits import CallLimit
from naftiko.expose.mcp.endpoint import Endpoint
from naftiko.expose.mcp.guard import Guard
from naftiko.expose.mcp.options import McpOptions
from naftiko.expose.mcp.protection import guard_of, refused, served_together
from naftiko.expose.mcp.refusals import refusal
from naftiko.expose.mcp.sources import Exposing, Source, by_namespace, mcp_sources, prefixed

_EXPOSED_HEADERS = ("Mcp-Session-Id", "Mcp-Protocol-Version", "WWW-Authenticate")


class McpApp:
    """See ``naftiko.expose.mcp.mcp_app``.

    Attributes:
        paths: where the servers are, the combined ones first.
    """

    def __init__(
        self,
        exposed: Iterable[Exposing],
        options: McpOptions,
    ) -> None:
        sources, prefix = mcp_sources(exposed), options.prefix
        self._options = options
        self._limit = CallLimit(options.max_concurrency)
        self._endpoints: list[Endpoint] = []
        self._guards: list[AuthenticationGuard] = []
        combined = self._endpoint(prefixed(sources) if prefix else sources, "/mcp")
        self._routes: dict[str, ASGIApp] = {"/mcp": combined, "/": combined}
        for namespace, own in by_namespace(sources, of_capability=prefix).items():
            path = f"/{quote(namespace, safe='')}/mcp"
            is_all = len(sources) == len(own) and not prefix
            self._routes[path] = combined if is_all else self._endpoint(own, path)
        self.paths: tuple[str, ...] = tuple(self._routes)
        guarded = Guard(
            self._route,
            allowed_hosts=options.allowed_hosts,
            allowed_origins=options.allowed_origins,
            guard_hosts=options.guard_hosts,
        )
        origins = options.allowed_origins
        readable: ASGIApp = _with_cors(guarded, origins) if origins else guarded
        self._app = ResourceMetadata(readable, self._guards, render=refused)

    def _endpoint(self, sources: Sequence[Source], path: str) -> ASGIApp:
        """Make the server of these adapters, behind the authentication that they ask for."""
        together = served_together(sources)
        endpoint = Endpoint(together, self._options, self._limit)
        self._endpoints.append(endpoint)
        guard = guard_of(together, path)
        if guard is None:
            return endpoint
        self._guards.append(guard)
        return Authenticated(endpoint, guard, render=refused)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve HTTP requests and the server's lifespan."""
        if scope["type"] == "http":
            await self._app(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "MCP is served over HTTP"})

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        """Start the combined server; the others start with their first request, which few ever get."""
        await receive()
        await self.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.aclose()
        await send({"type": "lifespan.shutdown.complete"})

    async def start(self) -> None:
        """Start in this event loop; a server's lifespan does it, and so does the first request."""
        await self._endpoints[0].start()

    async def aclose(self) -> None:
        """Stop; what is still in flight is cancelled."""
        for endpoint in self._endpoints:
            await endpoint.stop()

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw = scope.get("raw_path")
        path = scope["path"] if raw is None else raw.decode("latin-1").partition("?")[0]
        root = scope.get("root_path", "")
        path = path.removeprefix(root) if root else path
        found = self._routes.get(path.rstrip("/") or "/")
        if found is None:
            message = f"there is no MCP server here; it is at {self.paths[0]}"
            await refusal(404, message)(scope, receive, send)
        else:
            await found(scope, receive, send)


def _with_cors(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """Let the pages of allowed origins read the answers."""
    patterns = [origin.rstrip("/") for origin in origins]
    wild = [fnmatch.translate(pattern) for pattern in patterns if "*" in pattern and pattern != "*"]
    return CORSMiddleware(
        app,
        allow_origins=[pattern for pattern in patterns if "*" not in pattern or pattern == "*"],
        allow_origin_regex="|".join(wild) or None,
        allow_methods=["GET", "POST", "DELETE", "OPTIONS"],
        allow_headers=["*"],
        expose_headers=_EXPOSED_HEADERS,
    )
