"""Routes that have limits for callers (SEMANTICS 6.6): a request is let through, or answered with 429 and when."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from starlette.types import Message, Scope, Send

from naftiko.expose.http.problems import report
from naftiko.expose.limiting import Limiter
from naftiko.expose.limiting.limiter import Call
from naftiko.expose.rest.messages import Pairs, problem_body, send_problem
from naftiko.expose.rest.routes import Served
from naftiko.expose.rest.seeing import HttpCaller
from naftiko.ground.errors import CallerLimited

_OURS: Final = b"ratelimit"
"""What the names of such fields begin with, those of earlier drafts too: an API's are about our quota there."""


async def within_limits(served: Served, scope: Scope, send: Send, passing: Callable[[Send], Awaitable[None]]) -> None:
    """Answer a request, or refuse it.

    Args:
        served: the route.
        scope: of the request.
        send: the connection.
        passing: answers, by way of what it is given to send with.
    """
    limiters = _limiters(served)
    if not limiters:
        await passing(send)
        return
    async with contextlib.AsyncExitStack() as calls:
        begun: list[tuple[Limiter, Call]] = []
        for limiter in limiters:
            call = limiter.calling(scope)
            begun.append((limiter, call))
            try:
                await calls.enter_async_context(call)
            except CallerLimited as error:
                await _refuse(error, limiter.fields(call), served, scope, send)
                return
        await passing(_telling(send, begun))


def _limiters(served: Served) -> Sequence[Limiter]:
    """Return the limits of a route; of several of which the body says which answers, those of all."""
    if not served.rivals:
        return () if served.limiter is None else (served.limiter,)
    return tuple(dict.fromkeys(each.limiter for each in served.rivals if each.limiter is not None))


def _telling(send: Send, begun: Sequence[tuple[Limiter, Call]]) -> Send:
    """Return what tells the caller how much is left, with the answer; of several limits the one that ends first."""
    limiter, call = min(begun, key=lambda each: _left(each[1]))

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept: Pairs = [pair for pair in message.get("headers", ()) if not pair[0].lower().startswith(_OURS)]
            message = {**message, "headers": [*kept, *limiter.fields(call)]}
        await send(message)

    return sending


def _left(call: Call) -> float:
    return min(
        math.inf if call.taken is None else call.taken.remaining,
        math.inf if call.berths is None else call.berths,
    )


async def _refuse(error: CallerLimited, fields: Pairs, served: Served, scope: Scope, send: Send) -> None:
    hooks = served.unit.hooks
    if hooks is not None:
        with contextlib.suppress(CallerLimited), served.unit.run_of(hooks, HttpCaller(scope)):
            raise error
    made = report(error, served.capability.variables.redactor.redact, unit=served.unit.name)
    seconds = max(1, math.ceil((made.retry_after or 0) - 1e-6))
    headers: Pairs = [(b"retry-after", b"%d" % seconds), (b"cache-control", b"no-store"), *fields]
    body = problem_body(made, {"violated-policies": [error.violated]})
    await send_problem(send, made.status, body, headers, is_head=scope["method"] == "HEAD")
