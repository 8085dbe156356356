"""Which web pages may call REST, and read what it answers (SEMANTICS 6)."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Final

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from naftiko.expose.http.gate import Gate, Unwelcome, fits, origin_pattern
from naftiko.expose.http.upgrade import UPGRADE
from naftiko.expose.rest.messages import send_problem, simple_problem
from naftiko.expose.rest.options import RestOptions
from naftiko.ground.http import SAFE_METHODS

_EXPOSED_HEADERS: Final = (
    *(
        "Allow",
        "Content-Disposition",
        "ETag",
        "Link",
        "Location",
        "RateLimit",
        "RateLimit-Policy",
        "Naftiko-Note",
        "Retry-After",
        "X-Request-Id",
        "X-Total-Count",
    ),
    *("RateLimit", "RateLimit-Policy", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"),
    *("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"),
)
"""What a web page may read of an answer, beside what every page may (https://fetch.spec.whatwg.org/)."""


def gate_of(options: RestOptions) -> Gate:
    """Return what REST asks of hosts and pages; an origin that may read answers may call."""
    return Gate(
        hosts=options.allowed_hosts,
        origins=(*options.allowed_origins, *options.cors_origins),
        guards_hosts=options.guard_hosts,
        takes_short_names=True,
        origin_option="--cors-origin",
    )


class Gated:
    """ASGI middleware that refuses requests for foreign hosts, and foreign pages' with a method that changes something.

    A GET may change something too, if what it calls does: that is known where its route is. And what a WebSocket gives
    any page may read.
    """

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        self._app = app
        self._gate = gate

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Pass the request on, or refuse it."""
        unwelcome = self._gate.refusal(scope, changes=scope["method"] not in SAFE_METHODS or UPGRADE in scope)
        return self._app(scope, receive, send) if unwelcome is None else send_unwelcome(unwelcome, scope, send)


async def send_unwelcome(unwelcome: Unwelcome, scope: Scope, send: Send) -> None:
    """Refuse a request that the gate doesn't let in."""
    body = simple_problem(unwelcome.status, unwelcome.kind, unwelcome.detail)
    await send_problem(send, unwelcome.status, body, is_head=scope["method"] == "HEAD")


class Cors(CORSMiddleware):
    """Answers the preflights of pages whose origin an option names or is like, and lets them read the answers."""

    def __init__(self, app: ASGIApp, origins: tuple[str, ...]) -> None:
        super().__init__(
            app,
            allow_origins=origins,
            allow_methods=["*"],
            allow_headers=["*"],
            allow_private_network=True,
            expose_headers=_EXPOSED_HEADERS,
        )
        self._patterns = tuple(map(origin_pattern, origins))

    def is_allowed_origin(self, origin: str) -> bool:
        """Tell it as the gate does."""
        return fits(origin.lower(), self._patterns)
