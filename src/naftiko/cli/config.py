"""``naftiko config``: what a running server serves, whether a file may take its place, and that it does."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from naftiko.cli.asking import control_options, control_port
from naftiko.cli.terminal import say
from naftiko.ground.errors import NaftikoError

_NO_ROUTE = frozenset({404, 405})


@click.command()
@click.argument(
    "action", type=click.Choice(["show", "reload", "validate"]), default="show", metavar="[reload|validate]"
)
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=False)
@control_options
def config(action: str, file: Path | None, port: int | None, address: str | None, token: str | None) -> None:
    """Show what a running server serves; check what its files, or FILE, would be; or let it read them again."""
    asked = control_port(port, address, token)
    if action == "show":
        say(asked.get("/config").text, nl=False)
        return
    answer = asked.ask("POST", f"/config/{action}", "" if file is None else file.read_text("utf-8"))
    if answer.status in _NO_ROUTE:
        raise NaftikoError(
            f"/config/{action} returned HTTP {answer.status}: the file may not turn it on (`management`)"
        )
    said: dict[str, Any] = answer.json()
    if not said.get("valid", said.get("status") == "applied"):
        for reason in said.get("errors") or [said.get("reason") or said.get("detail") or "no reason given"]:
            say(f"error: {reason}", err=True)
        say("not valid" if action == "validate" else "rejected", err=True)
        sys.exit(1)
    for warning in said.get("warnings", ()):
        say(f"warning: {warning}")
    for change in said.get("structuralChanges") or said.get("changes") or ():
        more = "" if change.get("reloadable", True) else " (needs a restart)"
        say(f"{change.get('path')}: {json.dumps(change.get('from'))} -> {json.dumps(change.get('to'))}{more}")
    say(said["status"] if action == "reload" else f"valid, {'' if said['reloadable'] else 'not '}reloadable")
