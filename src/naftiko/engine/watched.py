"""Runs, steps and exchanges, as an observer sees them; called only where there is one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager
from functools import partial
from http import HTTPStatus
from typing import Any, Literal, TypeVar

import httpx

from naftiko.engine.answer import Answer
from naftiko.engine.mock import shown_url
from naftiko.engine.sending import Outgoing
from naftiko.ground.errors import CallError, UpstreamRedirect, UpstreamStatus
from naftiko.link.steps import word_of
from naftiko.observe.observer import Exchange, Observer, StepRun, UnitRun, running
from naftiko.observe.redaction import Redactor
from naftiko.plan.actions import RunnableStep
from naftiko.plan.unit import ApiPlan

ResultT = TypeVar("ResultT")


async def watched_run(observer: Observer, run: UnitRun, work: Awaitable[ResultT]) -> ResultT:
    """Return what the run of a unit gives, and tell of it."""
    token = running.set(run)
    try:
        with observer.unit(run):
            try:
                result = await work
            except Exception as error:
                run.status = run.status or _status_of(error)
                raise
            run.status = run.status or (result.status if isinstance(result, Answer) else 200)
            return result
    finally:
        running.reset(token)


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
        self._see = observer.exchange
        self._show = partial(shown_url, redactor=redactor)
        self._base = plan.base.text.rstrip("/")
        self._templates: dict[str, str] = {}

    async def asking(self, request: httpx.Request, sending: Awaitable[httpx.Response]) -> httpx.Response:
        """Tell of a request that a credential makes."""
        return await self._during(self._exchange("credential", self._plan.namespace, request, "", 1), sending)

    def calling(
        self, operation: str, path: str, attempt: int, request: httpx.Request, sending: Awaitable[httpx.Response]
    ) -> Awaitable[httpx.Response]:
        """Tell of a call of an operation, whose path is as the file has it."""
        template = self._templates.get(operation)
        if template is None:
            template = self._templates[operation] = f"{self._base}/{path.lstrip('/')}"
        return self._during(self._exchange("call", operation, request, template, attempt), sending)

    async def forwarding(
        self, outgoing: Outgoing, request: httpx.Request, send: Callable[[], Awaitable[httpx.Response]]
    ) -> httpx.Response:
        """Tell of what is forwarded; the exchange ends with the answer's body."""
        template = self._plan.base.text
        seen = self._exchange("forward", outgoing.operation, request, template, outgoing.attempts)
        watching = self._see(seen)
        watching.__enter__()
        try:
            response = await send()
        except BaseException as error:
            watching.__exit__(type(error), error, error.__traceback__)
            raise
        seen.status = response.status_code
        return httpx.Response(
            response.status_code,
            headers=response.headers,
            stream=_WatchedBody(response, seen, watching),
            request=response.request,
            extensions=response.extensions,
        )

    async def _during(self, seen: Exchange, sending: Awaitable[httpx.Response]) -> httpx.Response:
        with self._see(seen):
            response = await sending
            seen.status = response.status_code
            seen.bytes_received = len(response.content)
        return response

    def _exchange(
        self,
        purpose: Literal["call", "forward", "credential"],
        operation: str,
        request: httpx.Request,
        template: str,
        attempt: int,
    ) -> Exchange:
        seen = Exchange(purpose, self._plan.namespace, operation, template, attempt, request, self._show)
        if isinstance(request.stream, httpx.ByteStream):
            seen.bytes_sent = len(request.content)
        return seen


class _WatchedBody(httpx.AsyncByteStream):
    """A body that is counted while it is passed on."""

    def __init__(self, response: httpx.Response, seen: Exchange, watching: AbstractContextManager[Any]) -> None:
        self._response = response
        self._seen = seen
        self._watching: AbstractContextManager[Any] | None = watching

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
        watching, self._watching = self._watching, None
        if watching is not None:
            if error is None:
                watching.__exit__(None, None, None)
            else:
                watching.__exit__(type(error), error, error.__traceback__)
