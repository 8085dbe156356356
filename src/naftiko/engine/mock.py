"""Requests that are described instead of sent: for ``--mock`` and ``--dry-run`` (SEMANTICS 5.6).

Mock mode is a transport like any other, in the place of the real one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import httpx

from naftiko.engine.request import dump_json
from naftiko.engine.transport.pool import OPERATION
from naftiko.engine.transport.whole import Whole
from naftiko.expression.sources import reads_steps, written
from naftiko.ground import jsontext
from naftiko.observe.redaction import HIDDEN, Redactor, is_secret_name
from naftiko.plan.actions import Call

_NOISE = frozenset({"host", "content-length", "user-agent", "accept", "accept-encoding", "connection"})
_DESCRIPTION: Final = "naftiko.description"
"""The extension of an answer that was never sent for, with its request described in JSON."""


class MockTransport(httpx.AsyncBaseTransport):
    """Answers each request with what it is, secrets hidden, and sends nothing.

    Args:
        redactor: knows the secrets.
        forwarded: the operation of what is forwarded, whose answer is read by its caller alone.
    """

    def __init__(self, redactor: Redactor, forwarded: str) -> None:
        self._redactor = redactor
        self._forwarded = forwarded

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the description; to a request for a token also a stand-in of one."""
        await request.aread()
        shown = described(request, self._redactor)
        operation = request.extensions.get(OPERATION)
        if operation is None:
            token = {"access_token": "mock-token", "token_type": "Bearer", "token_endpoint": str(request.url)}
            return httpx.Response(200, json={**token, "request": shown}, request=request)
        body = dump_json(shown)
        if operation != self._forwarded:  # it is no answer of the operation, whatever that one's format is
            return Whole(200, (), b"", request, {_DESCRIPTION: body})
        headers = ((b"Content-Type", b"application/json"), (b"Content-Length", str(len(body)).encode("ascii")))
        return Whole(200, headers, b"" if request.method == "HEAD" else body, request, {})


def description(response: httpx.Response) -> dict[str, Any] | None:
    """Return the description of the request that an empty answer stands for, or ``None``: it is an upstream's."""
    said = response.extensions.get(_DESCRIPTION)
    return None if said is None else jsontext.read(said)


def described(request: httpx.Request, redactor: Redactor) -> dict[str, Any]:
    """Return a request's method, URL, headers and body as JSON data; secrets are hidden."""
    shown: dict[str, Any] = {"method": request.method, "url": shown_url(str(request.url), redactor)}
    headers = {
        name: _header(name, value, redactor) for name, value in request.headers.items() if name.lower() not in _NOISE
    }
    if headers:
        shown["headers"] = headers
    content = request.content
    if content:
        shown["body"] = _body(content, redactor)
    return shown


def with_stand_ins(call: Call, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a call's arguments with ``{step.field}`` for what steps have no value for, since nothing was answered."""
    missing = {
        name: f"{{{written(value).removeprefix('$.')}}}"
        for name, value in call.arguments
        if arguments.get(name) is None and reads_steps(value)
    }
    return {**arguments, **missing} if missing else arguments


def shown_url(url: str, redactor: Redactor) -> str:
    """Return a URL without secrets; the value of a query parameter with a secret's name is hidden too."""
    url, mark, query = redactor.redact(url).partition("?")
    pairs = [pair.partition("=") for pair in query.split("&")]
    hidden = [
        f"{name}={HIDDEN}" if equals and is_secret_name(name) else f"{name}{equals}{value}"
        for name, equals, value in pairs
    ]
    return f"{url}{mark}{'&'.join(hidden)}" if mark else url


def _header(name: str, value: str, redactor: Redactor) -> str:
    if is_secret_name(name):
        scheme, space, _ = value.partition(" ")
        return f"{scheme} {HIDDEN}" if space and scheme.lower() in {"bearer", "basic", "digest", "token"} else HIDDEN
    return redactor.redact(value)


def _body(content: bytes, redactor: Redactor) -> Any:
    text = redactor.redact(content.decode("utf-8", "replace"))
    try:
        return jsontext.read(text)
    except ValueError:
        return text
