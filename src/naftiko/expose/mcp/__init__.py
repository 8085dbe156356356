"""The MCP adapter: capabilities as an MCP server, over Streamable HTTP and stdio (SEMANTICS 7).

The SDK takes half a second to import, so nothing here imports it before a server is made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from naftiko.expose.mcp.options import ANSWER_BUDGET, MAX_REQUEST_BYTES, MAX_SESSIONS, McpOptions, ToolMode
from naftiko.expose.selection import Selection

if TYPE_CHECKING:
    from naftiko.engine.capability import Adapter, Capability
    from naftiko.expose.mcp.app import McpApp
    from naftiko.expose.mcp.sources import Exposing
    from naftiko.expose.spaces import Spaces

__all__ = ["ANSWER_BUDGET", "MAX_REQUEST_BYTES", "McpOptions", "ToolMode", "mcp_app", "stdio_server"]


def mcp_app(  # noqa: PLR0913  # each option of the public function by its name
    capability: Capability | Sequence[Capability | tuple[Capability, Adapter]],
    *,
    allowed_hosts: Sequence[str] = (),
    allowed_origins: Sequence[str] = (),
    stateful: bool = False,
    max_sessions: int = MAX_SESSIONS,
    max_request_bytes: int = MAX_REQUEST_BYTES,
    body_seconds: float | None = None,
    guard_hosts: bool = True,
    prefix: bool = False,
    answer_budget: int = ANSWER_BUDGET,
    answer_budgets: Mapping[str, int] | None = None,
    tool_mode: ToolMode = "list",
    allow_tools: Sequence[str] = (),
    deny_tools: Sequence[str] = (),
    max_concurrency: int = 0,
    spaces: Spaces | None = None,
) -> McpApp:
    """Return an ASGI app that serves the MCP adapters of capabilities (SEMANTICS 7 and 8).

    All adapters together are one server at ``/mcp`` and ``/``; each alone is one at ``/<namespace>/mcp``. Every
    protocol revision that the SDK speaks is served from each of them. The app handles its own lifespan; where a
    server has none (``httpx.ASGITransport``) it starts with the first request.

    Args:
        capability: one capability or several; a pair with an adapter serves that adapter alone.
        allowed_hosts: names beside the loopback ones under which clients may call: ``mcp.example.com``,
            ``mcp.example.com:8443``, ``*.example.com``, ``*``.
        allowed_origins: web origins beside the loopback ones whose pages may call: ``https://app.example.com``, ``*``.
        stateful: keep sessions for clients of the handshake era, so that they get progress and may cancel with
            ``notifications/cancelled``; then all requests of a session must reach the same process. A session is there
            for the caller who opened it alone.
        max_sessions: sessions at once; above it the one that is idle for longest ends, of the caller who has most.
        max_request_bytes: the largest request body, in bytes; a larger one is answered 413.
        body_seconds: how long a request body may take, 30 by default; one that takes longer is answered 408. 0: the
            server has a limit of its own.
        guard_hosts: whether the ``Host`` header is checked at all (DNS rebinding).
        prefix: let the names of tools and prompts at ``/mcp`` begin with ``<namespace>_`` of their capability, and
            serve each capability alone at that namespace's ``/<namespace>/mcp``, under its own names.
        answer_budget: characters that a tool's answer may have; a larger one is cut, and ``naftiko-continue`` fetches
            the rest. 0 is no budget.
        answer_budgets: budgets of their own for tools, by patterns (``fnmatch``) of ``namespace/name`` or of the name.
        tool_mode: ``list`` lists every tool; ``search`` lists ``find-tools``, ``describe-tool`` and ``call-tool``.
        allow_tools: serve only the tools that fit one of these patterns of ``namespace/name`` or of the name.
        deny_tools: serve no tool that fits one of these.
        max_concurrency: calls that may run at once in this process; one more is a tool error that says to try again.
            0 is any number.
        spaces: which namespace each adapter is served under, where others than these are served too.

    Raises:
        ValueError: an option has no meaning.
        NaftikoError: searching tools needs a library that is not installed.
    """
    from naftiko.expose.mcp.app import McpApp  # noqa: PLC0415  # imports the SDK

    options = McpOptions(
        allowed_hosts=tuple(allowed_hosts),
        allowed_origins=tuple(allowed_origins),
        stateful=stateful,
        max_sessions=max_sessions,
        max_request_bytes=max_request_bytes,
        body_seconds=body_seconds,
        guard_hosts=guard_hosts,
        prefix=prefix,
        answer_budget=answer_budget,
        answer_budgets=dict(answer_budgets or {}),
        tool_mode=tool_mode,
        selection=Selection(tuple(allow_tools), tuple(deny_tools)),
        max_concurrency=max_concurrency,
    )
    return McpApp(_several(capability), options, spaces)


async def stdio_server(
    capability: Capability | Sequence[Capability | tuple[Capability, Adapter]], options: McpOptions | None = None
) -> None:
    """Serve the MCP adapters of capabilities over stdin and stdout until the client closes stdin.

    Both eras of the protocol are understood. While it serves, file descriptor 1 points at stderr: a stray ``print``
    can't corrupt the wire. Logs must go to stderr.

    Args:
        capability: one capability or several; a pair with an adapter serves that adapter alone.
        options: those that aren't about HTTP count; see ``mcp_app``.
    """
    from naftiko.expose.mcp.stdio import serve_stdio  # noqa: PLC0415  # imports the SDK

    await serve_stdio(_several(capability), options or McpOptions())


def _several(capability: Capability | Sequence[Exposing]) -> Sequence[Exposing]:
    return capability if isinstance(capability, Sequence) else (capability,)
