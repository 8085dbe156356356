"""``naftiko lifecycle``: which adapters of a running server take calls."""

from __future__ import annotations

import json
from http import HTTPStatus

import click

from naftiko.cli.asking import control_options, control_port, segment
from naftiko.cli.terminal import say
from naftiko.ground.errors import NaftikoError


@click.command()
@click.argument("namespace", required=False)
@click.option("--state", type=click.Choice(["up", "drain", "down"]), help="Change it; drain finishes calls first.")
@control_options
def lifecycle(
    namespace: str | None, state: str | None, port: int | None, address: str | None, token: str | None
) -> None:
    """Show which adapters take calls, or change it, by the control port; draining all ends the server."""
    asked = control_port(port, address, token)
    if state is None:
        said = asked.get("/lifecycle").json()
    else:
        path = "/lifecycle" if namespace is None else f"/lifecycle/{segment(namespace)}"
        answer = asked.ask("PUT", path, json.dumps({"state": state}))
        if answer.status != HTTPStatus.OK:
            raise NaftikoError(f"{path} returned HTTP {answer.status}: no such adapter, or `management.reload` is off")
        said = answer.json()
    for each in said["adapters"]:
        if namespace in (None, each["namespace"] or each["type"]):
            say(f"{each['namespace'] or each['type']} :{each['port']}  {each['state']}  ({each['inFlight']} in flight)")
