"""Diagnostics as SARIF 2.1.0 (https://docs.oasis-open.org/sarif/sarif/v2.1.0/), for code scanning."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any
from urllib.parse import quote

from naftiko import __version__
from naftiko.cli.diagnostics.report import Report
from naftiko.cli.explain import rule_markdown
from naftiko.document.rules import RULES, Rule
from naftiko.ground.types import Diagnostic, Position, Severity

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.HINT: "note"}


def as_sarif(report: Report) -> dict[str, Any]:
    """Return a report as a SARIF log of one run, with the metadata of the rules that found something."""
    diagnostics = report.diagnostics
    rules = sorted({found.rule for found in diagnostics})
    index = {rule: at for at, rule in enumerate(rules)}
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "naftiko",
                        "version": __version__,
                        "semanticVersion": __version__,
                        "rules": [_rule(RULES[rule]) for rule in rules],
                    }
                },
                "invocations": [{"executionSuccessful": True}],
                "artifacts": [{"location": _artifact(checked.file)} for checked in report.files],
                "results": [_result(found, index[found.rule]) for found in diagnostics],
                "columnKind": "unicodeCodePoints",
            }
        ],
    }


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "name": "".join(word.capitalize() for word in rule.id.split("-")),
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.why},
        "help": {"text": f"{rule.why}\n\n{rule.fix}", "markdown": rule_markdown(rule)},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
    }


def _result(found: Diagnostic, index: int) -> dict[str, Any]:
    text = f"{found.message}. {found.hint}" if found.hint else found.message
    result: dict[str, Any] = {
        "ruleId": found.rule,
        "ruleIndex": index,
        "level": _LEVELS[found.severity],
        "message": {"text": text},
        "locations": [{"physicalLocation": _location(found.position)}],
        "partialFingerprints": {"naftiko/v1": _fingerprint(found)},
    }
    if found.related:
        result["relatedLocations"] = [
            {"id": at, "physicalLocation": _location(position), "message": {"text": "see also"}}
            for at, position in enumerate(found.related, start=1)
        ]
    return result


def _location(position: Position) -> dict[str, Any]:
    return {
        "artifactLocation": _artifact(position.file),
        "region": {
            "startLine": position.line,
            "startColumn": position.column,
            "endColumn": position.column + position.width,
        },
    }


def _artifact(file: str) -> dict[str, Any]:
    """A file below the working directory is relative to it, as code scanning wants; others are absolute."""
    path = Path(file)
    absolute = path if path.is_absolute() else Path.cwd() / path
    if absolute.is_relative_to(Path.cwd()):
        return {"uri": quote(absolute.relative_to(Path.cwd()).as_posix()), "uriBaseId": "%SRCROOT%"}
    return {"uri": absolute.resolve().as_uri()}


def _fingerprint(found: Diagnostic) -> str:
    """What stays the same when lines move: the rule, the file and the message."""
    text = f"{found.rule}\n{_artifact(found.position.file)['uri']}\n{found.message}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]
