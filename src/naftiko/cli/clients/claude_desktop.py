"""Claude Desktop."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from naftiko.cli.clients.client import Client, application_data


class ClaudeDesktop(Client):
    """Starts servers itself; its file knows neither URLs nor references to variables."""

    name: ClassVar = "claude-desktop"
    label: ClassVar = "Claude Desktop"
    speaks_http: ClassVar = False
    after: ClassVar = "quit Claude Desktop and start it again"

    def path(self) -> Path:
        """Return ``claude_desktop_config.json`` in the user's settings."""
        return application_data() / "Claude" / "claude_desktop_config.json"

    def reference(self, variable: str) -> None:
        """There is none: a value in its file is taken as it is."""
        del variable
