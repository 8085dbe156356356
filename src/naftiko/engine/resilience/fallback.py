"""Answer something else in place of a failure, and say so (SEMANTICS 4.9)."""

from __future__ import annotations

from http import HTTPStatus
from string import punctuation
from typing import Final
from urllib.parse import quote

import httpx

from naftiko.engine.head import annotate
from naftiko.engine.request import dump_json
from naftiko.engine.resilience.acting import Acting
from naftiko.engine.sending import NOTE, Outgoing, Send
from naftiko.ground.errors import (
    CallError,
    CircuitOpen,
    Overloaded,
    UpstreamBroken,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from naftiko.ground.http import quoted
from naftiko.plan.bindings import arguments_of
from naftiko.plan.resilience import Fallback

_FAILURES: Final = (UpstreamTimeout, UpstreamUnreachable, UpstreamBroken, CircuitOpen, Overloaded)
"""Not among them is what the file or the operator has to mend: a refused credential, a redirect, a missing value."""
_FIRST_OTHER: Final = 300
_JSON: Final = "json"
_PRINTABLE: Final = f" {punctuation}"


class Falling:
    """Answers what the file says where a call failed: the API is away, too slow, too busy, or says 429 or 5xx.

    What stands in for a failed call has none of its own.
    """

    def __init__(self, send: Send, plan: Fallback, acting: Acting, raw_format: str) -> None:
        self._send = send
        self._plan = plan
        self._acting = acting
        self._raw_format = raw_format

    async def __call__(self, outgoing: Outgoing) -> httpx.Response:
        """Send a request; answer something else if it fails."""
        if outgoing.is_fallback:
            return await self._send(outgoing)
        try:
            response = await self._send(outgoing)
        except _FAILURES as error:
            made = await self._made(outgoing, error.kind, error.detail)
            if made is None:
                raise
            return made
        status = response.status_code
        if status < HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.TOO_MANY_REQUESTS:
            return response
        made = await self._made(outgoing, str(status), f"the upstream answered {status}")
        if made is None:
            return response
        await response.aclose()
        return made

    async def _made(self, outgoing: Outgoing, reason: str, why: str) -> httpx.Response | None:
        """Return the other answer, labelled; ``None`` where it failed too."""
        if self._plan.call:
            made = await self._other(outgoing)
            if made is None:
                self._acting.tell("fallback", "failed", outgoing, f"{why}; `{self._plan.call}` failed too")
                return None
        else:
            made = self._constant(outgoing)
        source = self._plan.call or "constant"
        self._acting.tell("fallback", "answered", outgoing, f"{why}; the answer is {source}")
        # A string of structured fields has printable ASCII alone, and a name of a file may have anything.
        told = quote(source, safe=_PRINTABLE)
        annotate(made, NOTE, f"fallback;from={quoted(told)};reason={quoted(reason)}")
        return made

    async def _other(self, outgoing: Outgoing) -> httpx.Response | None:
        """Return the answer of the call that stands in for a failed one; ``None`` where there is none, or it failed."""
        upstream = outgoing.upstream
        call = upstream.stand_ins.get(outgoing.operation)
        if call is None or outgoing.arguments is None:
            return None
        arguments = arguments_of(call.arguments, upstream.scope(outgoing.arguments))
        other = upstream.peers[call.operation.api]
        try:
            made = other.drafted(call, arguments, None, (), outgoing.max_binary_bytes)
            made.is_fallback = True
            response = await other.send_drafted(made)
        except CallError:
            return None
        if response.status_code >= _FIRST_OTHER:
            await response.aclose()
            return None
        return response

    def _constant(self, outgoing: Outgoing) -> httpx.Response:
        value = self._plan.value
        if self._raw_format == _JSON or not isinstance(value, str):
            return outgoing.answered(self._plan.status, dump_json(value), {"Content-Type": "application/json"})
        return outgoing.answered(self._plan.status, value.encode())
