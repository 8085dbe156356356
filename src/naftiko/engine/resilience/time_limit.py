"""One deadline over all that a call does; each attempt has what is left of it."""

from __future__ import annotations

import asyncio

import httpx

from naftiko.engine.resilience.acting import Acting
from naftiko.engine.sending import Outgoing, Send
from naftiko.ground.durations import written
from naftiko.ground.errors import UpstreamTimeout
from naftiko.plan.resilience import TimeLimiter


class TimeLimit:
    """Sets the deadline of a call; it never moves one that is earlier."""

    def __init__(self, send: Send, plan: TimeLimiter) -> None:
        self._send = send
        self._seconds = plan.seconds

    async def __call__(self, outgoing: Outgoing) -> httpx.Response:
        """Send a request."""
        at = asyncio.get_running_loop().time() + self._seconds
        if outgoing.deadline is None or at < outgoing.deadline:
            outgoing.deadline = at
        return await self._send(outgoing)


class Attempt:
    """Ends an attempt when the time of its call is over.

    Of what is forwarded that is the time until the answer's head: its body may take as long as it is read.
    """

    def __init__(self, send: Send, acting: Acting, seconds: float) -> None:
        self._send = send
        self._acting = acting
        self._seconds = seconds

    async def __call__(self, outgoing: Outgoing) -> httpx.Response:
        """Send a request.

        Raises:
            UpstreamTimeout: its time is over, among others.
        """
        at = outgoing.deadline
        if at is not None and at <= asyncio.get_running_loop().time():
            raise self._over(outgoing)  # a timer would let the request go first
        try:
            async with asyncio.timeout_at(at):
                return await self._send(outgoing)
        except TimeoutError:
            raise self._over(outgoing) from None

    def _over(self, outgoing: Outgoing) -> UpstreamTimeout:
        self._acting.tell("timeLimiter", "timed-out", outgoing)
        return UpstreamTimeout(f"the call took longer than {written(self._seconds)}, which is all the time that it has")
