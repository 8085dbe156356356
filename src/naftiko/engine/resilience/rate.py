"""Make no more calls in a period than an API allows (SEMANTICS 4.9)."""

from __future__ import annotations

import asyncio

import httpx

from naftiko.engine.resilience.acting import Acting
from naftiko.engine.sending import Outgoing, Send
from naftiko.ground.durations import written
from naftiko.ground.errors import RateLimited
from naftiko.plan.resilience import RateLimiter


class Permits:
    """The calls that may be made: so many in each period, those of periods to come may be reserved."""

    def __init__(self, plan: RateLimiter) -> None:
        self._plan = plan
        self._period = -1
        self._left = plan.limit

    def reserve(self, now: float, patience: float) -> float | None:
        """Take a permit; return the seconds until it holds, ``None`` where that is longer than the patience."""
        wait = self.wait(now)
        if wait > patience:
            return None
        self._left -= 1
        return wait

    def wait(self, now: float) -> float:
        """Return the seconds until the next permit that nobody has."""
        plan = self._plan
        period = int(now / plan.period)
        if period > self._period:
            self._left = min(plan.limit, self._left + (period - self._period) * plan.limit)
            self._period = period
        if self._left > 0:
            return 0.0
        behind = 1 + -self._left // plan.limit
        return (period + behind) * plan.period - now

    def give_back(self) -> None:
        """Give a permit back that nobody used."""
        self._left = min(self._plan.limit, self._left + 1)


class RateLimiting:
    """Waits for a permit, or refuses."""

    def __init__(self, send: Send, plan: RateLimiter, acting: Acting) -> None:
        self._send = send
        self._plan = plan
        self._acting = acting
        self._cell = acting.states.cell(plan, lambda: Permits(plan))

    async def __call__(self, outgoing: Outgoing) -> httpx.Response:
        """Send a request.

        Raises:
            RateLimited: nothing was sent.
        """
        now = asyncio.get_running_loop().time()
        permits, plan = self._cell.state, self._plan
        patience = plan.wait if outgoing.deadline is None else min(plan.wait, outgoing.deadline - now)
        is_mine, wait = await self._reserve(permits, now, patience)
        if not is_mine:
            said = (
                f"`{self._acting.operation}` is called {plan.limit} times in {written(plan.period)} at most, "
                "and those are made"
            )
            self._acting.tell("rateLimiter", "rejected", outgoing, said)
            raise RateLimited(said, retry_after=wait)
        if wait > 0:
            self._acting.tell("rateLimiter", "waited", outgoing, f"waits {written(round(wait, 3))} for the next period")
            try:
                await asyncio.sleep(wait)
                if outgoing.may_go is not None:
                    outgoing.may_go()
            except BaseException:
                self._give_back(permits)
                raise
        return await self._send(outgoing)

    async def _reserve(self, permits: Permits, now: float, patience: float) -> tuple[bool, float]:
        """Return whether there is a permit, and the seconds until it holds; else those until there may be one."""
        wait = permits.reserve(now, patience)
        return (False, permits.wait(now)) if wait is None else (True, wait)

    def _give_back(self, permits: Permits) -> None:
        permits.give_back()
