"""``/openapi.json``: the description of what is served, to whoever may call it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starlette.types import Receive, Scope, Send

from naftiko.engine.capability import Adapter, Capability
from naftiko.expose.authentication import Guard, Refusal, problem, refuse
from naftiko.expose.rest.admission import admitting, distinct
from naftiko.expose.rest.messages import send_allowed, send_message
from naftiko.expose.rest.openapi import openapi
from naftiko.expose.selection import Selection
from naftiko.ground.http import READING
from naftiko.ground.jsontext import write

DESCRIPTION_PATH: Final = "/openapi.json"


@dataclass(frozen=True, slots=True)
class _Described:
    capability: Capability
    adapter: Adapter
    prefix: str
    guard: Guard | None


class ApiDescription:
    """Describes the adapters behind one listener; one that asks for authentication asks for it here too.

    Args:
        selection: the routes that are served; the others are not described.
    """

    def __init__(self, selection: Selection) -> None:
        self._selection = selection
        self._described: list[_Described] = []
        self._made: dict[frozenset[int], bytes] = {}

    def add(self, capability: Capability, adapter: Adapter, prefix: str, guard: Guard | None) -> None:
        """Add an adapter."""
        self._described.append(_Described(capability, adapter, prefix, guard))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the document of the adapters that the caller may call."""
        del receive
        admitted, refusal = await self._admitted(scope)
        if refusal is not None:
            await refuse(refusal, problem, scope, send)
            return
        if scope["method"] not in READING:
            await send_allowed(scope["method"], {"GET"}, send)
            return
        key = frozenset(map(id, admitted))
        if key not in self._made:
            served = [(each.capability, each.adapter, each.prefix) for each in admitted]
            self._made[key] = write(openapi(served, selection=self._selection))
        body = self._made[key]
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send_message(send, 200, headers, b"" if scope["method"] == "HEAD" else body)

    async def _admitted(self, scope: Scope) -> tuple[list[_Described], Refusal | None]:
        """Return the adapters that the caller may call, and the refusal where there is none."""
        let_in, refusal = await admitting(distinct(each.guard for each in self._described), scope)
        admitted = [each for each in self._described if each.guard is None or each.guard in let_in]
        return admitted, None if admitted else refusal
