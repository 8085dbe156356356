"""The MCP clients that `naftiko install` knows: where their configuration is, and what an entry of it looks like."""

from __future__ import annotations

from naftiko.cli.clients.known import ClaudeCode, ClaudeDesktop, Client, CursorEditor, Server, VSCode

CLIENTS: dict[str, Client] = {
    client.name: client for client in (ClaudeDesktop(), ClaudeCode(), CursorEditor(), VSCode())
}
"""The clients by name; a new one is a module of this package and a word here."""

__all__ = ["CLIENTS", "Client", "Server"]
