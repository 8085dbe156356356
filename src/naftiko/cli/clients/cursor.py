"""Cursor."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from naftiko.cli.clients.client import Client


class Cursor(Client):
    """Reads ``mcp.json`` of the user; one of a project looks the same."""

    name: ClassVar = "cursor"
    label: ClassVar = "Cursor"
    has_comments: ClassVar = True
    after: ClassVar = "switch the server on in Cursor's settings, under MCP"

    def path(self) -> Path:
        """Return ``~/.cursor/mcp.json``."""
        return Path.home() / ".cursor" / "mcp.json"

    def reference(self, variable: str) -> str:
        """Return ``${env:NAME}``."""
        return f"${{env:{variable}}}"
