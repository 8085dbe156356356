"""The runs of routes, as observers see them."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.types import Scope

from naftiko.expose.rest.messages import raw_path
from naftiko.expose.rest.routes import Served
from naftiko.observe.observer import Caller, Hooks


@dataclass(slots=True)
class Began:
    """What a caller was told of a forwarded answer.

    Attributes:
        status: of the answer; 0 before it began.
    """

    status: int = 0


async def seen_passing(
    passing: Coroutine[Any, Any, None], served: Served, hooks: Hooks, scope: Scope, began: Began
) -> None:
    """Pass a request on, and let the observer see the run."""
    with served.unit.run_of(hooks, HttpCaller(scope)) as run:
        try:
            await passing
        finally:
            run.status = began.status or None


class HttpCaller(Caller):
    """Who asks for a route: read from the request when it is looked at, which few do; see ``Caller``.

    Args:
        scope: of ASGI.
    """

    __slots__ = ("_scope",)

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    protocol = "http"
    version = ""
    request_id = meta = None

    @property
    def headers(self) -> Sequence[tuple[bytes, bytes]]:  # type: ignore[override]  # a field there
        """Those of the request, as they came."""
        headers: Sequence[tuple[bytes, bytes]] = self._scope["headers"]
        return headers

    @property
    def method(self) -> str:  # type: ignore[override]  # likewise
        """That of the request."""
        method: str = self._scope["method"]
        return method

    @property
    def path(self) -> str:  # type: ignore[override]  # likewise
        """Of the request, still encoded."""
        return raw_path(self._scope)

    @property
    def address(self) -> tuple[str, int] | None:  # type: ignore[override]  # likewise
        """Host and port of the peer, or ``None``."""
        address: tuple[str, int] | None = self._scope.get("client")
        return address
