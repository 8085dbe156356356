"""``naftiko status``: what a running server says of itself."""

from __future__ import annotations

import re

import click

from naftiko.cli.asking import control_options, control_port
from naftiko.cli.terminal import say

_DURATION = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?")


@click.command()
@control_options
def status(port: int | None, address: str | None, token: str | None) -> None:
    """Show what runs, for how long, and in which state, by the control port."""
    said = control_port(port, address, token).get("/status").json()
    engine, adapters = said["engine"], said["adapters"]
    is_up = all(each["state"] == "started" for each in adapters)
    say(f"{said['capability'].get('label') or said['capability'].get('display')}: {'UP' if is_up else 'DEGRADED'}")
    runtime = f"Java {engine['java']}" if engine.get("java") else f"Python {engine.get('python')}"
    say(f"  Engine:    {engine['version']} ({runtime}, native: {str(engine['native']).lower()})")
    say(f"  Uptime:    {_shown(said['uptime'])}")
    say(f"  OTel:      {said['otel']['status']}")
    say("  Adapters:")
    names = [each.get("namespace") or each["type"] for each in adapters]
    width = max(map(len, names), default=0)
    for name, each in zip(names, adapters, strict=True):
        say(f"    {name.ljust(width)} {':' + str(each['port']) if each.get('port') else '':<8} {each['state']}")


def _shown(duration: str) -> str:
    found = _DURATION.fullmatch(duration)
    hours, minutes, seconds = found.groups() if found else (None, None, None)
    parts = [f"{hours}h" if hours else "", f"{minutes}m" if minutes else "", f"{int(float(seconds or 0))}s"]
    return " ".join(filter(None, parts))
