"""``naftiko validate``: everything that is wrong with capability files, in one go."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from naftiko.cli.check import check
from naftiko.cli.diagnostics import Checked, Report, TextRenderer, as_json, as_sarif, wants_colour
from naftiko.cli.files import find_files
from naftiko.cli.names import KnownNames, check_names
from naftiko.cli.options import environment_option, shared_options, warn
from naftiko.document.findings import Findings
from naftiko.engine.capability import load
from naftiko.engine.settings import Settings
from naftiko.ground.errors import CapabilityError
from naftiko.ground.types import Severity
from naftiko.observe import sanitize as neutral


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
@shared_options
def validate(settings: Settings, /, files: tuple[str, ...], form: str, *, strict: bool, hints: bool) -> None:
    """Check capability files; tell everything that is wrong with them.

    In directories, YAML files with a root key `naftiko` or `ikanos` are checked.

    Exit code: 0 if all is well, 1 if a file has errors (with --strict: or warnings), 2 if the command is wrong.
    """
    found = find_files(files)
    if not found.files:
        raise click.UsageError("there is no capability file; a capability has a root key `naftiko` or `ikanos`")
    checked: list[Checked] = []
    known, complete = KnownNames(), True
    for path in found.files:
        try:
            capability = load(path, settings=settings)
        except CapabilityError as error:
            checked.append(_unreadable(path, error))
            complete = False
            continue
        checked.append(check(capability))
        complete = complete and capability.usable
        known.add(capability)
    check_names(known, settings.environment or {}, warn=warn, complete=complete)
    report = Report(checked, len(found.others))
    _write(report, form, hints=hints)
    failing = report.count(Severity.ERROR) + (report.count(Severity.WARNING) if strict else 0)
    sys.exit(1 if failing else 0)


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
