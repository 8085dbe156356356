"""Load a capability for the command line, and gather everything that is worth telling about it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from naftiko.cli.diagnostics import Checked, Report, TextRenderer, wants_colour
from naftiko.engine.capability import Capability, load
from naftiko.engine.settings import Settings
from naftiko.ground.types import Diagnostic, Severity


def diagnostics_of(capability: Capability) -> tuple[Diagnostic, ...]:
    """Return what loading and lint found; lint has nothing to say about what is no capability."""
    return (*capability.diagnostics, *(capability.lint() if capability.usable else ()))


def check(capability: Capability) -> Checked:
    """Return a capability's part of a report."""
    return Checked(
        str(capability.path),
        diagnostics_of(capability),
        capability.usable,
        len(capability.units),
        sum(unit.executable for unit in capability.units),
    )


def load_usable(path: Path, settings: Settings) -> Capability:
    """Load the capability that a command works on; exit with 1 and everything that is wrong if it is none.

    Raises:
        CapabilityError: the file can't be read.
    """
    capability = load(path, settings=settings)
    if not capability.usable:
        tell([check(capability)])
        sys.exit(1)
    return capability


def tell(files: Sequence[Checked]) -> None:
    """Write diagnostics to stderr as text."""
    renderer = TextRenderer(colour=wants_colour(sys.stderr))
    click.echo(renderer.report(Report(files)), err=True, color=True)


def note_errors(capability: Capability) -> None:
    """Say on stderr how many errors a file has, where a command works without the broken units."""
    count = sum(found.severity is Severity.ERROR for found in capability.diagnostics)
    if count:
        click.echo(f"note: the file has {count} {'error' if count == 1 else 'errors'}; see: naftiko validate", err=True)
