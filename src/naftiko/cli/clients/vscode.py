"""Visual Studio Code."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from naftiko.cli.clients.client import Client, application_data


class VSCode(Client):
    """Reads ``mcp.json`` of the user's profile; ``.vscode/mcp.json`` of a project looks the same."""

    name: ClassVar = "vscode"
    label: ClassVar = "Visual Studio Code"
    key: ClassVar = "servers"
    has_comments: ClassVar = True
    says_type: ClassVar = True
    after: ClassVar = "start the server with `MCP: List Servers` in the command palette"

    def path(self) -> Path:
        """Return ``mcp.json`` of the default profile."""
        return application_data() / "Code" / "User" / "mcp.json"

    def reference(self, variable: str) -> str:
        """Return ``${env:NAME}``."""
        return f"${{env:{variable}}}"
