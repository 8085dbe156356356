"""Show what ``naftiko call`` runs no operation for: the files of a resource, and prompts (SEMANTICS 7)."""

from __future__ import annotations

import asyncio
import base64
import sys
from typing import Any

import click
from mcp.shared.exceptions import MCPError

from naftiko.cli.answers import dump
from naftiko.cli.arguments import text_arguments
from naftiko.cli.diagnostics.excerpt import harmless
from naftiko.cli.terminal import say
from naftiko.cli.units import NamedFiles, NamedPrompt
from naftiko.document.suggest import did_you_mean
from naftiko.engine.capability import Capability
from naftiko.engine.directory import NotServed
from naftiko.expose.mcp.prompts import Prompt
from naftiko.expose.mcp.resources import Static, static_resource
from naftiko.expose.mcp.sources import McpSource

_EXIT_USAGE = 2


def show_files(capability: Capability, named: NamedFiles, form: str) -> None:
    """Write a file of a static resource, or the list of its files.

    Raises:
        click.ClickException: there is no such file, or it can't be read.
    """
    resource = static_resource(McpSource(capability, named.adapter), named.resource)
    if not named.uri or (named.uri.rstrip("/") == resource.directory.uri and not resource.directory.root.is_file()):
        _write_list(resource, form)
        return
    try:
        contents = resource.read(named.uri)
    except NotServed as reason:
        raise click.ClickException(f"{named.uri}: {reason}") from reason
    _write_contents(contents, form)


def _write_list(resource: Static, form: str) -> None:
    files = resource.declarations()
    if form == "text":
        for file in files:
            say(f"{harmless(file['uri'])}  {harmless(file['mimeType'])}")
    else:
        say(dump({"resources": files}, form))


def _write_contents(contents: dict[str, Any], form: str) -> None:
    if form == "json":
        say(dump({"contents": [contents]}, form))
    elif "text" in contents:
        (say if form == "text" else click.echo)(contents["text"], nl=form == "text")
    elif form == "raw":
        sys.stdout.flush()
        sys.stdout.buffer.write(base64.b64decode(contents["blob"]))
        sys.stdout.buffer.flush()
    else:
        size = len(base64.b64decode(contents["blob"]))
        say(f"{size:,} bytes of {contents['mimeType']}; write them with --format raw > FILE", err=True)


def show_prompt(capability: Capability, named: NamedPrompt, inputs: tuple[str, ...], form: str) -> None:
    """Write a prompt's messages, with the arguments filled in.

    Raises:
        click.ClickException: its file can't be read.
        click.UsageError: an argument is none of its own, or a required one is missing.
    """
    source, model = McpSource(capability, named.adapter), named.model
    given = text_arguments(inputs)
    known = [argument.name for argument in model.arguments if argument.name]
    for name in given:
        if name not in known:
            hint = did_you_mean(name, known) or f"known: {', '.join(known) or 'none'}"
            raise click.UsageError(f"the prompt `{model.name}` has no argument `{name}`; {hint}")
    prompt = Prompt(model, model.name or "", source.file(model.location) if model.location else None)  # or it says why
    try:
        values = prompt.values(given)
    except MCPError as error:
        raise click.UsageError(error.message) from error
    try:
        messages = asyncio.run(prompt.messages(values))
    except MCPError as error:
        raise click.ClickException(error.message) from error
    if form == "json":
        described = {"description": model.description} if model.description else {}
        say(dump({**described, "messages": messages}, form))
    elif form == "raw":
        click.echo("\n\n".join(message["content"]["text"] for message in messages), nl=False)
    else:
        say("\n\n".join(f"{message['role']}:\n{message['content']['text'].rstrip()}" for message in messages))
