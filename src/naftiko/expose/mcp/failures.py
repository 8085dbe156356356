"""Failures as text that a model can act on, and what is refused before the protocol is spoken (SEMANTICS 7)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from mcp_types import INVALID_REQUEST
from starlette.responses import Response

from naftiko.expose.http.problems import ProblemReport
from naftiko.expose.mcp import revisions
from naftiko.ground.errors import Problem
from naftiko.ground.jsontext import write
from naftiko.observe.requests import request_id_now


def error_body(
    message: str, data: Mapping[str, Any] | None = None, *, code: int = INVALID_REQUEST, identity: Any = None
) -> bytes:
    """Return a JSON-RPC error; without a request that it answers its ``id`` is null (JSON-RPC 2.0 chapter 5).

    Its data has the id of the HTTP request, where one is known, as problem documents have it.
    """
    error: dict[str, Any] = {"code": code, "message": message}
    correlation = request_id_now()
    if data is not None or correlation:
        error["data"] = {**(data or {}), **({"correlationId": correlation} if correlation else {})}
    return write({"jsonrpc": "2.0", "id": identity, "error": error})


def refusal(
    status: int,
    message: str,
    headers: Mapping[str, str] | None = None,
    *,
    code: int = INVALID_REQUEST,
    identity: Any = None,
) -> Response:
    """Return the answer to a request that is not served."""
    return Response(error_body(message, code=code, identity=identity), status, headers, "application/json")


def failure_text(name: str, report: ProblemReport) -> str:
    """Return what failed, what was sent wrong, the upstream's own words, what to do, and the correlation id."""
    lines = [f"`{name}` failed: {report.title.lower()} (status {_status(report.status)})."]
    if report.problems:
        lines.extend(f"- {_problem(problem)}" for problem in report.problems)
    elif report.detail:
        lines.append(f"Detail: {report.detail}")
    if report.upstream_excerpt:
        lines.append(f"The upstream said: {report.upstream_excerpt}")
    if report.operation:
        lines.append(f"Operation: {report.operation}")
    if report.step:
        lines.append(f"Step: {report.step}")
    lines.extend(f"What to do: {advice}" for advice in _advice(report))
    lines.append(f"Correlation id: {report.correlation_id}")
    return "\n".join(lines)


def failed_result(name: str, report: ProblemReport) -> dict[str, Any]:
    """Return the result of a tool call that failed; an error of the tool, never one of the transport."""
    text = failure_text(name, report)
    return revisions.complete(content=[{"type": "text", "text": text}], isError=True)


def _status(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _problem(problem: Problem) -> str:
    facts = (("expected", problem.expected), ("got", problem.got))
    said = [f"{label} {text}" for label, text in facts if text and text not in problem.message]
    return f"{problem.message} ({', '.join(said)})" if said else problem.message


def _advice(report: ProblemReport) -> list[str]:
    advice = [report.hint] if report.hint else []
    if report.problems and not report.hint:
        advice.append("correct these arguments and call again")
    if report.retry_after is not None:
        seconds = math.ceil(report.retry_after)
        advice.append(f"try again after {seconds} {'second' if seconds == 1 else 'seconds'}")
    return advice
