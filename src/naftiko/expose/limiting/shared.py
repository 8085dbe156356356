"""What callers have taken of their limits, counted for all processes that share a store.

The store's clock is the only one. While it is away each process counts for itself, and goes on from what it has let
through; it counts along all the time.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

from naftiko.engine.shared_state import Away, Script, SharedState
from naftiko.expose.limiting.store import MOST_KEYS, LocalStore, Taken
from naftiko.plan.limits import CallerLimits

LEASE: Final = 30.0
"""Seconds after which the calls of a process that has died are no longer counted."""
_RENEWED: Final = 10.0
"""Seconds after which calls that are under way still are counted on."""
_MICRO: Final = 1_000_000
_DIGEST: Final = 16

_TAKE: Final = Script(
    """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, room = tonumber(ARGV[1]), tonumber(ARGV[2])
local known = redis.pcall('GET', KEYS[1])
local full = type(known) == 'string' and tonumber(known) or now
if not (full >= now) then full = now end
if full > now + room then full = now + room end
full = full + interval
local over = full - now - room
if over > 1 then return {0, string.format('%.0f', over)} end
redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000) + 1000)
return {1, string.format('%.0f', full - now)}
"""
)
"""The generic cell rate algorithm: the key has the time, in microseconds, at which a bucket is full again."""
_ENTER: Final = Script(
    """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local lease, most = tonumber(ARGV[2]), tonumber(ARGV[3])
local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'zset' and kind ~= 'none' then redis.call('DEL', KEYS[1]) end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZREMRANGEBYSCORE', KEYS[1], now + 2 * lease, '+inf')
local running = redis.call('ZCARD', KEYS[1])
if running >= most then return -1 end
redis.call('ZADD', KEYS[1], now + lease, ARGV[1])
redis.call('PEXPIRE', KEYS[1], lease)
return most - running - 1
"""
)
"""The key has a member for each call under way, whose score is the time at which it counts no more."""
_RENEW: Final = Script(
    """
local time = redis.call('TIME')
local until_then = time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[1])
for at = 2, #ARGV do redis.call('ZADD', KEYS[1], until_then, ARGV[at]) end
return redis.call('PEXPIRE', KEYS[1], ARGV[1])
"""
)


class SharedLimits:
    """The counts of one limit in a store.

    Args:
        shared: the part of a capability.
        plan: the limit.
        adapter: whose it is.
        clock: seconds that never go back, of this process: for what it remembers itself.
    """

    def __init__(
        self, shared: SharedState, plan: CallerLimits, adapter: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = shared.store
        self._clock = clock
        self._local = LocalStore(clock=clock)
        self._prefix = f"{shared.prefix}:limit:"
        which = (adapter, plan.scope, plan.by, plan.name, plan.requests, plan.seconds, plan.burst, plan.in_flight)
        self._salt = shared.name("limit", *which)[-2 * _DIGEST :].encode()
        self._refused: OrderedDict[bytes, float] = OrderedDict()
        self._held: dict[bytes, list[str]] = {}
        self._renewing: asyncio.Task[None] | None = None

    def _name(self, key: bytes, kind: str) -> str:
        return f"{self._prefix}{kind}:{hashlib.blake2b(key, key=self._salt, digest_size=_DIGEST).hexdigest()}"

    async def take(self, key: bytes, limits: CallerLimits) -> Taken:
        """See ``LimitStore.take``."""
        left = self._refused_for(key)
        if left > 0:  # nobody can be let through before then, so the store need not be asked
            return Taken(allowed=False, remaining=0, seconds=left)
        interval = limits.interval * _MICRO
        room = limits.burst * interval
        try:
            said = await self._store.run(_TAKE, [self._name(key, "requests")], interval, room)
            is_allowed, micros = _numbers(said)
        except Away:
            return await self._local.take(key, limits)
        if not is_allowed:
            self._refuse(key, micros / _MICRO)
            return Taken(allowed=False, remaining=0, seconds=micros / _MICRO)
        await self._local.take(key, limits)
        return Taken(allowed=True, remaining=max(0, int((room - micros + 1) / interval)), seconds=micros / _MICRO)

    def _refused_for(self, key: bytes) -> float:
        until = self._refused.get(key)
        if until is None:
            return 0.0
        left = until - self._clock()
        if left <= 0:
            del self._refused[key]
        return left

    def _refuse(self, key: bytes, seconds: float) -> None:
        self._refused[key] = self._clock() + seconds
        self._refused.move_to_end(key)
        if len(self._refused) > MOST_KEYS:
            self._refused.popitem(last=False)

    async def enter(self, key: bytes, most: int) -> int:
        """See ``LimitStore.enter``."""
        here = await self._local.enter(key, most)
        if here < 0:
            return here
        name, berth = self._name(key, "calls"), secrets.token_hex(8)
        try:
            left = _number(await self._store.run(_ENTER, [name], berth, int(LEASE * 1000), most))
        except Away:
            return here
        except BaseException:  # the caller has left; the script may have run all the same
            self._local.leave(key)
            self._store.tell("ZREM", name, berth)
            raise
        if left < 0:
            self._local.leave(key)
            return -1
        self._held.setdefault(key, []).append(berth)
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.create_task(self._renew(), name="calls under way")
        return left

    def leave(self, key: bytes) -> None:
        """See ``LimitStore.leave``."""
        self._local.leave(key)
        held = self._held.get(key)
        if not held:
            return
        self._store.tell("ZREM", self._name(key, "calls"), held.pop())
        if not held:
            del self._held[key]

    async def _renew(self) -> None:
        """Say, as long as calls are under way, that they still are."""
        while True:
            await asyncio.sleep(_RENEWED)
            if not self._held:
                return
            for key, berths in [*self._held.items()]:
                try:
                    await self._store.run(_RENEW, [self._name(key, "calls")], int(LEASE * 1000), *berths)
                except Away:
                    break


def _numbers(said: Any) -> tuple[bool, float]:
    """Return what the script says.

    Raises:
        Away: it says something else: another server than Redis or Valkey answers.
    """
    try:
        is_allowed, micros = said
        return int(is_allowed) == 1, float(micros)
    except (TypeError, ValueError):
        raise Away("it counts otherwise") from None


def _number(said: Any) -> int:
    """Return a number that the script says.

    Raises:
        Away: it says something else.
    """
    if not isinstance(said, int):
        raise Away("it counts otherwise")
    return said
