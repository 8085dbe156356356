"""``naftiko health``: ask the server that the same environment starts, for a container's health check.

It runs every few seconds beside the server, so it loads no file to know its ports: it reads what adapters there are.
Only where a port doesn't answer, the files that name it are loaded until one is found that would be served there.
"""

from __future__ import annotations

import http.client
import os
import socket
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click

from naftiko.cli import asking
from naftiko.cli.files import default_paths, find_files
from naftiko.cli.listening import CheckedType, NamedNumber, option
from naftiko.cli.options import shared_options
from naftiko.cli.terminal import say
from naftiko.document.model import AdapterModel
from naftiko.document.outline import exposed_adapters
from naftiko.engine.settings import Settings
from naftiko.expose.registry import KINDS
from naftiko.ground.errors import CapabilityError
from naftiko.serve.addresses import has_variable, host_of, port_of
from naftiko.serve.given import Given, given_name
from naftiko.serve.sockets import UNIX, is_port

_SECONDS = 2.0
_SERVER_ERROR = 500
_CLIENT_ERROR = 400
_LONE = "control"
_PORT = NamedNumber("NAME=PORT", "rest=18080 or 9464 (0 to 65535)", 65_535, unnamed=_LONE)
_UDS = CheckedType("[NAME=]PATH", given_name)
_REACHED_AT = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # compared, not bound
_AT_ONCE = 16
_NOTHING = "nothing listens: the files expose nothing over HTTP"


@click.command()
@click.argument("paths", nargs=-1, metavar="[FILE|DIRECTORY|GLOB]...")
@option("--host", metavar="ADDRESS", help="As given to serve.")
@option(
    "--port",
    multiple=True,
    type=_PORT,
    metavar="NAME=PORT",
    help="As given to serve; a number alone is a control port, which is asked instead.",
)
@option(
    "--uds",
    multiple=True,
    type=CheckedType("[NAME=]PATH", given_name),
    metavar="[NAME=]PATH",
    help="As given to serve.",
)
@option("--tls-cert", metavar="FILE", help="As given to serve: its ports are then asked over TLS.")
@click.option("--address", metavar="ADDRESS", help="The address of the control port; default: localhost.")
@shared_options
def health(
    settings: Settings,
    paths: Sequence[str],
    host: str | None,
    port: Sequence[tuple[str, int]],
    uds: Sequence[str],
    tls_cert: str | None,
    address: str | None,
) -> None:
    """Ask every port of a running `naftiko serve` with the same files, options and environment.

    Where a control port is named, by a number or by NAFTIKO_CONTROL or NAFTIKO_CONTROL_PORT, it is asked instead, and
    no file is read. Exit code: 0 if each answers within 2 seconds and with less than 500, 1 if one does not.
    """
    own = _control(paths, port, address)
    if own is not None:
        _ask_control(own)
        return
    places = _Places(settings, host or None, dict(port), Given(dict(map(given_name, uds))))
    for path in find_files(default_paths(paths)).files:
        places.add(path)
    found = list(places.files)
    if not found:
        raise click.ClickException(_NOTHING)
    with ThreadPoolExecutor(min(len(found), _AT_ONCE)) as pool:
        answers = dict(zip(found, pool.map(partial(_complaint, has_tls=bool(tls_cert)), found), strict=True))
    complaints = [complaint for place, complaint in answers.items() if complaint and places.is_served(place)]
    for complaint in complaints:
        say(f"unhealthy: {complaint}", err=True)
    if complaints:
        sys.exit(1)
    healthy = [str(place.port or place.host) for place, complaint in answers.items() if not complaint]
    if not healthy:
        raise click.ClickException(_NOTHING)
    say(f"healthy: {', '.join(healthy)}")


def _control(paths: Sequence[str], ports: Sequence[tuple[str, int]], address: str | None) -> asking.ControlPort | None:
    """Return the control port that is named; ``None`` where files are to be read."""
    lone = [number for name, number in ports if name == _LONE]
    named = os.environ.get(asking.PORT_VARIABLE, "")
    if paths or not (lone or named.isdecimal() or os.environ.get("NAFTIKO_CONTROL")):
        return None
    number = lone[0] if lone else int(named) if named.isdecimal() else None
    where = address or os.environ.get(asking.ADDRESS_VARIABLE)
    return asking.control_port(number, where, os.environ.get(asking.TOKEN_VARIABLE))


def _ask_control(own: asking.ControlPort) -> None:
    """Ask a control port, and say what it says as the reference engine does."""
    live, ready = own.ask("GET", "/health/live"), own.ask("GET", "/health/ready")
    said = ready.json() if ready.text.startswith("{") else {}
    adapters = said.get("adapters", ())
    started = sum(each["state"] == "started" for each in adapters)
    is_live = live.status < _SERVER_ERROR and live.json().get("status") == "UP"
    say(f"Liveness:  {'UP' if is_live else 'DOWN'}")
    say(f"Readiness: {said.get('status', 'UNKNOWN')} ({started}/{len(adapters)} adapters started)")
    for each in adapters:
        if each["state"] != "started":
            say(f"unhealthy: {each.get('namespace') or each['type']}: {each.get('reason', each['state'])}", err=True)
    if not is_live or ready.status >= _CLIENT_ERROR:
        sys.exit(1)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where adapters listen; two of different kinds that want any free port get one each."""

    host: str
    port: int
    kind: str = ""


class _Places:
    """Where the adapters of files listen.

    Attributes:
        files: the files of each place, in their order.
    """

    def __init__(self, settings: Settings, host: str | None, ports: dict[str, int], given: Given) -> None:
        self._given = given
        self._settings = settings
        self._host = host
        self._ports = ports
        self.files: dict[_Place, list[Path]] = {}

    def add(self, path: Path) -> None:
        """Add the places of a file."""
        declared = [
            model
            for model in exposed_adapters(path, self._settings.import_root, self._settings.file_roots)
            if model.listens and model.kind in KINDS
        ]
        known = self._declared(declared)
        for place in self._loaded(path) if known is None else known:
            self.files.setdefault(place, []).append(path)

    def _declared(self, models: list[AdapterModel]) -> list[_Place] | None:
        """Return where adapters listen; ``None`` where one's place is known only with its variables."""
        places: list[_Place] = []
        for model in models:
            port = port_of(model, self._ports, lambda text: text)
            if isinstance(port, str) or (self._host is None and has_variable(model.address)):
                return None
            for_operators = KINDS[model.kind].for_operators
            own = self._given.place((model.namespace or "", model.kind), port, for_operators=for_operators)
            places.append(_Place(*own) if own else _place(self._host or model.address, port, model.kind))
        return places

    def is_served(self, place: _Place) -> bool:
        """Tell whether one of a place's files, loaded as ``serve`` does, really listens there."""
        return any(place in self._loaded(path) for path in self.files[place])

    def _loaded(self, path: Path) -> list[_Place]:
        from naftiko.engine.capability import load  # noqa: PLC0415  # half a second that a healthy server doesn't cost
        from naftiko.serve.addresses import impossible_port, listeners  # noqa: PLC0415  # with it

        try:
            capability = load(path, settings=self._settings)
        except CapabilityError:
            return []  # serve has told it, and serves the others
        if impossible_port(capability, self._ports) is not None:
            return []
        return [
            _place(listener.host, listener.port, exposed.adapter.kind)
            for listener in listeners([capability], host=self._host, ports=self._ports, given=self._given)
            for exposed in listener.exposed
        ]


def _place(address: str | None, port: int, kind: str) -> _Place:
    host = host_of(address)
    return _Place(host, port, kind if port == 0 and not host.startswith(UNIX) else "")


class _OverUnix(http.client.HTTPConnection):
    """A connection to a Unix socket.

    Args:
        path: of the socket.
        has_tls: whether it speaks TLS.
    """

    def __init__(self, path: str, *, has_tls: bool) -> None:
        super().__init__("localhost", timeout=_SECONDS)
        self._path = path
        self._has_tls = has_tls

    def connect(self) -> None:
        """Connect."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_SECONDS)
        self.sock.connect(self._path)
        if self._has_tls:
            self.sock = asking.unverified().wrap_socket(self.sock)


def _complaint(place: _Place, *, has_tls: bool) -> str:
    """Return what is wrong with a listener, or ``""``. A 404, a JSON-RPC error or "no certificate" is an answer too."""
    host, port = _REACHED_AT.get(place.host, place.host), place.port
    if not is_port(port):
        return f"{host}:{port} is no port"
    if port == 0 and not host.startswith(UNIX):
        return "a port that was free at the start can't be known; give --port to serve and to health"
    connection = http.client.HTTPConnection(host, port, timeout=_SECONDS)
    is_met = False
    if host.startswith(UNIX):
        connection = _OverUnix(host.removeprefix(UNIX), has_tls=has_tls)
    elif has_tls:
        connection = http.client.HTTPSConnection(host, port, timeout=_SECONDS, context=asking.unverified())
    try:
        connection.connect()
        is_met = has_tls
        connection.request("GET", "/", headers={"Connection": "close"})
        status = connection.getresponse().status
    except TimeoutError:
        return f"{host}:{port} does not answer within {_SECONDS:.0f} seconds"
    except (OSError, ValueError, http.client.HTTPException) as error:
        if is_met:
            return ""  # it has shown its certificate, and lets nobody in without one
        return f"{host}:{port}: {(getattr(error, 'strerror', None) or 'no HTTP answer').lower()}"
    finally:
        connection.close()
    return f"{host}:{port} answers {status}" if status >= _SERVER_ERROR else ""
