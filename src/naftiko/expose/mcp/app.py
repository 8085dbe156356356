"""The ASGI app: all MCP adapters at ``/mcp`` and ``/``, each alone at ``/<namespace>/mcp`` (SEMANTICS 7 and 8)."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Iterable, Sequence
from urllib.parse import quote

from starlette.types import ASGIApp, Receive, Scope, Send

from naftiko.expose.authentication import Authenticated, ResourceMetadata
from naftiko.expose.authentication import Guard as AuthenticationGuard
from naftiko.expose.http.limits import CallLimit
from naftiko.expose.mcp.endpoint import Endpoint
from naftiko.expose.mcp.failures import refusal
from naftiko.expose.mcp.gate import McpGate
from naftiko.expose.mcp.limited import make_endpoint
from naftiko.expose.mcp.options import MAIN_PATH, McpOptions
from naftiko.expose.mcp.protection import guard_of, refused, served_together
from naftiko.expose.mcp.sessions import Sessions
from naftiko.expose.mcp.sources import Exposing, McpSource, by_namespace, mcp_sources, prefixed, spaces_among
from naftiko.expose.spaces import Spaces
from naftiko.ground.errors import MissingVariable
from naftiko.observe.requests import request_now


class McpApp:
    """See ``naftiko.expose.mcp.mcp_app``.

    Attributes:
        paths: where the servers are, the combined ones first.
    """

    def __init__(
        self,
        exposed: Iterable[Exposing],
        options: McpOptions,
        spaces: Spaces | None = None,
    ) -> None:
        sources, prefix = mcp_sources(exposed), options.prefix
        spaces = spaces or spaces_among(sources, prefix=prefix)
        self._options = options
        self._limit = CallLimit(options.max_concurrency)
        self._sessions = Sessions(options.max_sessions)
        self._endpoints: list[Endpoint] = []
        self._guards: list[AuthenticationGuard] = []
        self._by_path: dict[str, Endpoint] = {}
        alone = {f"/{quote(namespace, safe='')}/mcp": own for namespace, own in by_namespace(sources, spaces).items()}
        together = served_together(prefixed(sources, spaces) if prefix else sources)
        combined = self._endpoint(together)
        self._by_path[MAIN_PATH] = combined
        main = self._guarded(combined, together, MAIN_PATH, tuple(alone))
        self._routes: dict[str, ASGIApp] = {MAIN_PATH: main, "/": main}
        for path, own in alone.items():
            is_all = len(sources) == len(own) and not prefix
            served = together if is_all else served_together(own)
            endpoint = self._by_path[path] = combined if is_all else self._endpoint(served)
            self._routes[path] = self._guarded(endpoint, served, path, (MAIN_PATH,))
        self.paths: tuple[str, ...] = tuple(self._routes)
        guarded = McpGate(
            self._route,
            allowed_hosts=options.allowed_hosts,
            allowed_origins=options.allowed_origins,
            guard_hosts=options.guard_hosts,
        )
        self._app: ASGIApp = ResourceMetadata(guarded, self._guards, render=refused) if self._guards else guarded

    def _endpoint(self, sources: Sequence[McpSource]) -> Endpoint:
        """Make the server of these adapters."""
        endpoint = make_endpoint(sources, self._options, self._limit, self._sessions)
        self._endpoints.append(endpoint)
        return endpoint

    def _guarded(
        self, endpoint: Endpoint, sources: Sequence[McpSource], path: str, other_paths: tuple[str, ...]
    ) -> ASGIApp:
        """Put a server behind the authentication that its adapters ask for; each path is a resource of its own."""
        guard = guard_of(sources, path, other_paths)
        if guard is None:
            return endpoint
        self._guards.append(guard)
        return Authenticated(endpoint, guard, render=refused)

    def has_metadata(self, path: str) -> bool:
        """Tell whether the metadata of a protected resource is at this path (RFC 9728 chapter 3.1)."""
        for guard in self._guards:
            with contextlib.suppress(MissingVariable):  # without it nobody knows where the resource is
                if path in guard.metadata_paths():
                    return True
        return False

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

    def succeed(self, before: McpApp) -> None:
        """Take the place of another app: its sessions and those who listen go on here, and hear what has changed.

        Those of a path that is no more end with it.
        """
        self._sessions = before._sessions  # of its class
        taken: set[Endpoint] = set()
        for path, endpoint in self._by_path.items():
            endpoint.count_in(self._sessions)
            same = before._by_path.get(path)  # likewise
            if same is not None and not {endpoint, same} & taken:
                taken |= {endpoint, same}
                endpoint.succeed(same)

    async def aclose(self) -> None:
        """Stop; what is still in flight is cancelled."""
        for endpoint in self._endpoints:
            await endpoint.stop()

    def _route(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        raw = scope.get("raw_path")
        path = scope["path"] if raw is None else raw.decode("latin-1").partition("?")[0]
        root = scope.get("root_path", "")
        path = path.removeprefix(root) if root else path
        found = self._routes.get(path.rstrip("/") or "/")
        if found is None:
            message = f"there is no MCP server here; it is at {self.paths[0]}"
            return refusal(404, message)(scope, receive, send)
        record = request_now.get()
        if record is not None:
            record.adapter, record.route = "mcp", path
        return found(scope, receive, send)
