"""Diagnostics as JSON. The shape is stable (docs/cli.md): keys may be added, none is renamed or removed."""

from __future__ import annotations

from typing import Any

from naftiko.cli.diagnostics.report import Checked, Report
from naftiko.ground.types import Diagnostic, Position, Severity

SHAPE_VERSION = 1


def as_json(report: Report) -> dict[str, Any]:
    """Return a report as JSON data."""
    return {
        "version": SHAPE_VERSION,
        "summary": {
            "files": len(report.files),
            "errors": report.count(Severity.ERROR),
            "warnings": report.count(Severity.WARNING),
            "hints": report.count(Severity.HINT),
            "skipped": report.skipped,
        },
        "files": [_file(checked) for checked in report.files],
        "diagnostics": [_diagnostic(found) for found in report.diagnostics],
    }


def _file(checked: Checked) -> dict[str, Any]:
    return {
        "file": checked.file,
        "usable": checked.usable,
        "units": checked.units,
        "executable": checked.executable,
        "errors": checked.count(Severity.ERROR),
        "warnings": checked.count(Severity.WARNING),
        "hints": checked.count(Severity.HINT),
        **({} if checked.score is None else {"score": checked.score.as_json()}),
    }


def _diagnostic(found: Diagnostic) -> dict[str, Any]:
    return {
        "rule": found.rule,
        "severity": found.severity.value,
        **_position(found.position),
        "message": found.message,
        "hint": found.hint,
        "related": [_position(position) for position in found.related],
    }


def _position(position: Position) -> dict[str, Any]:
    return {"file": position.file, "line": position.line, "column": position.column, "width": position.width}
