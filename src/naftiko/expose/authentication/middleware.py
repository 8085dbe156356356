"""A guard as ASGI middleware, and the metadata of protected resources (RFC 9728)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Final, TypeAlias

import orjson
from starlette.types import ASGIApp, Receive, Scope, Send

from naftiko.expose.authentication.scheme import (
    METADATA_PATH,
    Credentials,
    Guard,
    Headers,
    Refusal,
    problem,
    unavailable,
)
from naftiko.expose.http.paths import inner_path
from naftiko.ground.errors import MissingVariable
from naftiko.observe.requests import request_now

Render: TypeAlias = Callable[[Refusal], tuple[str, bytes]]
"""Makes the body of a refusal: its media type, and itself."""

PRINCIPAL: Final = "naftiko.principal"
_POLICY_VIOLATION: Final = 1008
_CROSS_ORIGIN: Final = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Allow-Methods", "GET, HEAD"),
    ("Access-Control-Allow-Headers", "*"),
)

_log = logging.getLogger(__name__)


class Authenticated:
    """Lets in whom the guard lets in.

    The app behind it finds the ``Principal`` in ``scope["naftiko.principal"]``, and the request without the caller's
    credential, which therefore can't reach an upstream. Preflights of browsers carry no credentials: CORS belongs
    outside of this.

    Args:
        app: what is guarded.
        guard: who decides.
        exempt: paths that anybody may use, as the app has them (undecoded, without the query).
        render: makes the body of a refusal; problem+json by default.
    """

    def __init__(
        self, app: ASGIApp, guard: Guard, exempt: frozenset[str] = frozenset(), *, render: Render = problem
    ) -> None:
        self._app = app
        self._guard = guard
        self._exempt = exempt
        self._render = render
        self._http = ResourceMetadata(self._guarded, (guard,), render=render)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it; what is neither HTTP nor the server's own start and stop is closed."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})

    async def _guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Credentials.of(scope)
        if inner_path(scope) in self._exempt:
            await self._app(scope, receive, send)
            return
        inner = await admit(self._guard, scope, send, request=request, render=self._render)
        if inner is not None:
            await self._app(inner, receive, send)


async def admit(
    guard: Guard, scope: Scope, send: Send, *, request: Credentials | None = None, render: Render = problem
) -> Scope | None:
    """Let a request in, or refuse it.

    Returns:
        the request without the caller's credential and with the ``Principal``, or ``None`` where it was refused.
    """
    asked = request or Credentials.of(scope)
    found = await guard.identify(asked)
    if isinstance(found, Refusal):
        tell_refused(asked, found)
        await refuse(found, render, scope, send)
        return None
    inner = guard.stripped(scope)
    inner[PRINCIPAL] = found
    record = request_now.get()
    if record is not None:
        record.caller = found.subject or found.scheme
    return inner


def tell_refused(request: Credentials, refusal: Refusal) -> None:
    """Write a refusal to the log: a warning for a credential that is wrong, a note for who brought none."""
    level = logging.INFO if refusal.kind == "missing-credentials" else logging.WARNING
    _log.log(level, "refused %s %s: %s", request.method, request.raw_path, refusal.kind)


class ResourceMetadata:
    """Serves the metadata of every guard that has some, to anybody, GET and HEAD, from every origin.

    Args:
        app: what answers all else.
        guards: those of all adapters behind one address; where two would be served at one path, the first is.
        render: makes the body where a variable is missing.
    """

    def __init__(self, app: ASGIApp, guards: Sequence[Guard], *, render: Render = problem) -> None:
        self._app = app
        self._guards = tuple(guards)
        self._render = render

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass the request on."""
        if scope["type"] == "http" and self._guards and scope["method"] in ("GET", "HEAD", "OPTIONS"):
            path = inner_path(scope)
            if path.startswith(METADATA_PATH) and await self._answered(path, scope, send):
                return
        await self._app(scope, receive, send)

    async def _answered(self, path: str, scope: Scope, send: Send) -> bool:
        for guard in self._guards:
            try:
                document = guard.metadata() if path in guard.metadata_paths() else None
            except MissingVariable as missing:
                detail = f"no value for {', '.join(missing.names)}, which the metadata of this resource needs"
                await refuse(unavailable(detail, "missing-variable"), self._render, scope, send)
                return True
            if document is not None:
                is_preflight = scope["method"] == "OPTIONS"
                status = HTTPStatus.NO_CONTENT if is_preflight else HTTPStatus.OK
                body = b"" if is_preflight else orjson.dumps(document)
                await _answer(status, "application/json", body, _CROSS_ORIGIN, scope, send)
                return True
        return False


async def refuse(refusal: Refusal, render: Render, scope: Scope, send: Send) -> None:
    """Send a refusal as an HTTP response that no cache keeps."""
    media_type, body = render(refusal)
    headers = (*refusal.headers, ("Cache-Control", "no-store"))
    await _answer(refusal.status, media_type, body, headers, scope, send)


async def _answer(status: int, media_type: str, body: bytes, headers: Headers, scope: Scope, send: Send) -> None:
    said = list(headers)
    if status != HTTPStatus.NO_CONTENT:
        said += [("Content-Type", media_type), ("Content-Length", str(len(body)))]
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in said]
    await send({"type": "http.response.start", "status": int(status), "headers": raw})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
