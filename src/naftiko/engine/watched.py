"""Runs, steps and exchanges, as an observer sees them; called only where there is one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from http import HTTPStatus
from types import TracebackType
from typing import Self, TypeAlias, TypeVar

import httpx

from naftiko.engine.mock import shown_url
from naftiko.engine.sending import Outgoing
from naftiko.engine.transport.whole import Whole
from naftiko.ground.errors import CallError, UpstreamRedirect, UpstreamStatus
from naftiko.link.steps import word_of
from naftiko.observe.observer import Caller, Exchange, Hooks, Observer, Purpose, StepRun, UnitRun, running
from naftiko.observe.redaction import Redactor
from naftiko.plan.actions import RunnableStep
from naftiko.plan.unit import ApiPlan, UnitPlan

ResultT = TypeVar("ResultT")
_What: TypeAlias = tuple[Purpose, str, str, str, Callable[[str], str]]
"""Of an exchange: purpose, namespace, operation, template, and what hides secrets."""


class SeenRun(UnitRun):
    """A run of a unit that is told to an observer: entered when it begins, left when it has ended.

    Whoever runs it says in ``status`` how it went, where that is not 200; of a failure it is known.

    Args:
        hooks: what is told.
        label: what the file calls itself.
        plan: of the unit.
        caller: who asks.
        has_steps: whether steps look for it in ``running``.
    """

    __slots__ = ("_has_steps", "_hooks", "_state", "_token")

    def __init__(self, hooks: Hooks, label: str, plan: UnitPlan, caller: Caller, *, has_steps: bool) -> None:
        # Not super().__init__: it is one call more for each run.
        self._hooks = hooks
        self.capability = label
        self.adapter = plan.adapter
        self.namespace = plan.namespace
        self.name = plan.name
        self.method = plan.method
        self.path = plan.path
        self.caller = caller
        self.status = None
        self._has_steps = has_steps

    def __enter__(self) -> Self:
        if self._has_steps:
            self._token = running.set(self)
        self._state = self._hooks.begin(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self.status:
            if error is None:
                self.status = 200
            elif isinstance(error, Exception):
                self.status = _status_of(error)
        try:
            self._hooks.end(self._state, self, error)
        finally:
            if self._has_steps:
                running.reset(self._token)


class SeenExchange(Exchange):
    """An exchange that is told to an observer: entered before the request is sent, left when its answer is there."""

    __slots__ = ("_hooks", "_state")

    def __init__(self, hooks: Hooks, what: _What, attempt: int, request: httpx.Request) -> None:
        # Not super().__init__: it is one call more for each exchange.
        self._hooks = hooks
        self.purpose, self.namespace, self.operation, self._template, self._show = what
        self.attempt = attempt
        self._request = request
        self.method = request.method
        self.status = self._received = self._answer = None

    def __enter__(self) -> Self:
        self._state = self._hooks.begin(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hooks.end(self._state, self, error)

    def answered(self, answer: httpx.Response) -> httpx.Response:
        """Take an answer, whose body is read, and return it."""
        self.status = answer.status_code
        self._answer = answer
        return answer

    def received(self, size: int) -> None:
        """Take note of bytes of a body that is passed on."""
        self._received = (self._received or 0) + size


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
        self._hooks = observer.hooks("exchange")
        self._show = partial(shown_url, redactor=redactor)
        self._base = plan.base.text.rstrip("/")
        self._calls: dict[str, _What] = {}

    async def asking(self, request: httpx.Request, sending: Awaitable[httpx.Response]) -> httpx.Response:
        """Tell of a request that a credential makes."""
        what: _What = ("credential", self._namespace, self._namespace, "", self._show)
        with SeenExchange(self._hooks, what, 1, request) as seen:
            return seen.answered(await sending)

    def calling(self, operation: str, path: str, attempt: int, request: httpx.Request) -> SeenExchange:
        """Return the exchange that a call of an operation is, whose path is as the file has it."""
        what = self._calls.get(operation)
        if what is None:
            template = f"{self._base}/{path.lstrip('/')}"
            what = self._calls[operation] = ("call", self._namespace, operation, template, self._show)
        return SeenExchange(self._hooks, what, attempt, request)

    async def again(
        self, outgoing: Outgoing, request: httpx.Request, sending: Awaitable[httpx.Response]
    ) -> httpx.Response:
        """Tell of a call that is drafted, and may be sent several times."""
        with self.calling(outgoing.operation, outgoing.template, outgoing.attempts, request) as seen:
            return seen.answered(await sending)

    async def forwarding(
        self, outgoing: Outgoing, request: httpx.Request, send: Callable[[], Awaitable[httpx.Response]]
    ) -> httpx.Response:
        """Tell of what is forwarded; the exchange ends with the answer's body."""
        what: _What = ("forward", self._namespace, outgoing.operation, self._plan.base.text, self._show)
        return await self._until_end(SeenExchange(self._hooks, what, outgoing.attempts, request), send)

    async def streaming(
        self, outgoing: Outgoing, request: httpx.Request, send: Callable[[], Awaitable[httpx.Response]]
    ) -> httpx.Response:
        """Tell of a call whose answer is a stream; the exchange ends with the stream."""
        seen = self.calling(outgoing.operation, outgoing.template, outgoing.attempts, request)
        return await self._until_end(seen, send)

    async def _until_end(self, seen: SeenExchange, send: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
        begin, end = self._hooks
        state = begin(seen)
        try:
            response = await send()
        except BaseException as error:
            end(state, seen, error)
            raise
        if isinstance(response, Whole):
            seen.answered(response)
            end(state, seen, None)
            return response
        seen.status = response.status_code
        return httpx.Response(
            response.status_code,
            headers=response.headers,
            stream=_WatchedBody(response, seen, partial(end, state, seen)),
            request=response.request,
            extensions=response.extensions,
        )


class _WatchedBody(httpx.AsyncByteStream):
    """A body that is counted while it is passed on."""

    def __init__(
        self, response: httpx.Response, seen: SeenExchange, end: Callable[[BaseException | None], None]
    ) -> None:
        self._response = response
        self._seen = seen
        self._end: Callable[[BaseException | None], None] | None = end

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self._seen.received(0)
        try:
            async for piece in self._response.aiter_raw():
                self._seen.received(len(piece))
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
