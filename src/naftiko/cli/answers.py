"""Write what a call gave: answers, requests, explanations to stdout, errors to stderr."""

from __future__ import annotations

import base64
import sys
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

from naftiko.cli.diagnostics.excerpt import harmless
from naftiko.cli.terminal import say
from naftiko.engine.answer import Answer
from naftiko.engine.streaming.answering import StreamedItems
from naftiko.expression.text import as_text, compact_json
from naftiko.ground.digits import ExactNumber
from naftiko.ground.errors import CallError, InputError, UpstreamError, UpstreamStatus
from naftiko.ground.jsontext import fragment, write
from naftiko.observe import sanitize as neutral
from naftiko.observe.redaction import Redactor
from naftiko.plan.outputs import Explained

_EXCERPT = 2000
_SHOWN = 200


def dump(value: Any, form: str) -> str:
    """Return JSON text: indented for people, one line for programs."""
    return neutral.json_text(write(value, _shown, indented=form == "text").decode())


def _shown(value: Any) -> Any:
    return fragment(value) if isinstance(value, ExactNumber) else str(value)


def write_answer(answer: Answer, form: str) -> None:
    """Write an answer.

    Raises:
        UpstreamBroken: it is not what its format says.
    """
    if form == "raw":
        sys.stdout.flush()
        sys.stdout.buffer.write(answer.content)
        sys.stdout.buffer.flush()
        return
    if not answer.has_content:
        if form == "text":
            say(f"no content ({answer.status})", err=True)
        else:
            say("null")
        return
    value = answer.value
    if isinstance(value, bytes):
        _write_bytes(value, answer.media_type or "", form)
    elif isinstance(value, str) and form == "text":
        say(value)
    else:
        say(dump(value, form))


async def write_items(items: StreamedItems, form: str) -> str:
    """Write the items of a stream as they come, a line of JSON each; as ``raw`` the JSON array of a REST caller.

    Returns:
        what is missing at the end, ``""`` for nothing.

    Raises:
        CallError: what cut the stream.
    """
    async with aclosing(items):
        if form == "raw":
            async for piece in items:
                sys.stdout.buffer.write(piece)
                sys.stdout.buffer.flush()
            return items.note
        stream = items.items(relays=True)
        async for item in stream:
            say(dump(item.value, "json"))
            sys.stdout.flush()
        if stream.ended is not None and stream.ended.error is not None:
            raise stream.ended.error
        return items.note


def _write_bytes(value: bytes, media_type: str, form: str) -> None:
    if form == "json":
        say(dump({"mediaType": media_type, "base64": base64.b64encode(value).decode()}, form))
    elif media_type.startswith("text/") or "xml" in media_type:
        say(value.decode("utf-8", "replace"))
    else:
        say(f"{len(value):,} bytes of {media_type or 'an unknown type'}; write them with --format raw > FILE", err=True)


def write_request(request: dict[str, Any]) -> None:
    """Write a request as it would go over the wire, nearly: method and URL, headers, body."""
    say(f"{request['method']} {request['url']}")
    for name, value in request.get("headers", {}).items():
        say(f"{name}: {harmless(value)}")
    if "body" in request:
        body = request["body"]
        say(f"\n{body if isinstance(body, str) else dump(body, 'text')}")


def write_explained(explained: Sequence[Explained], form: str) -> None:
    """Write where each output's value came from; for a miss, how far its path still matched."""
    if form != "text":
        rows = [
            {
                "output": each.name,
                "expression": each.expression,
                "found": each.found,
                "value": each.value,
                "detail": each.detail,
            }
            for each in explained
        ]
        say(dump(rows, form))
        return
    for each in explained:
        value = as_text(each.value) if not isinstance(each.value, str) else compact_json(each.value)
        shown = harmless(value if len(value) <= _SHOWN else f"{value[:_SHOWN]}…")
        say(f"{each.name or '(the answer)'} = {shown}\n    from {each.expression}")
        if each.detail:
            say(f"    {harmless(each.detail)}")


def write_error(error: CallError, redactor: Redactor, form: str) -> None:
    """Write why a call failed; an upstream's own error with the beginning of its body."""
    if form == "json":
        say(redactor.redact(dump(_error_data(error), form)), err=True)
        return
    step = f"step `{error.step}`: " if error.step else ""
    what = f"{error.operation}: " if isinstance(error, UpstreamError) and error.operation else ""
    if isinstance(error, InputError):
        say("error: the inputs are not valid", err=True)
        for problem in error.problems:
            say(f"  {harmless(redactor.redact(problem.message))}", err=True)
    else:
        say(f"error: {step}{what}{harmless(redactor.redact(error.detail))}", err=True)
    if isinstance(error, UpstreamStatus):
        body = _excerpt(error)
        if body:
            say(redactor.redact(body), err=True)
    if error.hint:
        say(f"  help: {harmless(redactor.redact(error.hint))}", err=True)


def _error_data(error: CallError) -> dict[str, Any]:
    data: dict[str, Any] = {"error": error.kind, "status": error.status, "detail": error.detail, "hint": error.hint}
    if error.step:
        data["step"] = error.step
    if isinstance(error, InputError):
        data["problems"] = [
            {"name": problem.name, "in": problem.location, "message": problem.message} for problem in error.problems
        ]
    if isinstance(error, UpstreamStatus):
        data["status"] = error.response.status_code
        data["body"] = _excerpt(error)
    return data


def _excerpt(error: UpstreamStatus) -> str:
    text = error.response.text[:_EXCERPT]
    lines = (harmless(line) for line in text.splitlines())
    return "\n".join(f"  {line}" for line in lines if line.strip())
