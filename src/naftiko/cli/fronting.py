"""The options of ``serve`` about how callers reach it: TLS, what is before it, how answers are coded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

from naftiko.cli.listening import option
from naftiko.serve.front import Front
from naftiko.serve.tls import Tls, TlsFiles

_FILE: Final = click.Path(path_type=Path)

_OPTIONS: Final = (
    option(
        "--tls-cert",
        type=_FILE,
        metavar="FILE",
        help="Speak TLS with this certificate, as PEM, followed by those between it and its authority. Renewed files "
        "are taken over within seconds.",
    ),
    option("--tls-key", type=_FILE, metavar="FILE", help="The key of --tls-cert; default: it is in the same file."),
    option(
        "--tls-client-ca",
        type=_FILE,
        metavar="FILE",
        help="Let in only callers with a certificate of these authorities; access and audit lines say whose it is.",
    ),
)


def front_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command."""
    for each in reversed(_OPTIONS):
        command = each(command)
    return command


def front_of(given: dict[str, Any]) -> Front:
    """Return what is between callers and the apps.

    Raises:
        click.UsageError: an option needs another one.
        BadCertificate: certificates can't be used.
    """
    return Front(tls=_tls(given["tls_cert"], given["tls_key"], given["tls_client_ca"]))


def _tls(certificate: Path | None, key: Path | None, authority: Path | None) -> Tls | None:
    if certificate is None:
        for name, value in (("--tls-key", key), ("--tls-client-ca", authority)):
            if value is not None:
                raise click.UsageError(f"{name} {value} needs --tls-cert FILE: without a certificate there is no TLS")
        return None
    return Tls(TlsFiles(certificate, key, authority))
