"""Claude Code."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import ClassVar

from naftiko.cli.clients.client import Client, Server


class ClaudeCode(Client):
    """Reads ``.mcp.json`` of the project; its own command adds servers for the user."""

    name: ClassVar = "claude-code"
    label: ClassVar = "Claude Code"
    says_type: ClassVar = True
    after: ClassVar = "start `claude` in this directory, and approve the server"

    def path(self) -> Path:
        """Return ``.mcp.json`` in the working directory, which is the project's."""
        return Path.cwd() / ".mcp.json"

    def reference(self, variable: str) -> str:
        """Return ``${NAME}``."""
        return f"${{{variable}}}"

    def command_line(self, name: str, server: Server) -> str:
        """Return the ``claude mcp add`` that does the same for all projects of the user."""
        entry = self.entry(server)
        # `--env` takes all words up to the next option, so that it can't stand before the name.
        words = ["claude", "mcp", "add"]
        for variable, text in entry.get("env", {}).items():
            words += ["--env", f"{variable}={text}"]
        words += ["--scope", "user", "--transport", entry["type"], name]
        if server.url is None:
            return shlex.join([*words, "--", *server.command])
        words.append(server.url)
        for header, text in entry.get("headers", {}).items():
            words += ["--header", f"{header}: {text}"]
        return shlex.join(words)
