"""Describe a request that is not sent: for ``--mock`` and ``--dry-run``, secrets hidden."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from naftiko import jsontext
from naftiko.observe.redaction import HIDDEN, Redactor, is_secret_name
from naftiko.plan.actions import Call
from naftiko.plan.sources import reads_steps, written

_NOISE = frozenset({"host", "content-length", "user-agent", "accept", "accept-encoding", "connection"})


def described_answer(request: httpx.Request, redactor: Redactor) -> httpx.Response:
    """Answer a request that is not sent, such as the one for a token, with its description and a stand-in token."""
    token = {"access_token": "mock-token", "token_type": "Bearer", "token_endpoint": str(request.url)}
    return httpx.Response(200, json={**token, "request": described(request, redactor)}, request=request)


def described(request: httpx.Request, redactor: Redactor) -> dict[str, Any]:
    """Return a request's method, URL, headers and body as JSON data; secrets are hidden."""
    shown: dict[str, Any] = {"method": request.method, "url": _url(request, redactor)}
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


def _url(request: httpx.Request, redactor: Redactor) -> str:
    """Return the URL; the value of a query parameter with a secret's name is hidden too."""
    url, mark, query = redactor.redact(str(request.url)).partition("?")
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
