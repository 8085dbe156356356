"""The runs of routes, as observers see them."""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from starlette.types import Scope, Send

from naftiko.engine.answer import Answer
from naftiko.expose.rest.messages import raw_path
from naftiko.expose.rest.routes import Served
from naftiko.expose.rest.streaming import send_stream
from naftiko.observe.observer import Caller


@dataclass(slots=True)
class Began:
    """What a caller was told of a forwarded answer.

    Attributes:
        status: of the answer; 0 before it began.
    """

    status: int = 0


async def seen(
    done: Coroutine[Any, Any, tuple[Served, Answer]], served: Served, reader: tuple[Scope, Send, float]
) -> tuple[Served, Answer]:
    """Return what a unit answers, and let its observer see the run; which of several rivals ran is known at its end.

    What comes page by page is sent to its reader: the run ends with the last page.
    """
    run = served.unit.run_of(caller_of(reader[0]))

    async def answered() -> tuple[Served, Answer]:
        chosen, answer = await done
        run.name, run.path, run.status = chosen.unit.name, chosen.unit.path, answer.status
        if answer.stream is not None:
            await send_stream(answer, *reader)
        return chosen, answer

    return await served.unit.seen(answered(), run)


async def seen_passing(passing: Coroutine[Any, Any, None], served: Served, scope: Scope, began: Began) -> None:
    """Pass a request on, and let the observer see the run."""
    run = served.unit.run_of(caller_of(scope))

    async def passed() -> None:
        try:
            await passing
        finally:
            run.status = began.status or None

    await served.unit.seen(passed(), run)


def caller_of(scope: Scope) -> Caller:
    """Return who asks, for an observer."""
    return Caller(
        protocol="http",
        headers=scope["headers"],
        method=scope["method"],
        path=raw_path(scope),
        address=scope.get("client"),
    )
