"""The options of ``serve`` about how callers reach it: TLS, what is before it, how answers are coded."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import click

from naftiko.cli.listening import CheckedType, option
from naftiko.serve.forwarded import Proxies, Style, prefix_of
from naftiko.serve.front import Front
from naftiko.serve.given import Given, file_mode, given_name
from naftiko.serve.gzipped import USUAL_LEAST
from naftiko.serve.systemd import inherited
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
    option(
        "--uds",
        multiple=True,
        type=CheckedType("[NAME=]PATH", given_name),
        metavar="[NAME=]PATH",
        help="Listen on a Unix socket instead of ports: all adapters behind one, or those of a type (rest, mcp) or "
        "namespace; REST and MCP share a socket as they share a port.",
    ),
    option(
        "--uds-mode",
        type=CheckedType("MODE", file_mode),
        default="660",
        metavar="MODE",
        help="Who may connect to it, as of files; default: 660, its owner and group.",
    ),
    option(
        "--forwarded-allow-ips",
        multiple=True,
        metavar="ADDRESS",
        help="Proxies that are believed what they say of a request: caller, scheme, host, prefix. Addresses, networks, "
        "unix, or * for whoever connects; separated by commas; default: nobody.",
    ),
    option(
        "--forwarded-headers",
        type=click.Choice(["x-forwarded", "forwarded"]),
        default="x-forwarded",
        help="Where they say it: X-Forwarded-For, -Proto, -Host, -Port and -Prefix, or Forwarded (RFC 7239).",
    ),
    option(
        "--root-path",
        type=CheckedType("PREFIX", prefix_of),
        default="",
        metavar="PREFIX",
        help="What a proxy takes off the paths of requests before they come here, such as /shop.",
    ),
    option("--gzip", is_flag=True, help="Send texts in gzip to callers that take it; event streams never."),
    option(
        "--gzip-min-size",
        type=click.IntRange(min=0),
        default=USUAL_LEAST,
        metavar="BYTES",
        help="Answers that are smaller go as they are; default: 1024.",
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
    return Front(
        tls=_tls(given["tls_cert"], given["tls_key"], given["tls_client_ca"]),
        proxies=_proxies(given["forwarded_allow_ips"], given["forwarded_headers"]),
        root_path=prefix_of(given["root_path"]),
        gzip_from=given["gzip_min_size"] if given["gzip"] else None,
    )


def given_of(given: dict[str, Any]) -> Given:
    """Return what adapters have to listen on beside ports.

    Raises:
        CannotListen: what systemd passes is nothing to listen on.
    """
    pairs = [given_name(each) for each in given["uds"]]
    if len(dict(pairs)) < len(pairs):
        raise click.UsageError("--uds is there twice for the same adapters: each has one socket")
    return Given(dict(pairs), file_mode(given["uds_mode"]), inherited(os.environ))


def _proxies(trusted: Sequence[str], style: Style) -> Proxies | None:
    try:
        return Proxies(trusted, style) if any(each.strip() for each in trusted) else None
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--forwarded-allow-ips") from error


def _tls(certificate: Path | None, key: Path | None, authority: Path | None) -> Tls | None:
    if certificate is None:
        for name, value in (("--tls-key", key), ("--tls-client-ca", authority)):
            if value is not None:
                raise click.UsageError(f"{name} {value} needs --tls-cert FILE: without a certificate there is no TLS")
        return None
    return Tls(TlsFiles(certificate, key, authority))
