"""The one error contract: what a failed call looks like, whichever adapter tells it (SEMANTICS 6 and 7).

REST renders a ``ProblemReport`` as RFC 9457 problem+json, MCP as the text of a tool result with ``isError``.
"""

from __future__ import annotations

import logging
import secrets
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx
import orjson

from naftiko.engine.formats.charset import known_charset
from naftiko.engine.head import head_of
from naftiko.expose.http.markup import is_markup, text_of_markup
from naftiko.expression.text import compact_json, whole_characters
from naftiko.ground import jsontext
from naftiko.ground.errors import (
    CallError,
    InputError,
    Problem,
    UpstreamBroken,
    UpstreamError,
    UpstreamStatus,
    UpstreamUnreachable,
)
from naftiko.observe import sanitize as neutral
from naftiko.observe.requests import request_id_now

Redact = Callable[[str], str]
"""Hides the secrets in a text; ``Redactor.redact`` is one."""

_log = logging.getLogger(__name__)
EXCERPT_LENGTH: Final = 500
"""Characters of an upstream's own message that are shown."""
_EXCERPT_BYTES: Final = 64 * 1024
"""Bytes of an upstream's error body that are looked at."""
_EXACTLY: Final = 8 * 1024
"""Characters up to which JSON is read with every digit."""
_MESSAGE_KEYS: Final = ("message", "error_description", "detail", "error", "title", "description", "reason", "fault")
_DETAIL_KEYS: Final = ("fields", "errors", "details", "violations", "invalidParams", "invalid_params")
_DEPTH: Final = 4
_BAD: Final = 400
_FAILED: Final = 500


@dataclass(frozen=True, slots=True)
class ProblemReport:
    """A failed call, ready to be told to the caller; every text is redacted.

    Attributes:
        status: the HTTP status that a REST caller gets; an upstream's own 4xx or 5xx as it gave it.
        kind: a stable word for programs, such as ``invalid-input`` or ``internal-error``.
        title: the same for people.
        detail: what failed here.
        hint: what to do about it, or ``""``.
        problems: what is wrong with the inputs, one by one.
        operation: the consumed operation, ``namespace.operation``, or ``None``.
        step: the step of an orchestration that failed, or ``None``.
        upstream_excerpt: the upstream's own message, shortened, or ``""``.
        retry_after: seconds after which a new try makes sense, or ``None``.
        correlation_id: names this failure in the answer and in the log.
    """

    status: int
    kind: str
    title: str
    detail: str
    hint: str
    problems: tuple[Problem, ...]
    operation: str | None
    step: str | None
    upstream_excerpt: str
    retry_after: float | None
    correlation_id: str


def new_correlation_id() -> str:
    """Return an id that names one failure, 16 hexadecimal digits."""
    return secrets.token_hex(8)


def report(error: BaseException, redact: Redact, *, unit: str = "", correlation_id: str | None = None) -> ProblemReport:
    """Describe a failure for its caller, and write it to the log once, under the same correlation id.

    What naftiko did not raise on purpose is logged with its traceback and answered as ``internal error``, with
    nothing of its text: a caller never sees internals.

    Args:
        error: what ended the call.
        redact: hides secrets.
        unit: the route or tool, for the log.
        correlation_id: an id that the caller knows already; default: the request's, else a new one.
    """
    identity = correlation_id or request_id_now() or new_correlation_id()
    if isinstance(error, CallError):
        made = _of_call_error(error, lambda text: neutral.prose(redact(text)), identity)
        _tell(error, made, unit)
        return made
    trace = redact("".join(traceback.format_exception(error)))
    _log.error("%s failed: internal error [%s]\n%s", unit or "a call", identity, trace, extra={"trace": trace})
    return ProblemReport(
        status=500,
        kind="internal-error",
        title="Internal error",
        detail=f"internal error {identity}",
        hint="this is a fault of the server; its log says more under this id",
        problems=(),
        operation=None,
        step=None,
        upstream_excerpt="",
        retry_after=None,
        correlation_id=identity,
    )


def _tell(error: CallError, made: ProblemReport, unit: str) -> None:
    """Write a failure to the log: what only an operator can mend is a warning.

    An upstream that can't be reached is an error, once: while it is away each call says the same.
    """
    level = logging.INFO
    repeats: tuple[tuple[str, str], int | None] = ((unit, made.kind), None)
    if isinstance(error, UpstreamUnreachable):
        level, repeats = logging.ERROR, ((made.kind, (made.operation or unit).partition(".")[0]), 1)
    elif made.status >= _FAILED and not isinstance(error, UpstreamStatus):
        level = logging.WARNING
    said = (unit or "a call", made.kind, made.detail, made.correlation_id)
    _log.log(level, "%s failed: %s: %s [%s]", *said, extra={"repeats": repeats})


def tell_passed_on(response: httpx.Response, operation: str | None, unit: str) -> None:
    """Write to the log that an upstream's own error is what the caller gets."""
    status = response.status_code
    if status >= _BAD:
        repeats = ((unit, "passed-on", status), None)
        _log.info("%s: %s answered %d", unit, operation or "the upstream", status, extra={"repeats": repeats})


def _of_call_error(error: CallError, redact: Redact, identity: str) -> ProblemReport:
    response = error.response if isinstance(error, UpstreamStatus | UpstreamBroken) else None
    return ProblemReport(
        status=error.response.status_code if isinstance(error, UpstreamStatus) else error.status,
        kind=error.kind,
        title=error.title,
        detail=redact(error.detail),
        hint=redact(error.hint),
        problems=tuple(_redacted(problem, redact) for problem in getattr(error, "problems", ()))
        if isinstance(error, InputError)
        else (),
        operation=error.operation if isinstance(error, UpstreamError) else None,
        step=error.step,
        upstream_excerpt="" if response is None else excerpt(response, redact),
        retry_after=error.retry_after,
        correlation_id=identity,
    )


def _redacted(problem: Problem, redact: Redact) -> Problem:
    return Problem(
        problem.name, problem.location, redact(problem.message), redact(problem.expected), redact(problem.got)
    )


def excerpt(response: httpx.Response, redact: Redact) -> str:
    """Return what an upstream says about its error, on one line of at most ``EXCERPT_LENGTH`` characters.

    The fields of JSON that commonly hold a message win over the whole body; of an HTML page title and text are shown.
    """
    head = head_of(response)
    if head.coding:
        return ""  # nobody here can read it
    text = response.content[:_EXCERPT_BYTES].decode(known_charset(head.charset) or "utf-8", "replace")
    # What is longer than that is cut, and no JSON any more.
    said = _json_message(text) if len(response.content) <= _EXCERPT_BYTES else None
    if said is None:
        said = text_of_markup(text) if is_markup(text, head.media_type) else text
    # Redacted before it is cut: a secret at the end would lose its end, and not be recognised any more.
    line = " ".join(redact(whole_characters(said)).split())
    return line if len(line) <= EXCERPT_LENGTH else f"{line[: EXCERPT_LENGTH - 1]}…"


def _json_message(text: str) -> str | None:
    """Return the message in a JSON text; ``None`` where it is no JSON."""
    try:
        # Every digit counts where there are few of them: reading exactly takes a millisecond a kilobyte.
        document = jsontext.read(text) if len(text) <= _EXACTLY else orjson.loads(text)
    except ValueError:
        return None
    message = next(_messages(document, _DEPTH), "")
    if not message:
        return "" if document in ({}, [], None) else compact_json(document)
    details = _details(document, message)
    return f"{message}: {details}" if details else message


def _messages(document: Any, depth: int) -> Iterator[str]:
    """Yield the texts that are most likely the message, the likeliest first."""
    if isinstance(document, str):
        yield document
    elif depth and isinstance(document, list):
        inner = [message for item in document[:3] for message in list(_messages(item, depth - 1))[:1]]
        if inner:
            yield "; ".join(inner)
    elif depth and isinstance(document, Mapping):
        for key in (*_MESSAGE_KEYS, "errors"):
            found = document.get(key)
            # `"error": "invalid_request"` beside a message is only its code; the order of the keys sees to that.
            if found:
                yield from _messages(found, depth - 1)


def _details(document: Any, message: str) -> str:
    """Return what says which fields are wrong, as JSON, where it stands beside the message."""
    if not isinstance(document, Mapping):
        return ""
    for key in _DETAIL_KEYS:
        found = document.get(key)
        if isinstance(found, list | dict) and found:
            text = compact_json(found)
            return "" if message.partition("; ")[0] in text else text
    return ""
