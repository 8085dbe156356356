"""Leave an operation alone that fails too often, and try it again after a while (SEMANTICS 4.9)."""

from __future__ import annotations

import asyncio
import logging
import math
from collections import deque
from functools import partial
from typing import Final, Literal, TypeAlias

import httpx

from naftiko.engine.resilience.acting import Acting
from naftiko.engine.sending import Outgoing, Send
from naftiko.engine.transport import AnswerTooLarge
from naftiko.ground.durations import written
from naftiko.ground.errors import CircuitOpen, UpstreamBroken, UpstreamTimeout, UpstreamUnreachable
from naftiko.plan.resilience import CircuitBreaker

_log = logging.getLogger(__name__)
_SERVER_ERROR: Final = 500
CLOSED: Final = "closed"
OPEN: Final = "open"
HALF_OPEN: Final = "half-open"
State: TypeAlias = Literal["closed", "open", "half-open"]


class Window:
    """What came of the last calls: so many of them, or those of the last seconds.

    Attributes:
        calls: that are in it.
        failures: among them.
    """

    def __init__(self, plan: CircuitBreaker) -> None:
        self._size = plan.size
        self._seconds = plan.seconds
        self._last: deque[bool] = deque()
        self._parts: deque[list[int]] = deque()  # second, calls, failures
        self.calls = 0
        self.failures = 0

    def add(self, now: float, *, failed: bool) -> None:
        """Add a call."""
        self.calls += 1
        self.failures += failed
        if self._size:
            self._last.append(failed)
            if len(self._last) > self._size:
                self.calls -= 1
                self.failures -= self._last.popleft()
            return
        second = int(now)
        if not self._parts or self._parts[-1][0] != second:
            self._parts.append([second, 0, 0])
        self._parts[-1][1] += 1
        self._parts[-1][2] += failed
        while self._parts[0][0] <= second - self._seconds:
            _, calls, failures = self._parts.popleft()
            self.calls -= calls
            self.failures -= failures

    @property
    def percent(self) -> float:
        """The part of failures among the calls."""
        return 100 * self.failures / self.calls if self.calls else 0.0


class Circuit:
    """What a breaker remembers.

    Attributes:
        operation: that it is for.
        state: ``closed`` lets calls through, ``open`` none, ``half-open`` a few to try.
        until: the loop's time until which it is open.
        percent: of failures when it opened.
        turn: how often the state has changed: what began before counts no more.
    """

    def __init__(self, plan: CircuitBreaker, operation: str) -> None:
        self.plan = plan
        self.operation = operation
        self.state: State = CLOSED
        self.until = 0.0
        self.percent = 0.0
        self.turn = 0
        self.window = Window(plan)
        self._trying = 0

    def admit(self, now: float) -> int:
        """Let a call through; return the turn that it belongs to.

        Raises:
            CircuitOpen: it is left alone.
        """
        if self.state == OPEN and now >= self.until:
            self._become(HALF_OPEN)
        if self.state == OPEN:
            raise self._refusal(self.until - now)
        if self.state == HALF_OPEN:
            if self._trying >= self.plan.trials:
                raise self._refusal(1.0)
            self._trying += 1
        return self.turn

    def check(self, turn: int, now: float) -> None:
        """Tell whether a call that was let through may still be made.

        Raises:
            CircuitOpen: it may not: the circuit has opened since, and isn't closed again.
        """
        if turn != self.turn and self.state != CLOSED:
            raise self._refusal(max(1.0, self.until - now))

    def done(self, turn: int, now: float, *, failed: bool | None) -> bool:
        """Take note of what came of a call; ``None``: nothing that says anything of the API.

        Returns:
            whether the state has changed.
        """
        if turn != self.turn:
            return False
        if failed is None:
            self._trying -= self.state == HALF_OPEN
            return False
        self.window.add(now, failed=failed)
        window = self.window
        if self.state == CLOSED:
            is_enough = window.calls >= self.plan.least
            return is_enough and window.percent >= self.plan.percent and self._open(now)
        if window.calls < self.plan.trials:
            return False
        return self._open(now) if window.percent >= self.plan.percent else self._become(CLOSED)

    def hear(self, now: float, seconds: float, percent: float) -> bool:
        """Take note that another process has opened it; return whether that is news.

        Args:
            now: the loop's time.
            seconds: for which it is still open there.
            percent: of failures that it saw.
        """
        if self.state != CLOSED or seconds <= 0:
            return False
        self.percent = percent
        self.until = now + min(seconds, self.plan.wait)
        return self._become(OPEN)

    def _open(self, now: float) -> bool:
        self.percent = self.window.percent
        self.until = now + self.plan.wait
        return self._become(OPEN)

    def _become(self, state: State) -> bool:
        self.state = state
        self.turn += 1
        self._trying = 0
        self.window = Window(self.plan)
        return True

    def _refusal(self, seconds: float) -> CircuitOpen:
        why = f"{self.percent:.0f} % of its last calls failed"
        then = f"it is tried again in {written(math.ceil(seconds))}"
        if self.state == HALF_OPEN:
            then = "it is being tried whether it works again"
        return CircuitOpen(f"`{self.operation}` is not called: {why}, and {then}", retry_after=max(1.0, seconds))


class Breaking:
    """Counts what comes of calls, and refuses them while the circuit is open."""

    def __init__(self, send: Send, plan: CircuitBreaker, acting: Acting) -> None:
        self._send = send
        self._acting = acting
        self._cell = acting.states.cell(plan, lambda: Circuit(plan, acting.operation))

    async def __call__(self, outgoing: Outgoing) -> httpx.Response:
        """Send a request.

        Raises:
            CircuitOpen: nothing was sent.
        """
        clock = asyncio.get_running_loop().time
        circuit = self._cell.state
        before = circuit.state
        try:
            turn = circuit.admit(clock())
        except CircuitOpen as refusal:
            self._rejected(refusal, outgoing)
            raise
        if circuit.state != before:
            self._tell(circuit, outgoing)
        outgoing.may_go = partial(self._ask_again, circuit, turn, outgoing)
        failed: bool | None = None
        try:
            response = await self._send(outgoing)
            failed = response.status_code >= _SERVER_ERROR
        except (UpstreamTimeout, UpstreamUnreachable, UpstreamBroken) as error:
            failed = None if isinstance(error, AnswerTooLarge) else True
            raise
        finally:
            if circuit.done(turn, clock(), failed=failed):
                self._tell(circuit, outgoing)
        return response

    def _ask_again(self, circuit: Circuit, turn: int, outgoing: Outgoing) -> None:
        """Let a call go that was let through before and has waited since: meanwhile the circuit may have opened.

        Raises:
            CircuitOpen: it has.
        """
        try:
            circuit.check(turn, asyncio.get_running_loop().time())
        except CircuitOpen as refusal:
            self._rejected(refusal, outgoing)
            raise

    def _rejected(self, refusal: CircuitOpen, outgoing: Outgoing) -> None:
        refusal.operation = self._acting.operation
        self._acting.tell("circuitBreaker", "rejected", outgoing, refusal.detail)

    def _tell(self, circuit: Circuit, outgoing: Outgoing) -> None:
        said = {
            OPEN: f"{circuit.percent:.0f} % of its calls failed: it is left alone for {written(circuit.plan.wait)}",
            HALF_OPEN: f"{circuit.plan.trials} calls try whether it works again",
            CLOSED: "it works again",
        }[circuit.state]
        self._acting.tell("circuitBreaker", circuit.state, outgoing, said)
        level = logging.WARNING if circuit.state == OPEN else logging.INFO
        _log.log(level, "the circuit of `%s` is %s: %s", self._acting.operation, circuit.state, said)
