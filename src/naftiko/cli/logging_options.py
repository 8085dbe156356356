"""The options of ``serve`` that say what is logged, and where to."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import click

from naftiko.cli.listening import CheckedType, option
from naftiko.observe.access import LOGGER as ACCESS
from naftiko.observe.audit import start_audit
from naftiko.observe.logs import configure, level_number
from naftiko.observe.redaction import Redactor

_REPEATS: Final = 60
_STDERR: Final = "-"


def _level(text: str) -> None:
    """Check a level, or a logger with its level."""
    name, equals, level = text.rpartition("=")
    if equals and not name:
        raise ValueError(f"`{text}` is not like naftiko.access=info")
    level_number(level)


_OPTIONS: Final = (
    option("--log-format", type=click.Choice(["text", "json"]), default="text", help="How log lines look."),
    option(
        "--log-level",
        multiple=True,
        type=CheckedType("[NAME=]LEVEL", _level),
        metavar="[NAME=]LEVEL",
        help="The least severe lines that are logged, of all loggers or of one and those below it: trace, debug, info, "
        "warn, error, off; default: info.",
    ),
    option("--access-log", is_flag=True, help="Log a line for each request: what for, how it went, how long it took."),
    option(
        "--audit-log",
        metavar="FILE",
        help="Append a JSON line for each call of a tool: who, which, a fingerprint of the arguments, the outcome; -: "
        "to stderr.",
    ),
    option(
        "--log-repeats",
        type=click.IntRange(min=0),
        default=_REPEATS,
        metavar="LINES",
        help="Lines of one kind that are logged in a minute; more are counted; default: 60; 0: all.",
    ),
    option("--verbose", is_flag=True, help="At the start, tell of each of many files and adapters, not only how many."),
)


def logging_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command."""
    for add in reversed(_OPTIONS):
        command = add(command)
    return command


def start_logs(given: Mapping[str, Any], redactors: list[Redactor]) -> None:
    """Log from now on as the options say.

    Args:
        given: the values of the options.
        redactors: those of what is served; each is asked for every line.

    Raises:
        click.UsageError: the file of the audit log can't be written.
    """
    said = [text.rpartition("=") for text in given["log_level"]]
    plain = [level for _, equals, level in said if not equals]
    levels = {ACCESS: "info"} if given["access_log"] else {}
    levels |= {name.strip(): level for name, equals, level in said if equals}
    level = plain[-1] if plain else "info"
    try:
        configure(level, given["log_format"], redactors, levels=levels, repeats=given["log_repeats"])
    except ValueError as error:
        raise click.UsageError(f"--log-level: {error}") from error
    if given["audit_log"]:
        start_audit(opened(given["audit_log"], "--audit-log"), os.environ.get("NAFTIKO_AUDIT_KEY", ""), redactors)


def opened(path: str, named: str) -> int:
    """Return the descriptor of a file that is appended to, which nobody else may read if it is new.

    Args:
        path: of the file; ``-``: stderr.
        named: the option.

    Raises:
        click.UsageError: it can't be written.
    """
    if path == _STDERR:
        return 2
    try:
        return os.open(Path(path), os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise click.UsageError(f"{named} {path}: {(error.strerror or 'can not be written').lower()}") from error
