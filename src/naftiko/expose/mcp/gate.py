"""Who may call an MCP server, from which page, and what that page may read (SEMANTICS 7)."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from naftiko.expose.http.gate import Gate
from naftiko.expose.mcp.failures import refusal

_EXPOSED_HEADERS: Final = b"Mcp-Session-Id, Mcp-Protocol-Version, WWW-Authenticate"


class McpGate:
    """ASGI middleware that refuses requests for foreign hosts (421), and from foreign web pages (403).

    A request without an Origin is no browser's, and passes. The pages that may call may read the answers too, and their
    preflights are answered (the Fetch standard's CORS).

    Args:
        app: what is guarded.
        allowed_hosts: beside the loopback names: a name (any port), ``name:port``, a pattern with ``*``.
        allowed_origins: beside loopback pages: ``https://app.example.com``, a pattern with ``*``.
        guard_hosts: whether Host is checked at all.
    """

    def __init__(
        self, app: ASGIApp, *, allowed_hosts: Sequence[str], allowed_origins: Sequence[str], guard_hosts: bool
    ) -> None:
        self._app = app
        self._gate = Gate(hosts=allowed_hosts, origins=allowed_origins, guards_hosts=guard_hosts)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Pass the request on, or refuse it."""
        unwelcome = self._gate.refusal(scope, changes=True)
        if unwelcome is not None:
            return refusal(unwelcome.status, unwelcome.detail)(scope, receive, send)
        if b"origin" not in dict(scope["headers"]):
            return self._app(scope, receive, send)
        headers = Headers(scope=scope)
        origin = headers["origin"]
        if scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            return _preflight(origin, headers)(scope, receive, send)
        return self._app(scope, receive, _readable(send, origin))


def _preflight(origin: str, headers: Headers) -> Response:
    """Return the answer to a browser that asks whether a page may send what it wants to send."""
    allowed = {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Methods": "GET, POST, DELETE, OPTIONS",
        # `*` would not cover Authorization.
        "Access-Control-Allow-Headers": headers.get("access-control-request-headers", "*"),
        "Access-Control-Max-Age": "600",
        "Vary": "Origin, Access-Control-Request-Headers",
    }
    if headers.get("access-control-request-private-network") == "true":
        allowed["Access-Control-Allow-Private-Network"] = "true"
    return Response(status_code=204, headers=allowed)


def _readable(send: Send, origin: str) -> Send:
    """Return a ``send`` whose answer a page of this origin may read."""
    shared = [
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"access-control-expose-headers", _EXPOSED_HEADERS),
        (b"vary", b"Origin"),
    ]

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *shared]}
        await send(message)

    return sending
