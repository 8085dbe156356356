"""Who may call: a check of the Host and Origin headers against DNS rebinding and foreign web pages (SEMANTICS 7)."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from naftiko.expose.mcp.options import LOOPBACK
from naftiko.expose.mcp.refusals import refusal

_log = logging.getLogger(__name__)

_MISDIRECTED: Final = 421
_FORBIDDEN: Final = 403
_SHOWN: Final = 200
_MOST_TOLD: Final = 100
"""Refused hosts and origins that the log names; a caller may send a new one with every request."""
_EXPOSED_HEADERS: Final = b"Mcp-Session-Id, Mcp-Protocol-Version, WWW-Authenticate"


class Guard:
    """ASGI middleware that refuses requests for foreign hosts (421), and from foreign web pages (403).

    A page of the very host that was called is not foreign. A request without an Origin is no browser's, and passes.
    The pages that may call may read the answers too, and their preflights are answered (the Fetch standard's CORS).

    Args:
        app: what is guarded.
        allowed_hosts: beside the loopback names: a name (any port), ``name:port``, a pattern with ``*``.
        allowed_origins: beside loopback pages: ``https://app.example.com``, a pattern with ``*``.
        guard_hosts: whether Host is checked at all.
    """

    def __init__(
        self, app: ASGIApp, *, allowed_hosts: Sequence[str], allowed_origins: Sequence[str], guard_hosts: bool
    ) -> None:
        self._app = app
        self._hosts = tuple(host.lower() for host in (*LOOPBACK, *allowed_hosts))
        self._origins = tuple(origin.lower().rstrip("/") for origin in allowed_origins)
        self._guard_hosts = guard_hosts
        self._told: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        headers = Headers(scope=scope)
        host = headers.get("host", "").lower()
        origin = headers.get("origin")
        if self._guard_hosts and not self._allows_host(host):
            await self._refusal(_MISDIRECTED, "host", host, _without_port(host))(scope, receive, send)
        elif origin is None:
            await self._app(scope, receive, send)
        elif not self._allows_origin(origin.lower(), host):
            await self._refusal(_FORBIDDEN, "origin", origin, origin)(scope, receive, send)
        elif scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            await _preflight(origin, headers)(scope, receive, send)
        else:
            await self._app(scope, receive, _readable(send, origin))

    def _refusal(self, status: int, what: str, value: str, allowed: str) -> Response:
        """Refuse; the log says it once for each value, since most clients hide an answer's body."""
        said, option = f"the {what} {_quoted(value)} is not allowed", f"--allow-{what} {_cut(allowed)}"
        if allowed not in self._told and len(self._told) < _MOST_TOLD:
            self._told.add(allowed)
            more = "; more are refused without a word" if len(self._told) == _MOST_TOLD else ""
            _log.warning("refused: %s; %s allows it%s", said, option, more)
        return refusal(status, f"{said}; whoever runs this server allows it with {option}")

    def _allows_host(self, host: str) -> bool:
        return _fits(host, self._hosts) or _fits(_without_port(host), self._hosts)

    def _allows_origin(self, origin: str, host: str) -> bool:
        if _fits(origin, self._origins):
            return True
        netloc = _netloc(origin)
        return bool(netloc) and (_without_port(netloc) in LOOPBACK or netloc == host)


def _netloc(origin: str) -> str:
    """Return host and port of an origin; nothing where it is none, as ``http://[`` isn't."""
    try:
        return urlsplit(origin).netloc if "://" in origin else ""
    except ValueError:
        return ""


def _fits(text: str, patterns: Iterable[str]) -> bool:
    # Brackets of IPv6 addresses are no character classes.
    return any(text == pattern or ("*" in pattern and fnmatchcase(text, _escaped(pattern))) for pattern in patterns)


def _escaped(pattern: str) -> str:
    return pattern.replace("[", "[[]")


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdecimal() else host


def _quoted(text: str) -> str:
    return f'"{_cut(text)}"'


def _cut(text: str) -> str:
    """Return a text of a caller as one line of bounded length."""
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return "".join(character if character.isprintable() else "?" for character in shown)


def _preflight(origin: str, headers: Headers) -> Response:
    """Return the answer to a browser that asks whether a page may send what it wants to send."""
    allowed = {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Methods": "GET, POST, DELETE, OPTIONS",
        # `*` would not cover Authorization.
        "Access-Control-Allow-Headers": headers.get("access-control-request-headers", "*"),
        "Access-Control-Max-Age": "600",
        "Vary": "Origin, Access-Control-Request-Headers",
    }
    if headers.get("access-control-request-private-network") == "true":
        allowed["Access-Control-Allow-Private-Network"] = "true"
    return Response(status_code=204, headers=allowed)


def _readable(send: Send, origin: str) -> Send:
    """Return a ``send`` whose answer a page of this origin may read."""
    shared = [
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"access-control-expose-headers", _EXPOSED_HEADERS),
        (b"vary", b"Origin"),
    ]

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *shared]}
        await send(message)

    return sending
