"""The MCP adapter: capabilities as an MCP server, over Streamable HTTP and stdio (SEMANTICS 7).

The SDK takes half a second to import, so nothing here imports it before a server is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from naftiko.engine.capability import Capability
    from naftiko.expose.mcp.app import McpApp

MAX_REQUEST_BYTES: Final = 4 * 1024 * 1024
"""The largest request body that is read: arguments of a tool, not files."""

__all__ = ["MAX_REQUEST_BYTES", "mcp_app", "stdio_server"]


def mcp_app(
    capability: Capability | Sequence[Capability],
    *,
    allowed_hosts: Sequence[str] = (),
    allowed_origins: Sequence[str] = (),
    stateful: bool = False,
    max_request_bytes: int = MAX_REQUEST_BYTES,
    guard_hosts: bool = True,
) -> McpApp:
    """Return an ASGI app that serves the MCP adapters of capabilities (SEMANTICS 7 and 8).

    All adapters together are one server at ``/mcp`` and ``/``; each alone is one at ``/<namespace>/mcp``. Every
    protocol revision that the SDK speaks is served from each of them. The app handles its own lifespan; where a
    server has none (``httpx.ASGITransport``) it starts with the first request.

    Args:
        capability: one capability or several.
        allowed_hosts: names beside the loopback ones under which clients may call: ``mcp.example.com``,
            ``mcp.example.com:8443``, ``*.example.com``, ``*``.
        allowed_origins: web origins beside the loopback ones whose pages may call: ``https://app.example.com``, ``*``.
        stateful: keep sessions for clients of the handshake era, so that they get progress and may cancel with
            ``notifications/cancelled``; then all requests of a session must reach the same process.
        max_request_bytes: the largest request body, in bytes; a larger one is answered 413.
        guard_hosts: whether the ``Host`` header is checked at all (DNS rebinding).
    """
    from naftiko.expose.mcp.app import McpApp  # noqa: PLC0415  # imports the SDK

    capabilities = capability if isinstance(capability, Sequence) else (capability,)
    return McpApp(
        capabilities,
        allowed_hosts=allowed_hosts,
        allowed_origins=allowed_origins,
        stateful=stateful,
        max_request_bytes=max_request_bytes,
        guard_hosts=guard_hosts,
    )


async def stdio_server(capability: Capability | Sequence[Capability]) -> None:
    """Serve the MCP adapters of capabilities over stdin and stdout until the client closes stdin.

    Both eras of the protocol are understood. While it serves, file descriptor 1 points at stderr: a stray ``print``
    can't corrupt the wire. Logs must go to stderr.
    """
    from naftiko.expose.mcp.stdio import serve_stdio  # noqa: PLC0415  # imports the SDK

    await serve_stdio(capability if isinstance(capability, Sequence) else (capability,))
