"""``naftiko validate``: everything that is wrong with capability files, in one go."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from naftiko.cli.check import check
from naftiko.cli.diagnostics import Checked, Report, TextRenderer, as_json, as_sarif, wants_colour
from naftiko.cli.files import find_files, write_text
from naftiko.cli.names import KnownNames, check_names
from naftiko.cli.options import environment_option, shared_options, warn
from naftiko.document.findings import Findings
from naftiko.engine.capability import Capability, load
from naftiko.engine.settings import Settings
from naftiko.ground.errors import CapabilityError
from naftiko.ground.types import Severity
from naftiko.observe import sanitize as neutral

if TYPE_CHECKING:
    from naftiko.cli.scoring import Score


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILES|DIRECTORIES|GLOBS...")
@environment_option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "sarif"]),
    default="text",
    show_default=True,
    variable="NAFTIKO_VALIDATE_FORMAT",
    help="How to write what is found.",
)
@environment_option("--strict", is_flag=True, variable="NAFTIKO_VALIDATE_STRICT", help="Warnings fail too.")
@environment_option("--hints", is_flag=True, variable="NAFTIKO_VALIDATE_HINTS", help="Show hints in the text as well.")
@environment_option(
    "--score",
    is_flag=True,
    variable="NAFTIKO_VALIDATE_SCORE",
    help="Judge how well tools say what they are for, with the fix for each.",
)
@environment_option(
    "--min-score",
    type=click.IntRange(0, 100),
    variable="NAFTIKO_VALIDATE_MIN_SCORE",
    help="Fail where a file's score is lower; with --score or without.",
)
@environment_option(
    "--badge",
    type=click.Path(dir_okay=False, path_type=Path),
    variable="NAFTIKO_VALIDATE_BADGE",
    help="Write the score, of several files the lowest, to this SVG picture.",
)
@shared_options
def validate(
    settings: Settings,
    /,
    files: tuple[str, ...],
    form: str,
    min_score: int | None,
    badge: Path | None,
    *,
    strict: bool,
    hints: bool,
    score: bool,
) -> None:
    """Check capability files; tell everything that is wrong with them.

    In directories, YAML files with a root key `naftiko` or `ikanos` are checked.

    Exit code: 0 if all is well, 1 if a file has errors (with --strict: or warnings, with --min-score: or a lower
    score), 2 if the command is wrong.
    """
    found = find_files(files)
    if not found.files:
        raise click.UsageError("there is no capability file; a capability has a root key `naftiko` or `ikanos`")
    checked: list[Checked] = []
    scored = score or min_score is not None or badge is not None
    known, complete = KnownNames(), True
    for path in found.files:
        try:
            capability = load(path, settings=settings)
        except CapabilityError as error:
            checked.append(_unreadable(path, error))
            complete = False
            continue
        checked.append(_checked(capability, scored=scored))
        complete = complete and capability.usable
        known.add(capability)
    check_names(known, settings.environment or {}, warn=warn, complete=complete)
    report = Report(checked, len(found.others))
    _write(report, form, hints=hints)
    scores = [each.score for each in checked if each.score is not None]
    if form == "text":
        for each in scores if score else ():
            click.echo(each.as_text())
    if badge is not None:
        _write_badge(badge, scores)
    failing = report.count(Severity.ERROR) + (report.count(Severity.WARNING) if strict else 0)
    low = [each for each in scores if min_score is not None and each.score < min_score]
    for each in low:
        click.echo(f"{each.file}: {each.score} of 100 for agents, less than --min-score {min_score}", err=True)
    sys.exit(1 if failing or low else 0)


def _checked(capability: Capability, *, scored: bool) -> Checked:
    found = check(capability)
    if not scored or not capability.usable:
        return found
    from naftiko.cli.scoring import score_of  # noqa: PLC0415  # who doesn't ask for it doesn't wait for its import

    return replace(found, score=score_of(capability))


def _write_badge(file: Path, scores: Sequence[Score]) -> None:
    if not scores:
        raise click.UsageError("--badge: there is no tool to judge")
    from naftiko.cli.scoring import badge  # noqa: PLC0415  # as above

    write_text(file, badge(scores))


def _unreadable(path: Path, error: CapabilityError) -> Checked:
    """A file that can't be read takes no other one down."""
    findings = Findings(str(path))
    reason = str(error).removeprefix(f"{path}: ")
    findings.at_line(1, 1).error("unreadable-file", f"the file can't be read: {reason}", hint="check its permissions")
    return Checked(str(path), (*findings, *error.diagnostics), usable=False)


def _write(report: Report, form: str, *, hints: bool) -> None:
    if form == "text":
        renderer = TextRenderer(colour=wants_colour(sys.stdout), hints=hints)
        click.echo(renderer.report(report), color=True)
    else:
        data = as_json(report) if form == "json" else as_sarif(report)
        click.echo(neutral.json_text(json.dumps(data, indent=2, ensure_ascii=False)))
