"""``naftiko traces``: the last calls of a running server, and the spans of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

import click

from naftiko.cli.asking import control_options, control_port, segment
from naftiko.cli.terminal import say
from naftiko.ground.errors import NaftikoError

_SECOND = 1000
_NOT_FOUND = 404


@click.command()
@click.argument("trace_id", required=False, metavar="[ID]")
@click.option("--operation", metavar="NAME", help="Only those whose operation's name holds this.")
@click.option("--status", type=click.Choice(["OK", "ERROR"], case_sensitive=False), help="Only those that ended so.")
@control_options
def traces(
    trace_id: str | None,
    operation: str | None,
    status: str | None,
    port: int | None,
    address: str | None,
    token: str | None,
) -> None:
    """List the last traces of a running server, or show the spans of one, by the control port."""
    asked = control_port(port, address, token)
    if trace_id is not None:
        answer = asked.ask("GET", f"/traces/{segment(trace_id)}")
        if answer.status == _NOT_FOUND:
            raise NaftikoError(f"Trace not found: {trace_id}")
        spans = asked.get(f"/traces/{segment(trace_id)}").json()["spans"]
        for line in _tree(spans):
            say(line)
        return
    given = {name: value for name, value in (("operation", operation), ("status", status)) if value}
    found = asked.get(f"/traces?{urlencode(given)}").json()["traces"]
    if not found:
        say("No traces found.")
        return
    say(f"{'TRACE ID':<36}{'OPERATION':<18}{'DURATION':<12}{'STATUS':<8}{'SPANS':<7}TIME")
    for each in found:
        row = f"{each['traceId']:<36}{each['operation']:<18}{_duration(each['durationMs']):<12}{each['status']:<8}"
        say(f"{row}{each['spanCount']:<7}{each['timestamp'][11:19]}")


def _duration(milliseconds: float) -> str:
    return f"{milliseconds / _SECOND:.1f}s" if milliseconds >= _SECOND else f"{milliseconds:.0f}ms"


def _tree(spans: Sequence[dict[str, Any]], parent: str | None = None, depth: int = 0) -> list[str]:
    """Return a line for each span, the inner ones below what they are of."""
    known = {each["spanId"] for each in spans}
    lines = []
    for each in spans:
        above = each.get("parentSpanId")
        if (above if above in known else None) == parent:
            lines.append(
                f"{'  ' * depth}{each['name']} [{each['kind']}] {_duration(each['durationMs'])} {each['status']}"
            )
            lines += _tree(spans, each["spanId"], depth + 1)
    return lines
