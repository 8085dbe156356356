"""Errors as RFC 9457 problem documents."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from naftiko.expose.problems import ProblemReport
from naftiko.jsontext import write

PROBLEM_MEDIA_TYPE = b"application/problem+json"


def problem_body(report: ProblemReport) -> bytes:
    """Return the problem document of a report; empty members are left out."""
    document: dict[str, Any] = {
        "type": f"urn:naftiko:problem:{report.kind}",
        "title": report.title,
        "status": report.status,
        "detail": report.detail,
        "hint": report.hint,
        "operation": report.operation,
        "step": report.step,
        "errors": [
            {
                "name": problem.name,
                "in": problem.location,
                "message": problem.message,
                "expected": problem.expected,
                "got": problem.got,
            }
            for problem in report.problems
        ],
        "upstream": report.upstream_excerpt,
        "correlationId": report.correlation_id,
    }
    return write({name: value for name, value in document.items() if value not in (None, "", [])})


def simple_problem(status: int, kind: str, detail: str) -> bytes:
    """Return a problem that needs no report: nothing at a path, a method that isn't there."""
    title = HTTPStatus(status).phrase
    document = {"type": f"urn:naftiko:problem:{kind}", "title": title, "status": status, "detail": detail}
    return write(document)
