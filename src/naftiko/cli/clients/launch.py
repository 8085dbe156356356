"""What a client is told of naftiko: the command that serves capabilities, or the URL where they are served."""

from __future__ import annotations

import re
import shutil
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import click

from naftiko.cli.clients.known import Server
from naftiko.cli.settings import Given, SettingsFile
from naftiko.document.model import (
    ApiKeyAuthentication,
    Authentication,
    BearerAuthentication,
    Bind,
)
from naftiko.engine.capability import Adapter, Capability
from naftiko.expression.template import has_placeholder
from naftiko.observe.redaction import is_secret_name
from naftiko.serve.addresses import Listener, listeners

_ANY_HOST: Final = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}  # noqa: S104  # the reverse of binding to it
_ONE_VARIABLE: Final = re.compile(r"\{\{\s*([^{}\s]+)\s*\}\}")


def command_server(
    paths: Iterable[Path],
    given: Given,
    file: SettingsFile,
    variables: Sequence[str],
    authentication: Mapping[str, Authentication | None],
) -> Server:
    """Return the server that ``naftiko serve --transport stdio`` is.

    All paths become absolute, since nobody knows in which directory a client starts it.

    Args:
        paths: of capability files and directories of them.
        given: the options of the command line, which are passed on.
        file: the settings file, which is named if there is one.
        variables: the environment variables that it reads.
        authentication: what ``--auth`` says, by namespace.

    Raises:
        click.UsageError: an option holds a secret, which is never written.
    """
    _refuse_secrets(given, authentication)
    command = [*naftiko(), "serve", *(str(path.absolute()) for path in paths), "--transport", "stdio"]
    for option, texts in (
        ("--base-uri", given.base_uri),
        ("--var", given.var),
        ("--auth", given.auth),
        ("--comma-arrays", given.comma_arrays),
        ("--websocket", given.websocket),
        ("--env-file", [str(Path(path).absolute()) for path in given.env_file]),
        ("--import-root", [str(Path(given.import_root).absolute())] if given.import_root else []),
        ("--file-root", [str(Path(root).absolute()) for root in given.file_root]),
        ("--allow-env", given.allow_env),
        ("--deny-env", given.deny_env),
        ("--config", [str(file.path.absolute())] if file.path else []),
    ):
        for text in texts:
            command += [option, text]
    return Server(tuple(command), tuple(variables))


def naftiko() -> list[str]:
    """Return the command that starts this very naftiko, with absolute paths."""
    found = shutil.which("naftiko", path=sysconfig.get_path("scripts"))
    return [found] if found else [sys.executable, "-m", "naftiko"]


def _refuse_secrets(given: Given, authentication: Mapping[str, Authentication | None]) -> None:
    for text in given.var:
        name = text.partition("=")[0].strip()
        if is_secret_name(name):
            raise click.UsageError(
                f"--var {name}=… would be written into the client's configuration; set {name} in the environment, "
                "or in a file that --env-file names"
            )
    for text in given.auth:
        namespace = text.partition("=")[0].strip()
        ours = authentication[namespace]
        if ours is not None and not all(map(has_placeholder, ours.secrets().values())):
            raise click.UsageError(
                f"--auth {namespace}=… would be written into the client's configuration; let it read a variable, "
                f"as in --auth '{namespace}=bearer:{{{{env.TOKEN}}}}'"
            )
    for text in given.base_uri:
        namespace, _, url = text.partition("=")
        if urlsplit(url).password:
            raise click.UsageError(f"--base-uri {namespace}=… holds a password; give it with --auth")


def environment_variables(capabilities: Iterable[Capability]) -> list[str]:
    """Return the environment variables that capabilities read over stdio, each once, in their order.

    What only the callers of an HTTP adapter prove is not among them: over stdio nobody is asked.

    Args:
        capabilities: loaded with an empty environment, so that what a client must pass on is missing.
    """
    found: dict[str, None] = {}
    for capability in capabilities:
        asking = {adapter.namespace for adapter in capability.adapters} - set(capability.plan.apis)
        for name, blocked in capability.missing_variables().items():
            if not asking.issuperset(blocked):
                found.update(dict.fromkeys(_environment_name(capability, name)))
        for unit in capability.units:
            found.update((given.name, None) for given in unit.inputs if given.location == "environment")
    return list(found)


def _environment_name(capability: Capability, name: str) -> Iterator[str]:
    """Yield the environment variable that a variable is; none for one that a bind reads elsewhere."""
    namespace, dot, inner = name.partition(".")
    binds = [bind for bind in capability.document.binds if isinstance(bind, Bind)]
    for bind in reversed(binds):
        key = bind.keys.get(inner) if dot and bind.namespace == namespace else bind.keys.get(name)
        if key is not None:
            if bind.location is None or bind.location.startswith("env:"):
                yield key
            return
    yield inner if namespace == "env" and dot else name


def url_server(capabilities: Sequence[Capability], url: str | None) -> Server:
    """Return the server that ``naftiko serve`` is at a URL: the given one, or what the files say.

    Raises:
        click.UsageError: the files don't say one URL.
    """
    listening = [
        (listener, kind.client_path, exposed)
        for listener in listeners(capabilities)
        for kind, exposed in listener.by_kind()
        if kind.client_path is not None
    ]
    if url is None:
        if len(listening) != 1:
            raise click.UsageError("name the server with --url, such as --url http://127.0.0.1:9090/mcp")
        listener, path, _ = listening[0]
        url = _url(listener, path)
    headers: dict[str, str] = {}
    variables: list[str] = []
    for _, _, exposed in listening:
        for capability, adapter in exposed:
            for header, prefix, name in _header(capability, adapter):
                headers[header] = f"{prefix}{{{name}}}"
                variables.append(name)
    return Server(variables=tuple(dict.fromkeys(variables)), url=url, headers=headers)


def _url(listener: Listener, path: str) -> str:
    host = _ANY_HOST.get(listener.host, f"[{listener.host}]" if ":" in listener.host else listener.host)
    return f"http://{host}:{listener.port}{path}"


def _header(capability: Capability, adapter: Adapter) -> Iterator[tuple[str, str, str]]:
    """Yield the header that an adapter asks for: its name, a prefix, and the variable that holds the rest."""
    asked = adapter.plan.model.authentication
    if isinstance(asked, BearerAuthentication):
        header, prefix, text = "Authorization", "Bearer ", asked.token
    elif isinstance(asked, ApiKeyAuthentication) and asked.key and asked.placement != "query":
        header, prefix, text = asked.key, "", asked.value
    else:
        return
    found = _ONE_VARIABLE.fullmatch((text or "").strip())
    if found:
        for name in _environment_name(capability, found[1]):
            yield header, prefix, name
