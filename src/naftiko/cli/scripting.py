"""``naftiko scripting``: what the scripts of a running server may do, and how they went."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

import click

from naftiko.cli.asking import control_options, control_port
from naftiko.cli.terminal import say
from naftiko.ground.errors import NaftikoError


def _flag(text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise NaftikoError(f"`{text}` is neither true nor false")
    return text.lower() == "true"


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise NaftikoError(f"`{text}` is no whole number") from None


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


_FIELDS: Final[Mapping[str, Callable[[str], Any]]] = {
    "enabled": _flag,
    "defaultLocation": str,
    "defaultLanguage": str,
    "timeout": _number,
    "statementLimit": _number,
    "allowedLanguages": _words,
}


@click.command()
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help=f"Change one of: {', '.join(_FIELDS)}.")
@control_options
def scripting(*, changes: tuple[str, ...], port: int | None, address: str | None, token: str | None) -> None:
    """Show what scripts of a running server may do, and how they went, or change it, by the control port."""
    given: dict[str, Any] = {}
    for change in changes:
        name, is_assigned, value = change.partition("=")
        if name not in _FIELDS:
            raise NaftikoError(f"Unknown scripting field: {name}; there are {', '.join(_FIELDS)}")
        if not is_assigned:
            raise NaftikoError(f"`--set {name}` has no value; write `--set {name}=VALUE`")
        given[name] = _FIELDS[name](value)
    asked = control_port(port, address, token)
    answer = asked.ask("PUT", "/scripting", json.dumps(given)) if given else asked.ask("GET", "/scripting")
    if answer.status != HTTPStatus.OK:
        why = f": {answer.json()['error']}" if answer.status == HTTPStatus.BAD_REQUEST else ""
        raise NaftikoError(f"/scripting returned HTTP {answer.status}{why}")
    if given:
        say("Scripting configuration updated.")
    _show(answer.json())


def _show(found: Mapping[str, Any]) -> None:
    stats = found["stats"]
    allowed = found.get("allowedLanguages")
    say(f"Scripting: {'ENABLED' if found['enabled'] else 'DISABLED'}")
    say(f"  Location:  {found.get('defaultLocation', '-')}")
    say(f"  Language:  {found.get('defaultLanguage', '-')}")
    say(f"  Timeout:   {found['timeout']} ms")
    say(f"  Stmt Limit: {found['statementLimit']}")
    say(f"  Allowed:   {json.dumps(allowed, separators=(',', ':')) if allowed else 'all'}")
    say("  Stats:")
    say(f"    Executions: {stats['totalExecutions']}")
    say(f"    Errors:     {stats['totalErrors']}")
    say(f"    Avg Duration: {stats['averageDurationMs']} ms")
    if "lastExecutionAt" in stats:
        say(f"    Last Run:   {stats['lastExecutionAt']}")
