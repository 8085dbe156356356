"""The ``naftiko`` command: it knows its commands by name, and imports one when it is run."""

from __future__ import annotations

import errno
import gc
import importlib
import os
from pathlib import Path
from typing import Any

import click

from naftiko import __version__
from naftiko.ground.errors import CapabilityError, NaftikoError
from naftiko.observe import sanitize as neutral

COMMANDS = {
    "serve": "Serve capabilities over REST and MCP.",
    "validate": "Check capability files; tell everything that is wrong with them.",
    "inspect": "Show what a capability exposes, and what it calls.",
    "call": "Run one operation or tool, read a resource, or fill in a prompt.",
    "install": "Put capabilities into the configuration of an MCP client.",
    "schema": "Print the JSON Schema of capability files, for editors.",
    "explain": "Explain a rule of `validate`.",
    "trust": "Remember capability files as they are, with what they use.",
    "health": "Ask every port of a running `naftiko serve` with the same files, options and environment.",
    "status": "Show what runs, for how long, and in which state, by the control port.",
    "metrics": "Show the metrics of a running server as Prometheus reads them, by the control port.",
    "traces": "List the last traces of a running server, or show the spans of one, by the control port.",
    "logs": "List the loggers of a running server, change a level, or follow what is logged, by the control port.",
    "config": "Show what a running server serves; check what its files, or FILE, would be; or let it read them again.",
    "skill": "Write the skills of a capability as folders that agents load.",
    "catalog": "Write a capability as a Component of a Backstage catalogue.",
    "scripting": "Show what scripts of a running server may do, and how they went, or change it, by the control port.",
    "lifecycle": "Show which adapters take calls, or change it, by the control port; draining all ends the server.",
}
"""The commands with their summaries, so that ``--help`` imports none of them."""
_UNWRITABLE = frozenset({errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EFBIG})
_SUFFIXES = (".yaml", ".yml")


class Application(click.Group):
    """A group whose commands are modules of this package, named as the command is."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """Return the commands in the order of their help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # click's signature
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"naftiko.cli.{cmd_name}")
        if not gc.isenabled():  # since `main`
            gc.freeze()
            gc.enable()
        command: click.Command = getattr(module, cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Read ``naftiko FILE`` as ``naftiko serve FILE``; suggest a command for a misspelt one."""
        first = args[0]
        if first not in COMMANDS:
            if _is_file(first):
                return super().resolve_command(ctx, ["serve", *args])
            from naftiko.document.suggest import did_you_mean  # noqa: PLC0415  # only where it is needed

            hint = did_you_mean(first, COMMANDS) or f"commands: {', '.join(COMMANDS)}"
            ctx.fail(f"there is no command `{first}`, and no file of that name; {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # click's signature
        """Write the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; an error of naftiko's own is one clear message and exit code 1."""
        try:
            return super().invoke(ctx)
        except CapabilityError as error:
            details = "".join(f"\n  {found}" for found in error.diagnostics)
            raise click.ClickException(neutral.lines(f"{error}{details}")) from error
        except NaftikoError as error:
            raise click.ClickException(neutral.lines(str(error))) from error
        except click.ClickException as error:
            error.message = neutral.lines(error.message)  # type: ignore[misc]  # only its text is made another
            raise
        except OSError as error:
            if error.errno not in _UNWRITABLE or error.filename is not None:
                raise
            raise _cannot_write(error) from error


def _cannot_write(error: OSError) -> click.ClickException:
    """Return what to say where stdout takes no more, as on a full disk; what is left of it goes nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return click.ClickException(f"the output can't be written: {(error.strerror or 'no reason given').lower()}")


def _is_file(word: str) -> bool:
    return not word.startswith("-") and (word.endswith(_SUFFIXES) or "/" in word or _is_there(word))


def _is_there(word: str) -> bool:
    try:
        return Path(word).exists()
    except (OSError, ValueError):  # a name that no file system has
        return False


@click.group(
    cls=Application,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="`naftiko FILE` is `naftiko serve FILE`.",
)
@click.version_option(__version__, message="naftiko %(version)s")
def application() -> None:
    """Serve Naftiko capabilities: one YAML file becomes a REST API and an MCP server."""
