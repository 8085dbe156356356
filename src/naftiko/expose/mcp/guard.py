"""Who may call: a check of the Host and Origin headers against DNS rebinding and foreign web pages (SEMANTICS 7)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from naftiko.expose.mcp.refusals import refusal

LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")
_MISDIRECTED: Final = 421
_FORBIDDEN: Final = 403
_SHOWN: Final = 200


class Guard:
    """ASGI middleware that refuses requests for foreign hosts (421), and from foreign web pages (403).

    A page of the very host that was called is not foreign. A request without an Origin is no browser's, and passes.

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

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        headers = Headers(scope=scope)
        host = headers.get("host", "").lower()
        origin = headers.get("origin")
        if self._guard_hosts and not self._allows_host(host):
            await _refusal(_MISDIRECTED, f"the host {_quoted(host)} is not allowed", "--allow-host", host)(
                scope, receive, send
            )
        elif origin is not None and not self._allows_origin(origin.lower(), host):
            await _refusal(_FORBIDDEN, f"the origin {_quoted(origin)} is not allowed", "--allow-origin", origin)(
                scope, receive, send
            )
        else:
            await self._app(scope, receive, send)

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
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return f'"{shown}"'


def _refusal(status: int, what: str, option: str, value: str) -> Response:
    shown = value if option == "--allow-origin" else _without_port(value)
    return refusal(status, f"{what}; whoever runs this server allows it with {option} {shown[:_SHOWN]}")
