"""``naftiko skill``: the skills of a capability as folders that agents load."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from naftiko.cli.check import load_usable, note_errors
from naftiko.cli.options import shared_options
from naftiko.cli.terminal import say
from naftiko.engine.capability import Capability
from naftiko.engine.directory import NotServed
from naftiko.engine.settings import Settings
from naftiko.engine.skills import NoFiles, Skill, Unfit
from naftiko.ground.errors import NaftikoError
from naftiko.link.skill_tools import skill_of_all


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("skills"),
    show_default=True,
    metavar="DIRECTORY",
    help="Where a folder is made of each skill.",
)
@click.option("--force", is_flag=True, help="Write over files that are there and say something else.")
@shared_options
def skill(settings: Settings, /, file: Path, output: Path, *, force: bool) -> None:
    """Write the skills of a capability as folders that agents load.

    Each has a SKILL.md: the one beside the capability, or one that is made of what the file says. A capability that
    declares no skill becomes one, of all its tools (or of its routes, where it has no tool).
    """
    capability = load_usable(file, settings)
    failed = False
    for each in capability.skills or _of_all(capability):
        try:
            _write(each, output, force=force)
        except (NoFiles, Unfit, NotServed) as error:
            failed = True
            click.echo(f"{each.plan.position}: the skill `{each.plan.name}` is not written: {error}", err=True)
    note_errors(capability)
    if failed:
        sys.exit(1)


def _of_all(capability: Capability) -> Sequence[Skill]:
    """Return the one skill of a capability that declares none.

    Raises:
        NaftikoError: it exposes nothing that an agent could call.
    """
    plan = skill_of_all(capability.plan, capability.label)
    if plan is None:
        raise NaftikoError(f"{capability.path} has no tool and no route that can run: there is nothing to teach")
    return (Skill(plan, capability.plan.adapters[0], capability),)


def _write(each: Skill, output: Path, *, force: bool) -> None:
    """Write a skill's folder: all of it, or nothing.

    Raises:
        NaftikoError: something else is there already.
        NoFiles: the skill's own directory isn't there, or may not be read.
        Unfit: agents would refuse it.
        NotServed: one of its files can't be read.
    """
    folder = output / each.name
    contents = {file.path: each.read(file.path)[1] for file, _ in each.manifest().files}
    for path, content in contents.items():
        there = folder / path
        if there.exists() and not force and (not there.is_file() or there.read_bytes() != content):
            raise NaftikoError(f"{there} says something else already; --force writes over it, -o names another place")
    for path, content in contents.items():
        there = folder / path
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_bytes(content)
    say(f"{folder}  {len(contents)} {'file' if len(contents) == 1 else 'files'}")
