"""An MCP server over stdin and stdout, for the configuration of a desktop client."""

from __future__ import annotations

from collections.abc import Sequence

from mcp.server.stdio import stdio_server

from naftiko.engine.capability import Capability
from naftiko.expose.mcp.server import make_server
from naftiko.expose.mcp.sources import mcp_sources


async def serve_stdio(capabilities: Sequence[Capability]) -> None:
    """See ``naftiko.expose.mcp.stdio_server``.

    Whoever starts the process is trusted: authentication is not asked for.
    """
    server = make_server(mcp_sources(capabilities))
    async with stdio_server() as (received, sent):
        await server.run(received, sent, server.create_initialization_options())
