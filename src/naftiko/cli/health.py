"""``naftiko health``: ask the server that the same environment starts, for a container's health check."""

from __future__ import annotations

import http.client
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import click

from naftiko.cli.files import find_files
from naftiko.cli.options import shared_options
from naftiko.cli.serve import PORT, default_paths, option
from naftiko.engine.capability import load
from naftiko.engine.settings import Settings
from naftiko.errors import CapabilityError
from naftiko.serve.addresses import Listener, listeners

_SECONDS = 2.0
_SERVER_ERROR = 500
_REACHED_AT = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # compared, not bound
_AT_ONCE = 16


@click.command()
@click.argument("paths", nargs=-1, metavar="[FILE|DIRECTORY|GLOB]...")
@option("--host", metavar="ADDRESS", help="As given to serve.")
@option("--port", multiple=True, type=PORT, metavar="NAME=PORT", help="As given to serve.")
@shared_options
def health(settings: Settings, paths: Sequence[str], host: str | None, port: Sequence[tuple[str, int]]) -> None:
    """Ask every port of a running `naftiko serve` with the same files, options and environment.

    Exit code: 0 if each answers within 2 seconds and with less than 500, 1 if one does not.
    """
    found = _listeners(default_paths(paths), settings, host or None, dict(port))
    if not found:
        raise click.ClickException("nothing listens: the files expose nothing over HTTP")
    with ThreadPoolExecutor(min(len(found), _AT_ONCE)) as pool:
        complaints = [complaint for complaint in pool.map(_complaint, found) if complaint]
    for complaint in complaints:
        click.echo(f"unhealthy: {complaint}", err=True)
    if complaints:
        sys.exit(1)
    click.echo(f"healthy: {', '.join(str(listener.port) for listener in found)}")


def _listeners(paths: Sequence[str], settings: Settings, host: str | None, ports: dict[str, int]) -> list[Listener]:
    capabilities = []
    for path in find_files(paths).files:
        try:
            capabilities.append(load(path, settings=settings))
        except CapabilityError:
            continue  # serve has told it, and serves the others
    return listeners(capabilities, host=host, ports=ports)


def _complaint(listener: Listener) -> str:
    """Return what is wrong with a listener, or ``""``. A 404 or a JSON-RPC error is an answer too."""
    host, port = _REACHED_AT.get(listener.host, listener.host), listener.port
    if port == 0:
        return "a port that was free at the start can't be known; give --port to serve and to health"
    connection = http.client.HTTPConnection(host, port, timeout=_SECONDS)
    try:
        connection.request("GET", "/", headers={"Connection": "close"})
        status = connection.getresponse().status
    except TimeoutError:
        return f"{host}:{port} does not answer within {_SECONDS:.0f} seconds"
    except (OSError, http.client.HTTPException) as error:
        return f"{host}:{port}: {(getattr(error, 'strerror', None) or 'no HTTP answer').lower()}"
    finally:
        connection.close()
    return f"{host}:{port} answers {status}" if status >= _SERVER_ERROR else ""
