"""HTTP Digest behind which several processes, on several machines, take one another's nonces (RFC 7616, 3.3)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final

from naftiko.engine.shared_state import Away, Script, SharedState
from naftiko.expose.authentication.digest import DigestGuard
from naftiko.expose.authentication.nonces import WINDOW
from naftiko.expression.scope import Scope
from naftiko.expression.template import Value

_LIFE: Final = 600
"""Seconds: longer than a nonce is good for, by whichever clock."""
_USE: Final = Script(
    """
local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'zset' and kind ~= 'none' then redis.call('DEL', KEYS[1]) end
local count, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local last = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')
if last[2] and count <= tonumber(last[2]) - window then return 0 end
if redis.call('ZADD', KEYS[1], 'NX', count, ARGV[1]) == 0 then return 0 end
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -window - 1)
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
"""
)
"""The key has the counts of a nonce that were used, the last of them."""


class SharedDigestGuard(DigestGuard):
    """As ``DigestGuard``; each count of a nonce is taken once by all processes.

    While the store is away each machine knows only what it has taken itself.

    Args:
        secrets: the values of the authentication's keys.
        scope: where variables are.
        nonce_key: signs the nonces, the same for all.
        shared: where the counts are.
        clock: seconds since 1970: machines have no other clock in common.
    """

    def __init__(
        self,
        secrets: Mapping[str, Value],
        scope: Scope,
        *,
        nonce_key: bytes,
        shared: SharedState,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(secrets, scope, nonce_key=nonce_key, clock=clock)
        self._shared = shared

    async def _use(self, nonce: str, count: int) -> bool:
        if not await super()._use(nonce, count):
            return False
        try:
            return bool(await self._shared.store.run(_USE, [self._shared.name("nonce", nonce)], count, WINDOW, _LIFE))
        except Away:
            return True
