"""The MCP clients that `naftiko install` knows: where their configuration is, and what an entry of it looks like."""

from __future__ import annotations

from naftiko.cli.clients.claude_code import ClaudeCode
from naftiko.cli.clients.claude_desktop import ClaudeDesktop
from naftiko.cli.clients.client import Client, Server
from naftiko.cli.clients.cursor import Cursor
from naftiko.cli.clients.vscode import VSCode

CLIENTS: dict[str, Client] = {client.name: client for client in (ClaudeDesktop(), ClaudeCode(), Cursor(), VSCode())}
"""The clients by name; a new one is a module of this package and a word here."""

__all__ = ["CLIENTS", "Client", "Server"]
