"""The control port of a running server, as the commands find it and ask it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import quote

import click

from naftiko.cli.options import environment_option
from naftiko.document.outline import exposed_adapters
from naftiko.expose.registry import KINDS
from naftiko.ground.errors import NaftikoError

DEFAULT_PORT: Final = 9090
"""Where the reference engine's examples have it."""
TOKEN_VARIABLE: Final = "NAFTIKO_CONTROL_TOKEN"  # noqa: S105  # a name
ADDRESS_VARIABLE: Final = "NAFTIKO_CONTROL_ADDRESS"
PORT_VARIABLE: Final = "NAFTIKO_CONTROL_PORT"
_LAST_PORT: Final = 65_535
_SECONDS: Final = 10.0
_SUFFIXES: Final = (".yaml", ".yml")
_REACHED_AT: Final = {"0.0.0.0": "127.0.0.1", "::": "::1", "localhost": "127.0.0.1"}  # noqa: S104  # compared, not bound

_THIS_MACHINE: Final = frozenset({"127.0.0.1", "::1"})
_TLS: Final = "https://"

_Asked = tuple[http.client.HTTPConnection, http.client.HTTPResponse]
CommandT = TypeVar("CommandT", bound=Callable[..., Any])


def unverified() -> ssl.SSLContext:
    """Return what speaks TLS with this very machine, whose certificate has another name than its address."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _answered(connection: http.client.HTTPConnection, request: tuple[Any, ...]) -> _Asked:
    try:
        connection.request(*request)
        return connection, connection.getresponse()
    except BaseException:
        connection.close()
        raise


class NobodyListens(NaftikoError):
    """Nobody answers at the control port."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    text: str

    def json(self) -> Any:
        """Return the document.

        Raises:
            NaftikoError: it is none.
        """
        try:
            return json.loads(self.text)
        except ValueError as error:
            raise NaftikoError("the answer is no JSON: this is no control port") from error


@dataclass(frozen=True, slots=True)
class ControlPort:
    """Where a running server is asked."""

    host: str
    port: int
    token: str | None = None

    @property
    def url(self) -> str:
        """For people."""
        if self.host.startswith(_TLS):
            return f"{self.host.rstrip('/')}:{self.port}"
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    @contextlib.contextmanager
    def open(
        self, method: str, path: str, body: str = "", *, seconds: float | None = _SECONDS
    ) -> Iterator[http.client.HTTPResponse]:
        """Ask, and give the answer before its body.

        Raises:
            NobodyListens: nobody answers.
            NaftikoError: who asks isn't let in.
        """
        try:
            connection, answer = self._asked(method, path, body.encode() or None, seconds)
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise NobodyListens(
                f"nobody answers at {self.url}: is the capability running, with a control port?\n"
                "  naftiko serve FILE --control 9464   opens one, or in the file:\n"
                "  exposes:\n    - type: control\n      port: 9464\n"
                "  another one is named with --port, NAFTIKO_CONTROL_PORT and NAFTIKO_CONTROL_ADDRESS"
            ) from error
        with contextlib.closing(connection), answer:
            if answer.status in (401, 403):
                raise NaftikoError(f"{self.url} lets nobody in without a login: give --token, or {TOKEN_VARIABLE}")
            yield answer

    def _asked(self, method: str, path: str, body: bytes | None, seconds: float | None) -> _Asked:
        """Send a request, over TLS where the address says so, or where one of this machine takes nothing else."""
        host = _REACHED_AT.get(self.host, self.host)
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if host.startswith(_TLS):
            name, context = host.removeprefix(_TLS).rstrip("/").strip("[]"), ssl.create_default_context()
            return _answered(
                http.client.HTTPSConnection(name, self.port, timeout=seconds, context=context),
                (method, path, body, headers),
            )
        try:
            return _answered(
                http.client.HTTPConnection(host, self.port, timeout=seconds), (method, path, body, headers)
            )
        except (ConnectionResetError, http.client.BadStatusLine):
            if host not in _THIS_MACHINE:
                raise
        with_tls = http.client.HTTPSConnection(host, self.port, timeout=seconds, context=unverified())
        return _answered(with_tls, (method, path, body, headers))

    def ask(self, method: str, path: str, body: str = "") -> Answer:
        """Ask, and return the whole answer.

        Raises:
            NaftikoError: there is none, or the route isn't there.
        """
        with self.open(method, path, body) as answer:
            return Answer(answer.status, answer.read().decode("utf-8", "replace"))

    def get(self, path: str) -> Answer:
        """GET what must be there.

        Raises:
            NaftikoError: it isn't.
        """
        answer = self.ask("GET", path)
        if answer.status >= 400:  # noqa: PLR2004  # the first status of errors
            raise NaftikoError(f"{path} returned HTTP {answer.status}: {_said(answer)}")
        return answer


def _said(answer: Answer) -> str:
    try:
        document = json.loads(answer.text)
    except ValueError:
        return "no reason given"
    found = (
        document.get("detail") or document.get("error") or document.get("reason")
        if isinstance(document, dict)
        else None
    )
    return str(found or "the file may not turn it on (`management`, `observability`)")


def control_options(command: CommandT) -> CommandT:
    """Add the options that say which control port is asked."""
    port = "The control port; default: that of the YAML in the working directory, else 9090."
    kind = click.IntRange(1, _LAST_PORT)
    for add in (
        environment_option(
            "--token", variable=TOKEN_VARIABLE, metavar="TOKEN", help="A bearer token that it asks for."
        ),
        environment_option(
            "--address", variable=ADDRESS_VARIABLE, metavar="ADDRESS", help="Its address; default: localhost."
        ),
        environment_option("--port", variable=PORT_VARIABLE, type=kind, metavar="PORT", help=port),
    ):
        command = add(command)  # type: ignore[assignment]  # what click makes of it is called as it is
    return command


def control_port(port: int | None, address: str | None, token: str | None) -> ControlPort:
    """Return the control port that is meant: the options', the environment's, else that of the working directory."""
    if port is not None:
        return ControlPort(address or "localhost", port, token)
    own = os.environ.get("NAFTIKO_CONTROL", "").rpartition(":")
    if own[2].isdecimal() and int(own[2]):
        return ControlPort(address or own[0].strip("[]") or "localhost", int(own[2]), token)
    for path in sorted(each for each in Path().iterdir() if each.suffix in _SUFFIXES and each.is_file()):
        for model in exposed_adapters(path):
            served = KINDS.get(model.kind)
            if served is not None and served.for_operators and isinstance(model.port, int):
                return ControlPort(address or model.address or "localhost", model.port, token)
    return ControlPort(address or "localhost", DEFAULT_PORT, token)


def segment(name: str) -> str:
    """Return a name as a segment of a path."""
    return quote(name, safe="")
