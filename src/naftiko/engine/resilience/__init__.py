"""The policies that files and operators declare, each a wrapper around whatever sends requests (SEMANTICS 4.9).

From the outside in: fallback, cache, time limiter, retry, circuit breaker, rate limiter, bulkhead, attempt. An
operation without policies is sent as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from naftiko.engine.resilience.acting import Acting, Told
from naftiko.engine.resilience.breaker import Breaking
from naftiko.engine.resilience.bulkhead import Bulkheading
from naftiko.engine.resilience.caching import Caching, Invalidating, MemoryStore, Store
from naftiko.engine.resilience.fallback import Falling
from naftiko.engine.resilience.rate import RateLimiting
from naftiko.engine.resilience.retry import Retrying
from naftiko.engine.resilience.states import Cell, States
from naftiko.engine.resilience.time_limit import Attempt, TimeLimit
from naftiko.engine.sending import Send, Target
from naftiko.ground.http import READING, SAFE_METHODS
from naftiko.plan.operation import Operation
from naftiko.plan.resilience import Cache, CircuitBreaker, RateLimiter, Resilience

if TYPE_CHECKING:
    from naftiko.engine.shared_state import SharedState

__all__ = ["Declared", "States"]


class Declared:
    """The policy that applies what is declared; the innermost of those that there are.

    Args:
        states: of the API.
        total: seconds that a call may take where no policy says it.
        told: who watches, or ``None``.
        identity: tells whose answers the API's are; ``None``: none of them is stored.
        shared: what is shared with other processes, or ``None``.
    """

    def __init__(
        self,
        states: States,
        total: float,
        told: Told | None,
        identity: Callable[[], str] | None = None,
        shared: SharedState | None = None,
    ) -> None:
        self._shared = shared
        self._identity = identity
        self._states = states
        self._total = total
        self._told = told

    def __call__(self, send: Send, target: Target, /) -> Send:
        """Return what sends the requests of a target by way of its policies."""
        plan = target.resilience
        if plan is None:
            return self._stored(send, target)
        name = target.namespace if target.operation is None else target.operation.key
        acting = Acting(name, self._states, self._told, target.comes_in_pieces)
        send = self._stored(self._attempted(send, plan, acting), target)
        if plan.fallback is not None:
            raw_format = "json" if target.operation is None else target.operation.raw_format
            send = Falling(send, plan.fallback, acting, raw_format)
        return send

    def _stored(self, send: Send, target: Target) -> Send:
        """Return what answers from the store of an operation, or forgets what it changes."""
        if self._identity is None:
            return send
        operation, plan = target.operation, target.resilience
        if operation is None or operation.method not in SAFE_METHODS:
            return Invalidating(send, partial(self._states.of, Store))  # type: ignore[type-abstract]  # it makes none
        cache = None if plan is None else plan.cache
        if cache is None or operation.method not in READING or operation.stream is not None:
            return send
        key = ("cache", cache.scope, cache.max_bytes)
        cell: Cell[Store] = self._states.cell(key, lambda: self._store(cache))
        acting = Acting(operation.key, self._states, self._told, comes_in_pieces=False)
        return Caching(send, cache, cell, acting, _told_apart(self._identity, operation))

    def _store(self, cache: Cache) -> Store:
        if self._shared is None:
            return MemoryStore(cache.max_bytes, cache.scope)
        from naftiko.engine.resilience.caching.shared import SharedCache  # noqa: PLC0415  # only where it is shared

        return SharedCache(self._shared, cache.max_bytes)

    def _attempted(self, send: Send, plan: Resilience, acting: Acting) -> Send:
        """Return what sends requests by way of the policies that stand within the store."""
        if plan.time_limiter is not None or plan.retry is not None:
            seconds = self._total if plan.time_limiter is None else plan.time_limiter.seconds
            send = Attempt(send, acting, seconds)
        if plan.bulkhead is not None:
            send = Bulkheading(send, plan.bulkhead, acting)
        if plan.rate_limiter is not None:
            send = self._rated(send, plan.rate_limiter, acting)
        if plan.circuit_breaker is not None:
            send = self._broken(send, plan.circuit_breaker, acting)
        if plan.retry is not None:
            send = Retrying(send, plan.retry, acting)
        if plan.time_limiter is not None:
            send = TimeLimit(send, plan.time_limiter)
        return send

    def _rated(self, send: Send, plan: RateLimiter, acting: Acting) -> Send:
        if self._shared is None:
            return RateLimiting(send, plan, acting)
        from naftiko.engine.resilience.shared import SharedRateLimiting  # noqa: PLC0415  # only where it is shared

        return SharedRateLimiting(send, plan, acting, self._shared)

    def _broken(self, send: Send, plan: CircuitBreaker, acting: Acting) -> Send:
        if self._shared is None:
            return Breaking(send, plan, acting)
        from naftiko.engine.resilience.shared import SharedBreaking  # noqa: PLC0415  # only where it is shared

        return SharedBreaking(send, plan, acting, self._shared)


def _told_apart(identity: Callable[[], str], operation: Operation) -> Callable[[], str]:
    """Return what tells whose answers an operation's are; what was stored before it was redacted is another's."""
    if not operation.redact:
        return identity
    redacted = "\n".join(path.text for path in operation.redact)
    return lambda: f"{identity()}\n{redacted}"
