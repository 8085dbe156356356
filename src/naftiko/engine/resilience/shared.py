"""Policies whose memory other processes share (docs/shared-state.md): permits of calls, and hints of open circuits."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

import httpx

from naftiko.engine.resilience.acting import Acting
from naftiko.engine.resilience.breaker import CLOSED, OPEN, Breaking, Circuit
from naftiko.engine.resilience.rate import Permits, RateLimiting
from naftiko.engine.sending import Outgoing, Send
from naftiko.engine.shared_state import Away, Script, SharedState
from naftiko.plan.resilience import CircuitBreaker, RateLimiter

_LOOK: Final = 1.0
"""Seconds between two looks whether other processes have opened a circuit."""
_RESERVE: Final = Script(
    """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local limit, period, patience = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local furthest = tonumber(ARGV[4])
local this, left = math.floor(now / period), limit
local known = redis.pcall('GET', KEYS[1])
if type(known) == 'string' then
  local at, rest = string.match(known, '^(%d+) (-?%d+)$')
  at, rest = tonumber(at), tonumber(rest)
  if at and at <= this then left = math.min(limit, rest + (this - at) * limit) end
end
if left < -furthest then left = -furthest end
local wait = 0
if left <= 0 then wait = (this + 1 + math.floor(-left / limit)) * period - now end
if wait > patience then return {0, string.format('%.6f', wait)} end
redis.call('SET', KEYS[1], string.format('%.0f %.0f', this, left - 1), 'PX', ARGV[5])
return {1, string.format('%.6f', wait)}
"""
)
"""The key has the number of a period, and how many permits are left of it: below 0 where later ones are taken."""
_GIVE_BACK: Final = Script(
    """
local known = redis.pcall('GET', KEYS[1])
if type(known) ~= 'string' then return 0 end
local at, rest = string.match(known, '^(%d+) (-?%d+)$')
if not at then return 0 end
local left = math.min(tonumber(ARGV[1]), tonumber(rest) + 1)
redis.call('SET', KEYS[1], string.format('%s %.0f', at, left), 'PX', ARGV[2])
return 1
"""
)


_HINT: Final = Script(
    """
local said = redis.pcall('GET', KEYS[1])
if type(said) ~= 'string' then return {'', 0} end
return {said, redis.call('PTTL', KEYS[1])}
"""
)
"""The key has the percentage of failures with which a circuit was opened; it lives as long as that is open."""


class SharedRateLimiting(RateLimiting):
    """Waits for a permit of all processes; while the store is away each has its own, and counts along all the time."""

    def __init__(self, send: Send, plan: RateLimiter, acting: Acting, shared: SharedState) -> None:
        super().__init__(send, plan, acting)
        self._store = shared.store
        of = plan.scope or acting.operation.partition(".")[0]
        self._name = shared.name("permits", acting.operation.partition(".")[0], of, plan.limit, plan.period)
        periods = 2 + int(plan.wait / plan.period)
        self._furthest = periods * plan.limit
        self._life = int((periods + 1) * plan.period * 1000) + 1000
        self._telling: set[asyncio.Task[None]] = set()

    async def _reserve(self, permits: Permits, now: float, patience: float) -> tuple[bool, float]:
        given = (self._plan.limit, self._plan.period, max(0.0, patience), self._furthest, self._life)
        try:
            is_mine, wait = await self._store.run(_RESERVE, [self._name], *given)
            found = int(is_mine) == 1, float(wait)
        except (Away, TypeError, ValueError):
            return await super()._reserve(permits, now, patience)
        if found[0]:
            permits.reserve(now, patience)
        return found

    def _give_back(self, permits: Permits) -> None:
        super()._give_back(permits)
        task = asyncio.create_task(self._given_back(), name="permit")
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _given_back(self) -> None:
        with contextlib.suppress(Away):
            await self._store.run(_GIVE_BACK, [self._name], self._plan.limit, self._life)


class SharedBreaking(Breaking):
    """Tells other processes that a circuit is open, and hears it of them within a second; no call waits for that."""

    def __init__(self, send: Send, plan: CircuitBreaker, acting: Acting, shared: SharedState) -> None:
        super().__init__(send, plan, acting)
        self._store = shared.store
        self._name = shared.name("circuit", acting.operation, plan.scope)
        self._looks_at = 0.0
        self._looking: asyncio.Task[None] | None = None

    async def __call__(self, outgoing: Outgoing) -> httpx.Response:
        """Send a request; see ``Breaking``."""
        now = asyncio.get_running_loop().time()
        if now >= self._looks_at and self._cell.state.state == CLOSED:
            self._looks_at = now + _LOOK
            self._looking = asyncio.create_task(self._look(outgoing), name="circuit")
        return await super().__call__(outgoing)

    async def _look(self, outgoing: Outgoing) -> None:
        try:
            said, left = await self._store.run(_HINT, [self._name])
            percent, seconds = min(100.0, max(0.0, float(said))), float(left) / 1000
        except (Away, TypeError, ValueError):  # most often nobody says anything
            return
        circuit = self._cell.state
        if circuit.hear(asyncio.get_running_loop().time(), seconds, percent):
            super()._tell(circuit, outgoing)

    def _tell(self, circuit: Circuit, outgoing: Outgoing) -> None:
        super()._tell(circuit, outgoing)
        if circuit.state == OPEN:
            life = max(1, int(circuit.plan.wait * 1000))
            self._store.tell("SET", self._name, f"{circuit.percent:.1f}", "PX", life)
        elif circuit.state == CLOSED:
            self._store.tell("DEL", self._name)
