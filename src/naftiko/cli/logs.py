"""``naftiko logs``: the loggers of a running server, their levels, and what they write."""

from __future__ import annotations

import contextlib
import json
from http import HTTPStatus
from urllib.parse import urlencode

import click

from naftiko.cli.asking import ControlPort, control_options, control_port, segment
from naftiko.cli.terminal import say
from naftiko.ground.errors import NaftikoError

_LEVELS = click.Choice(["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "OFF"], case_sensitive=False)


@click.command()
@click.option("--follow", is_flag=True, help="Show what is logged from now on, until Ctrl-C.")
@click.option("--level", type=_LEVELS, help="With --follow the least severe; else set it, until the server ends.")
@click.option("--logger", default="ROOT", metavar="NAME", help="Which logger; default: ROOT, all of them.")
@control_options
def logs(
    *, follow: bool, level: str | None, logger: str, port: int | None, address: str | None, token: str | None
) -> None:
    """List the loggers of a running server, change a level, or follow what is logged, by the control port."""
    asked = control_port(port, address, token)
    if follow:
        _follow(asked, logger, level)
    elif level is not None:
        answer = asked.ask("PUT", f"/logs/{segment(logger)}", json.dumps({"level": level}))
        if answer.status != HTTPStatus.NO_CONTENT:
            raise NaftikoError(f"/logs/{logger} returned HTTP {answer.status}")
        say(f"{logger}: {level}")
    else:
        found = asked.get("/logs").json()["loggers"]
        width = max(map(len, found))
        for name, levels in found.items():
            say(f"{name.ljust(width)}  {levels['configuredLevel'] or '-':<6} {levels['effectiveLevel']}")


def _follow(asked: ControlPort, logger: str, level: str | None) -> None:
    query = urlencode({"logger": logger, **({"level": level} if level else {})})
    with asked.open("GET", f"/logs/stream?{query}", seconds=None) as answer, contextlib.suppress(KeyboardInterrupt):
        if answer.status != HTTPStatus.OK:
            why = "as many listen as may" if answer.status == HTTPStatus.TOO_MANY_REQUESTS else "is `logs.stream` on?"
            raise NaftikoError(f"/logs/stream returned HTTP {answer.status}: {why}")
        while line := answer.readline():
            if line.startswith(b"data: "):
                entry = json.loads(line.removeprefix(b"data: "))
                said = f"{entry.pop('time')} {entry.pop('level').upper()} {entry.pop('logger')} {entry.pop('message')}"
                say(said + "".join(f" {name}={value}" for name, value in entry.items()))
