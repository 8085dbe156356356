"""The MCP clients that ``naftiko install`` knows, and what each must be able to say."""

from __future__ import annotations

import abc
import os
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Server:
    """An MCP server, as a client's configuration is told of it.

    Attributes:
        command: what a client runs to start it, absolute paths; empty where it is reached by ``url``.
        variables: names of environment variables that it reads.
        url: where it is served over HTTP.
        headers: HTTP headers by name; ``{NAME}`` in a value stands for an environment variable.
    """

    command: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    url: str | None = None
    headers: Mapping[str, str] | None = None


class Client(abc.ABC):
    """An MCP client.

    Attributes:
        name: of the option ``--client``.
        label: for people.
        key: the member of its configuration that holds the servers by name.
        has_comments: whether it reads JSON with comments and trailing commas.
        speaks_http: whether its configuration can name a URL.
        says_type: whether an entry says its transport.
        after: what the user does when it is written.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    key: ClassVar[str] = "mcpServers"
    has_comments: ClassVar[bool] = False
    speaks_http: ClassVar[bool] = True
    says_type: ClassVar[bool] = False
    after: ClassVar[str]

    @abc.abstractmethod
    def path(self) -> Path:
        """Return where its configuration is on this platform."""

    @abc.abstractmethod
    def reference(self, variable: str) -> str | None:
        """Return how its configuration refers to an environment variable; ``None`` where it can't."""

    def entry(self, server: Server) -> dict[str, Any]:
        """Return the entry of a server."""
        if server.url is not None:
            entry: dict[str, Any] = {**self._type("http"), "url": server.url}
            headers = {name: self._filled(text, server) for name, text in (server.headers or {}).items()}
            return {**entry, "headers": headers} if headers else entry
        command, *arguments = server.command
        entry = {**self._type("stdio"), "command": command, "args": arguments}
        references = {name: self.reference(name) for name in server.variables}
        known = {name: reference for name, reference in references.items() if reference is not None}
        return {**entry, "env": known} if known else entry

    def command_line(self, name: str, server: Server) -> str | None:  # noqa: ARG002  # few clients have one
        """Return a command of the client itself that adds a server, if it has one."""
        return None

    def _type(self, transport: str) -> dict[str, str]:
        return {"type": transport} if self.says_type else {}

    def _filled(self, text: str, server: Server) -> str:
        for name in server.variables:
            text = text.replace(f"{{{name}}}", self.reference(name) or f"<{name}>")
        return text


def application_data() -> Path:
    """Return the directory in which applications keep their settings on this platform."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    variable, below = ("APPDATA", "AppData/Roaming") if sys.platform == "win32" else ("XDG_CONFIG_HOME", ".config")
    given = os.environ.get(variable)
    return Path(given) if given else Path.home() / below


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


class CursorEditor(Client):
    """Reads ``mcp.json`` of the user; one of a project looks the same."""

    name: ClassVar = "cursor"
    label: ClassVar = "CursorEditor"
    has_comments: ClassVar = True
    after: ClassVar = "switch the server on in CursorEditor's settings, under MCP"

    def path(self) -> Path:
        """Return ``~/.cursor/mcp.json``."""
        return Path.home() / ".cursor" / "mcp.json"

    def reference(self, variable: str) -> str:
        """Return ``${env:NAME}``."""
        return f"${{env:{variable}}}"


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
