"""Send a call again that failed for a moment, where that does no harm and not too often (SEMANTICS 4.9)."""

from __future__ import annotations

import asyncio
import logging
import random
import uuid
from collections import deque
from http import HTTPStatus
from typing import Final

import httpx

from naftiko.engine.head import retry_after
from naftiko.engine.resilience.acting import Acting
from naftiko.engine.sending import NOTE, TRIED, Outgoing, Send
from naftiko.engine.transport import AnswerTooLarge
from naftiko.ground.durations import written
from naftiko.ground.errors import CallError, UpstreamBroken, UpstreamError, UpstreamTimeout, UpstreamUnreachable
from naftiko.ground.http import IDEMPOTENT_METHODS
from naftiko.plan.resilience import KEY_HEADER, Budget, Retry

_log = logging.getLogger(__name__)
_chance: Final = random.Random()  # noqa: S311  # nobody gains by guessing a wait
_PARTS: Final = 10
_SMALL_BODY: Final = 64 * 1024
"""Bytes of a body that is kept."""
_DIGITS: Final = 16


class RetryBudget:
    """How many retries the calls of the last seconds allow: a part of them, in tenths of the window.

    Without it, an API that is half down gets every call three times, and is wholly down.
    """

    def __init__(self, plan: Budget) -> None:
        self._plan = plan
        self._part = plan.seconds / _PARTS
        self._parts: deque[tuple[int, list[int]]] = deque()
        self._calls = 0
        self._retries = 0

    def called(self, now: float) -> None:
        """Count a call."""
        self._now(now)[0] += 1
        self._calls += 1

    def take(self, now: float) -> bool:
        """Take a retry; return whether there was one left."""
        part = self._now(now)
        if self._retries >= max(self._plan.minimum, self._calls * self._plan.percent / 100):
            return False
        part[1] += 1
        self._retries += 1
        return True

    def _now(self, now: float) -> list[int]:
        at = int(now / self._part)
        while self._parts and self._parts[0][0] <= at - _PARTS:
            calls, retries = self._parts.popleft()[1]
            self._calls -= calls
            self._retries -= retries
        if not self._parts or self._parts[-1][0] != at:
            self._parts.append((at, [0, 0]))
        return self._parts[-1][1]


class Retrying:
    """Sends a call again."""

    def __init__(self, send: Send, plan: Retry, acting: Acting) -> None:
        self._send = send
        self._plan = plan
        self._acting = acting
        self._budget = acting.states.cell(plan.budget, lambda: RetryBudget(plan.budget))
        self._has_told = False

    async def __call__(self, outgoing: Outgoing) -> httpx.Response:
        """Send a request, once or more often."""
        clock = asyncio.get_running_loop().time
        began = clock()
        if outgoing.deadline is None:
            outgoing.deadline = began + outgoing.upstream.limits.total
        is_repeatable = self._is_repeatable(outgoing)
        if is_repeatable and outgoing.draft.streamed is not None:
            await _keep(outgoing)
        self._budget.state.called(began)
        attempts = 1
        while True:
            answer: httpx.Response | UpstreamError
            try:
                answer = await self._send(outgoing)
            except UpstreamError as error:
                answer = error
            if not self._asks_for_more(answer, is_repeatable=is_repeatable):
                break
            wait = self._wait(answer, attempts)
            if not self._may(outgoing, attempts, wait, clock()):
                break
            why = _named(answer)
            self._acting.tell(
                "retry", "retried", outgoing, f"attempt {attempts}: {why}; again in {written(round(wait, 3))}"
            )
            if isinstance(answer, httpx.Response):
                await answer.aclose()
            await asyncio.sleep(wait)
            attempts += 1
        return _told(answer, attempts, clock() - began)

    def _is_repeatable(self, outgoing: Outgoing) -> bool:
        """Tell whether a call may be sent twice, and give it the key that makes it so."""
        plan, draft = self._plan, outgoing.draft
        if plan.idempotent or outgoing.is_idempotent or draft.method in IDEMPOTENT_METHODS:
            return True
        if draft.has_header(plan.key or KEY_HEADER):  # the file maps it, or a caller's is passed on
            return True
        if plan.key is None:
            return False
        draft.add_header(plan.key, str(uuid.uuid4()))
        return True

    def _asks_for_more(self, answer: httpx.Response | UpstreamError, *, is_repeatable: bool) -> bool:
        if isinstance(answer, httpx.Response):
            return is_repeatable and answer.status_code in self._plan.statuses
        if answer.is_unsent:
            return True
        may_pass = isinstance(answer, UpstreamTimeout | UpstreamUnreachable | UpstreamBroken)
        return is_repeatable and may_pass and not isinstance(answer, AnswerTooLarge)

    def _wait(self, answer: httpx.Response | UpstreamError, attempts: int) -> float:
        """Return the seconds until the next attempt: what the file says, or what the API asks for if that is longer."""
        plan = self._plan
        try:
            usual = min(plan.wait * plan.factor ** (attempts - 1), plan.longest)
        except OverflowError:
            usual = plan.longest
        usual *= 1 + plan.jitter * (2 * _chance.random() - 1)
        asked = retry_after(answer) if isinstance(answer, httpx.Response) else answer.retry_after
        return usual if asked is None else max(usual, asked)

    def _may(self, outgoing: Outgoing, attempts: int, wait: float, now: float) -> bool:
        """Tell whether there is another attempt: tries, time, a body to send, and something in the budget are left."""
        if attempts >= self._plan.attempts:
            given_up = "exhausted" if attempts > 1 else ""
        elif outgoing.deadline is not None and now + wait >= outgoing.deadline:
            given_up = "out-of-time"
        elif not outgoing.is_repeatable:
            given_up = "body-gone"
            self._tell_once()
        elif not self._budget.state.take(now):
            given_up = "over-budget"
        else:
            return True
        if given_up:
            self._acting.tell(
                "retry", given_up, outgoing, _GIVEN_UP[given_up].format(attempts, written(round(wait, 3)))
            )
        return False

    def _tell_once(self) -> None:
        if not self._has_told:
            self._has_told = True
            _log.warning(
                "a call of `%s` is not sent again: its body was passed on while it came, and is gone",
                self._acting.operation,
            )


async def _keep(outgoing: Outgoing) -> None:
    """Keep a small body that would be passed on while it comes, so that it can be sent more than once."""
    said = next((value for name, value in outgoing.draft.headers if name.lower() == "content-length"), "")
    if said.isascii() and said.isdecimal() and len(said) < _DIGITS and int(said) <= _SMALL_BODY:
        await outgoing.draft.content()


_GIVEN_UP: Final = {
    "exhausted": "all {} attempts are made",
    "out-of-time": "the next attempt would be in {1}, and the time of the call is over before",
    "body-gone": "the body of the request was passed on while it came, and is gone",
    "over-budget": "too many of the API's calls were retries already",
}


def _named(answer: httpx.Response | UpstreamError) -> str:
    """Return what came of an attempt, in words."""
    if isinstance(answer, UpstreamError):
        return answer.detail
    try:
        return f"{answer.status_code} {HTTPStatus(answer.status_code).phrase}"
    except ValueError:
        return str(answer.status_code)


def _told(answer: httpx.Response | UpstreamError, attempts: int, seconds: float) -> httpx.Response:
    """Return the last answer; of a failure after several attempts one that says so.

    Raises:
        UpstreamError: it is one.
    """
    if attempts > 1:
        tried = f"{attempts} attempts in {seconds:.1f} s"
        if isinstance(answer, CallError):
            answer.retold(f"{tried}, the last: {answer.detail}")
        elif answer.is_error:
            answer.headers[NOTE] = f"retry;attempts={attempts};seconds={seconds:.1f}"
            answer.extensions[TRIED] = tried.encode("ascii")
    if isinstance(answer, CallError):
        raise answer
    return answer
