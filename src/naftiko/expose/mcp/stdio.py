"""An MCP server over stdin and stdout, for the configuration of a desktop client."""

from __future__ import annotations

from collections.abc import Iterable

from mcp.server.stdio import stdio_server

from naftiko.expose.limits import CallLimit
from naftiko.expose.mcp.options import McpOptions
from naftiko.expose.mcp.server import make_server
from naftiko.expose.mcp.sources import Exposing, mcp_sources, prefixed
from naftiko.expose.mcp.tools import ToolBook


async def serve_stdio(exposed: Iterable[Exposing], options: McpOptions) -> None:
    """See ``naftiko.expose.mcp.stdio_server``.

    Whoever starts the process is trusted: authentication is not asked for.
    """
    sources = mcp_sources(exposed)
    if options.prefix:
        sources = prefixed(sources)
    limit = CallLimit(options.max_concurrency)
    server = make_server(sources, ToolBook(sources, options, limit), limit)
    async with stdio_server() as (received, sent):
        await server.run(received, sent, server.create_initialization_options())
