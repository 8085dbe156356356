"""``naftiko metrics``: the figures of a running server."""

from __future__ import annotations

import re

import click

from naftiko.cli.asking import control_options, control_port
from naftiko.cli.terminal import say


@click.command()
@click.option("--filter", "pattern", metavar="REGEX", help="Only metrics whose names fit; case doesn't matter.")
@control_options
def metrics(pattern: str | None, port: int | None, address: str | None, token: str | None) -> None:
    """Show the metrics of a running server as Prometheus reads them, by the control port."""
    try:
        wanted = re.compile(pattern or "", re.IGNORECASE)
    except re.error as error:
        raise click.BadParameter(f"`{pattern}` is no regular expression: {error}", param_hint="--filter") from error
    for line in control_port(port, address, token).get("/metrics").text.splitlines():
        name = line.split(" ", 3)[2] if line.startswith("# ") else re.split(r"[{ ]", line, maxsplit=1)[0]
        if wanted.search(name):
            say(line)
