"""``naftiko install``: put capabilities into the configuration of an MCP client."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import click

from naftiko.cli.clients import CLIENTS, Client, Server
from naftiko.cli.clients.configuration import Occupied, Unreadable, changed, read, replace
from naftiko.cli.clients.launch import command_server, environment_variables, url_server
from naftiko.cli.files import find_files
from naftiko.cli.options import check_names, shared_options
from naftiko.cli.settings import Given, SettingsFile
from naftiko.cli.settings import settings as settings_of
from naftiko.cli.terminal import say
from naftiko.engine.capability import Capability, load
from naftiko.engine.reach import is_there
from naftiko.engine.settings import Settings
from naftiko.expose.registry import KINDS
from naftiko.observe import sanitize as neutral

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")


@click.command()
@click.argument("files", nargs=-1, metavar="[FILE|DIRECTORY|GLOB]...")
@click.option("--client", "client_name", required=True, type=click.Choice(list(CLIENTS)), help="The client.")
@click.option("--name", metavar="NAME", help="Name of the entry; default: the MCP adapter's namespace.")
@click.option(
    "--transport",
    type=click.Choice(["stdio", "http"]),
    help="stdio: the client starts naftiko (the default); http: naftiko is served already.",
)
@click.option("--url", metavar="URL", help="Where it is served over HTTP; default: as the files say.")
@click.option(
    "--env", "variables", multiple=True, metavar="NAME", help="An environment variable to pass on, by its name alone."
)
@click.option("--print", "is_printed", is_flag=True, help="Print the configuration; write nothing.")
@click.option("--force", is_flag=True, help="Replace another entry of the same name.")
@shared_options
def install(
    _settings: Settings,
    /,
    *,
    files: tuple[str, ...],
    client_name: str,
    name: str | None,
    transport: str | None,
    url: str | None,
    variables: tuple[str, ...],
    is_printed: bool,
    force: bool,
) -> None:
    """Put capabilities into the configuration of an MCP client.

    The file's other entries, its comments and its layout stay; a backup is made first. Secrets are never written: the
    client is told the names of the environment variables that hold them.
    """
    client = CLIENTS[client_name]
    if (transport or ("http" if url else "stdio")) == "http":
        server, capabilities = _over_http(client, files, url)
    else:
        server, capabilities = _over_stdio(files, url, variables)
    entry_name = _UNSAFE.sub("-", name or _name(capabilities)).strip("-") or "naftiko"
    if is_printed:
        say(
            neutral.json_text(
                json.dumps({client.key: {entry_name: client.entry(server)}}, indent=2, ensure_ascii=False)
            )
        )
        command = client.command_line(entry_name, server)
        if command:
            say(f"or, for all projects: {command}", err=True)
    else:
        _write(client, entry_name, server, force=force)
    _tell(client, server, is_printed=is_printed)


def _over_http(client: Client, files: tuple[str, ...], url: str | None) -> tuple[Server, list[Capability]]:
    if not client.speaks_http:
        raise click.UsageError(
            f"the configuration of {client.label} names commands only; use --transport stdio, or add a URL that the "
            "internet reaches as a connector in its settings"
        )
    if not files and url is None:
        raise click.UsageError("name a capability file, or the server with --url")
    capabilities = _load(_paths(files)) if files else []
    return url_server(capabilities, url), capabilities


def _over_stdio(files: tuple[str, ...], url: str | None, variables: tuple[str, ...]) -> tuple[Server, list[Capability]]:
    if url is not None:
        raise click.UsageError("--url is for --transport http")
    if not files:
        raise click.UsageError("name a capability file or a directory of them")
    if any("=" in name for name in variables):
        raise click.UsageError("--env wants a name without a value: what it holds is not written")
    paths = _paths(files)
    capabilities = _load(paths)
    check_names(capabilities, _shell_less())
    names = list(dict.fromkeys((*environment_variables(capabilities), *variables)))
    given, file = _remembered(Given), _remembered(SettingsFile)
    return command_server(paths, given, file, names, _shell_less().authentication), capabilities


def _paths(files: Sequence[str]) -> list[Path]:
    """Return the arguments as paths: a directory stays one, so that what comes into it is served too."""
    return [
        path
        for argument in files
        for path in ([Path(argument)] if is_there(Path(argument)) else find_files([argument]).files)
    ]


def _load(paths: Sequence[Path]) -> list[Capability]:
    """Load what has MCP in it, as if the shell's environment were empty.

    Raises:
        click.UsageError: nothing has.
    """
    found = find_files([str(path) for path in paths]).files
    settings = _shell_less()
    capabilities = [load(path, settings=settings) for path in found]
    exposing = [capability for capability in capabilities if _adapters(capability)]
    if not exposing:
        raise click.UsageError(f"nothing in {', '.join(map(str, paths))} is exposed over MCP")
    return exposing


def _shell_less() -> Settings:
    """Return the settings without the shell's environment, which the client doesn't have when it starts naftiko."""
    return settings_of(_remembered(Given), _remembered(SettingsFile), {})


ThingT = TypeVar("ThingT")


def _remembered(kind: type[ThingT]) -> ThingT:
    """Return what the shared options have read."""
    return next(value for value in click.get_current_context().meta.values() if isinstance(value, kind))


def _adapters(capability: Capability) -> list[str]:
    return [adapter.namespace for adapter in capability.adapters if KINDS[adapter.kind].client_path is not None]


def _name(capabilities: Sequence[Capability]) -> str:
    namespaces = [namespace for capability in capabilities for namespace in _adapters(capability)]
    return namespaces[0] if len(namespaces) == 1 and namespaces[0] else "naftiko"


def _write(client: Client, name: str, server: Server, *, force: bool) -> None:
    path = client.path()
    try:
        before = read(path)
        after = changed(before, client.key, name, client.entry(server), comments=client.has_comments, force=force)
        if after == before:
            say(f"unchanged: {path} has `{name}` already", err=True)
            return
        backup = replace(path, after)
    except Occupied as error:
        raise click.ClickException(
            f"{path} has another entry `{name}`; choose a --name, or replace it with --force"
        ) from error
    except Unreadable as error:
        raise click.ClickException(f"{path} is not changed: {error}; --print shows what to put in by hand") from error
    except UnicodeDecodeError as error:
        raise click.ClickException(f"{path} is not changed: it is not UTF-8") from error
    except OSError as error:
        raise click.ClickException(f"{path} is not changed: {(error.strerror or str(error)).lower()}") from error
    say(f"written: `{name}` in {path}", err=True)
    if backup is not None:
        say(f"backup: {backup}", err=True)


def _tell(client: Client, server: Server, *, is_printed: bool) -> None:
    """Tell what is left to do."""
    if is_printed:
        say(f"goes into: {client.path()}", err=True)
    if server.variables:
        names = ", ".join(server.variables)
        if client.reference("") is None:
            say(f"to set: {names}; {client.label} passes none on: name a file of them with --env-file", err=True)
        else:
            say(f"to set in the environment of {client.label}: {names}", err=True)
    say(f"then: {client.after}", err=True)
