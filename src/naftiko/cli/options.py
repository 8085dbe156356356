"""The options that every command with a capability shares, and the settings they make."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import click

from naftiko.cli.application import COMMANDS
from naftiko.cli.settings import Given, SettingsFile, command_defaults, env_files, read_settings_file, settings
from naftiko.cli.terminal import say
from naftiko.engine.settings import Settings

if TYPE_CHECKING:
    from naftiko.engine.capability import Capability

_FILE = "naftiko.settings_file"
_GIVEN = "naftiko.given"

P = ParamSpec("P")
R = TypeVar("R")


def _read_config(ctx: click.Context, parameter: click.Parameter, value: Path | None) -> Path | None:
    """Read the settings file before any other option: its command's table holds their defaults."""
    del parameter
    if not ctx.resilient_parsing:
        file = read_settings_file(value, COMMANDS)
        ctx.meta[_FILE] = file
        ctx.default_map = {**(ctx.default_map or {}), **command_defaults(file, ctx.command)}
    return value


def environment_option(*names: str, variable: str, **attributes: Any) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return an option that is also an environment variable, which its help names."""
    attributes["help"] = f"{attributes['help']} [env: {variable}]"
    return click.option(*names, envvar=variable, **attributes)


_OPTIONS = (
    click.option(
        "--base-uri",
        multiple=True,
        metavar="NAMESPACE=URL",
        help="Base URI of a consumed API; patterns such as 'github-*' too. [env: NAFTIKO_BASE_URI]",
    ),
    click.option(
        "--var",
        multiple=True,
        metavar="NAME=VALUE",
        help="Value of a variable; it wins over binds and environment. [env: NAFTIKO_VAR, NAFTIKO_VAR_<NAME>]",
    ),
    click.option(
        "--auth",
        multiple=True,
        metavar="NAMESPACE=HOW",
        help="Authentication to a consumed API: bearer:TOKEN, basic:USER:PASSWORD, digest:USER:PASSWORD, "
        "apikey:PLACEMENT:NAME:VALUE (header, query, cookie, body or path), oauth2:CLIENT:SECRET:TOKEN_URL or none; "
        "values such as {{env.TOKEN}} read variables, patterns such as 'github-*' name several. [env: NAFTIKO_AUTH]",
    ),
    click.option(
        "--comma-arrays",
        multiple=True,
        metavar="NAMESPACE",
        help="Send query arrays as one comma-separated value to this API; patterns too. [env: NAFTIKO_COMMA_ARRAYS]",
    ),
    click.option(
        "--websocket",
        multiple=True,
        metavar="NAMESPACE.OPERATION",
        help="This consumed operation opens a WebSocket at its URL, whatever the file says; patterns too. "
        "[env: NAFTIKO_WEBSOCKET]",
    ),
    click.option(
        "--env-file",
        multiple=True,
        metavar="FILE",
        help="Read variables from a .env file; what the environment has wins. [env: NAFTIKO_ENV_FILE]",
    ),
    click.option(
        "--import-root",
        metavar="DIRECTORY",
        help="Imports may not leave this directory; default: the file's own. [env: NAFTIKO_IMPORT_ROOT]",
    ),
    click.option(
        "--file-root",
        multiple=True,
        metavar="PATH",
        help="Files that a capability names may lie here too, not only below its own directory. "
        "[env: NAFTIKO_FILE_ROOT]",
    ),
    click.option(
        "--allow-env",
        multiple=True,
        metavar="NAME",
        help="Read only these variables of the environment; patterns such as 'SHOP_*' too. [env: NAFTIKO_ALLOW_ENV]",
    ),
    click.option(
        "--deny-env",
        multiple=True,
        metavar="NAME",
        help="Read none of these variables of the environment; patterns too. [env: NAFTIKO_DENY_ENV]",
    ),
    click.option(
        "--resilience",
        multiple=True,
        metavar="KEY=VALUE",
        help="A policy of the calls to APIs whose file declares none of that kind, such as retry.maxAttempts=3 or "
        "timeLimiter=10s. [env: NAFTIKO_RESILIENCE, NAFTIKO_RESILIENCE_<POLICY>_<KEY>]",
    ),
    click.option(
        "--limit",
        multiple=True,
        metavar="KEY=VALUE",
        help="How much one caller may ask for, such as requests=10/s, inFlight=4 or by=claim:sub; of an adapter or one "
        "of its units by name: shop:requests=10/s, shop.find:requests=1/m. [env: NAFTIKO_LIMIT]",
    ),
    environment_option(
        "--config",
        variable="NAFTIKO_CONFIG",
        type=click.Path(dir_okay=False, path_type=Path),
        is_eager=True,
        expose_value=False,
        callback=_read_config,
        metavar="FILE",
        help="Settings file; default: naftiko.toml of the working directory.",
    ),
)


def shared_options(command: Callable[Concatenate[Settings, P], R]) -> Callable[..., R]:
    """Add the shared options to a command's function, which gets the ``Settings`` they make as its first argument.

    The command's own options get defaults from its table in ``naftiko.toml``, below its environment variables.
    """

    @functools.wraps(command)
    def with_settings(**options: Any) -> R:
        context = click.get_current_context()
        file: SettingsFile = context.meta[_FILE]
        given = Given(**{field.name: options.pop(field.name) for field in fields(Given)})
        context.meta[_GIVEN] = given
        return command(settings(given, file), **options)  # type: ignore[call-arg]  # click fills in the rest

    wrapped: Callable[..., R] = with_settings
    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped


def read_settings_again() -> Settings:
    """Return the settings that the options of the running command make by now: ``.env`` files are read anew.

    Raises:
        click.UsageError: one can't be read.
    """
    context = click.get_current_context()
    return settings(context.meta[_GIVEN], context.meta[_FILE])


def env_files_read() -> list[Path]:
    """Return the ``.env`` files that the running command reads."""
    context = click.get_current_context()
    return env_files(context.meta[_GIVEN], context.meta[_FILE], os.environ)


def check_names(capabilities: Iterable[Capability], settings: Settings) -> None:
    """Refuse names of the command line that mean nothing in these capabilities; warn on stderr where it isn't certain.

    Raises:
        click.UsageError: a name means nothing.
    """
    from naftiko.cli import names  # noqa: PLC0415  # whoever has capabilities has imported it already, `health` has none

    names.check_names(names.KnownNames.of(capabilities), settings.environment or {}, warn=warn)


def warn(text: str) -> None:
    """Write a warning to stderr."""
    say(f"warning: {text}", err=True)
