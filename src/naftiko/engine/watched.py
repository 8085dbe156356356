"""Runs, steps and exchanges, as an observer sees them; called only where there is one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from http import HTTPStatus
from types import TracebackType
from typing import TypeVar

import httpx

from naftiko.engine.mock import shown_url
from naftiko.engine.sending import Outgoing
from naftiko.ground.errors import CallError, UpstreamRedirect, UpstreamStatus
from naftiko.link.steps import word_of
from naftiko.observe.observer import Exchange, Hooks, Observer, StepRun, UnitRun, running
from naftiko.observe.redaction import Redactor
from naftiko.plan.actions import RunnableStep
from naftiko.plan.unit import ApiPlan

ResultT = TypeVar("ResultT")


class SeenRun:
    """A run of a unit, told to an observer: entered when it begins, left when it has ended.

    Whoever runs it says in ``UnitRun.status`` how it went, where that is not 200; of a failure it is known.
    """

    __slots__ = ("_hooks", "_run", "_state", "_token")

    def __init__(self, hooks: Hooks, run: UnitRun) -> None:
        self._hooks = hooks
        self._run = run

    def __enter__(self) -> None:
        self._token = running.set(self._run)
        self._state = self._hooks.begin(self._run)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        run = self._run
        if not run.status:
            if error is None:
                run.status = 200
            elif isinstance(error, Exception):
                run.status = _status_of(error)
        try:
            self._hooks.end(self._state, run, error)
        finally:
            running.reset(self._token)


def _status_of(error: Exception) -> int:
    """Return the status that a REST caller gets."""
    if isinstance(error, UpstreamStatus) or (isinstance(error, UpstreamRedirect) and error.passes_on):
        return error.response.status_code
    return error.status if isinstance(error, CallError) else HTTPStatus.INTERNAL_SERVER_ERROR


async def watched_step(observer: Observer, step: RunnableStep, work: Awaitable[ResultT]) -> ResultT:
    """Return what a step gives, and tell of it."""
    operation = step.calls[0].operation.key if step.calls else ""
    with observer.step(StepRun(step.name, word_of(step), operation)):
        return await work


class Watched:
    """Tells an observer of the exchanges with one API."""

    def __init__(self, plan: ApiPlan, observer: Observer, redactor: Redactor) -> None:
        self._plan = plan
        self._namespace = plan.namespace
        self._begin, self._end = observer.hooks("exchange")
        self._show = partial(shown_url, redactor=redactor)
        self._base = plan.base.text.rstrip("/")
        self._templates: dict[str, str] = {}

    async def asking(self, request: httpx.Request, sending: Awaitable[httpx.Response]) -> httpx.Response:
        """Tell of a request that a credential makes."""
        seen = Exchange("credential", self._namespace, self._namespace, "", 1, request, self._show)
        return await self._during(seen, sending)

    def calling(
        self, operation: str, path: str, attempt: int, request: httpx.Request, sending: Awaitable[httpx.Response]
    ) -> Awaitable[httpx.Response]:
        """Tell of a call of an operation, whose path is as the file has it."""
        template = self._templates.get(operation)
        if template is None:
            template = self._templates[operation] = f"{self._base}/{path.lstrip('/')}"
        seen = Exchange("call", self._namespace, operation, template, attempt, request, self._show)
        return self._during(seen, sending)

    async def forwarding(
        self, outgoing: Outgoing, request: httpx.Request, send: Callable[[], Awaitable[httpx.Response]]
    ) -> httpx.Response:
        """Tell of what is forwarded; the exchange ends with the answer's body."""
        template = self._plan.base.text
        seen = Exchange(
            "forward", self._namespace, outgoing.operation, template, outgoing.attempts, request, self._show
        )
        state = self._begin(seen)
        try:
            response = await send()
        except BaseException as error:
            self._end(state, seen, error)
            raise
        seen.status = response.status_code
        return httpx.Response(
            response.status_code,
            headers=response.headers,
            stream=_WatchedBody(response, seen, partial(self._end, state, seen)),
            request=response.request,
            extensions=response.extensions,
        )

    async def _during(self, seen: Exchange, sending: Awaitable[httpx.Response]) -> httpx.Response:
        state = self._begin(seen)
        try:
            response = await sending
            seen.status = response.status_code
            seen.bytes_received = len(response.content)
        except BaseException as error:
            self._end(state, seen, error)
            raise
        self._end(state, seen, None)
        return response


class _WatchedBody(httpx.AsyncByteStream):
    """A body that is counted while it is passed on."""

    def __init__(self, response: httpx.Response, seen: Exchange, end: Callable[[BaseException | None], None]) -> None:
        self._response = response
        self._seen = seen
        self._end: Callable[[BaseException | None], None] | None = end

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self._seen.bytes_received = 0
        try:
            async for piece in self._response.aiter_raw():
                self._seen.bytes_received += len(piece)
                yield piece
        except BaseException as error:
            self._left(error)
            raise

    async def aclose(self) -> None:
        self._left(None)
        await self._response.aclose()

    def _left(self, error: BaseException | None) -> None:
        end, self._end = self._end, None
        if end is not None:
            end(error)
