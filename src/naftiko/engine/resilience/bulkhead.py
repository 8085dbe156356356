"""Have no more calls under way than an API, or this process, can bear (SEMANTICS 4.9)."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable

import httpx

from naftiko.engine.resilience.acting import Acting
from naftiko.engine.sending import Outgoing, Send
from naftiko.ground.durations import written
from naftiko.ground.errors import BulkheadFull
from naftiko.plan.resilience import Bulkhead


class Berths:
    """The places of a bulkhead, given to those who wait in the order in which they came.

    Attributes:
        in_use: how many are taken.
    """

    def __init__(self, plan: Bulkhead) -> None:
        self.plan = plan
        self.in_use = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def waiting(self) -> int:
        """How many wait for one."""
        return len(self._waiting)

    def take(self) -> bool:
        """Take a place at once; return whether there was one."""
        if self.in_use >= self.plan.calls or self._waiting:
            return False
        self.in_use += 1
        return True

    async def wait(self, until: float) -> bool:
        """Wait for a place; return whether there was one in time."""
        if len(self._waiting) >= self.plan.queue:
            return False
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            async with asyncio.timeout_at(until):
                await waiter
        except TimeoutError:
            return self._has_left(waiter)
        except BaseException:
            if self._has_left(waiter):
                self.give_back()
            raise
        return True

    def _has_left(self, waiter: asyncio.Future[None]) -> bool:
        """Leave the queue; return whether there was a place in the very moment."""
        if waiter.done() and not waiter.cancelled():
            return True
        with contextlib.suppress(ValueError):  # whoever gave a place back has passed it over
            self._waiting.remove(waiter)
        return False

    def give_back(self) -> None:
        """Give a place back, to the next who waits."""
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
        self.in_use -= 1


class Bulkheading:
    """Waits for a place, or refuses; it is held until the answer is there, of what is forwarded with its body."""

    def __init__(self, send: Send, plan: Bulkhead, acting: Acting) -> None:
        self._send = send
        self._plan = plan
        self._acting = acting
        self._cell = acting.states.cell(plan, lambda: Berths(plan))

    async def __call__(self, outgoing: Outgoing) -> httpx.Response:
        """Send a request.

        Raises:
            BulkheadFull: nothing was sent.
        """
        berths = self._cell.state
        if not berths.take():
            await self._wait(berths, outgoing)
        try:
            if outgoing.may_go is not None:
                outgoing.may_go()
            response = await self._send(outgoing)
        except BaseException:
            berths.give_back()
            raise
        if self._acting.comes_in_pieces:
            return _held(response, berths.give_back)
        berths.give_back()
        return response

    async def _wait(self, berths: Berths, outgoing: Outgoing) -> None:
        plan = self._plan
        until = asyncio.get_running_loop().time() + plan.wait
        if outgoing.deadline is not None:
            until = min(until, outgoing.deadline)
        if plan.wait:
            self._acting.tell("bulkhead", "waited", outgoing, f"{plan.calls} calls are under way")
        if not plan.wait or not await berths.wait(until):
            waited = f", and none ended in {written(plan.wait)}" if plan.wait else ""
            said = f"{plan.calls} calls of `{self._acting.operation}` are under way, which is the most{waited}"
            self._acting.tell("bulkhead", "rejected", outgoing, said)
            raise BulkheadFull(said)


def _held(response: httpx.Response, give_back: Callable[[], None]) -> httpx.Response:
    """Return an answer whose body, when it is through or left, gives the place back."""
    return httpx.Response(
        response.status_code,
        headers=response.headers,
        stream=_Held(response, give_back),
        request=response.request,
        extensions=response.extensions,
    )


class _Held(httpx.AsyncByteStream):
    def __init__(self, response: httpx.Response, give_back: Callable[[], None]) -> None:
        self._response = response
        self._give_back: Callable[[], None] | None = give_back

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._response.aiter_raw():
            yield piece

    async def aclose(self) -> None:
        give_back, self._give_back = self._give_back, None
        if give_back is not None:
            give_back()
        await self._response.aclose()
