"""The policies that files and operators declare, each a wrapper around whatever sends requests (SEMANTICS 4.9).

From the outside in: fallback, time limiter, retry, circuit breaker, rate limiter, bulkhead, attempt. An operation
without policies is sent as it is.
"""

from __future__ import annotations

from naftiko.engine.resilience.acting import Acting, Told
from naftiko.engine.resilience.breaker import Breaking
from naftiko.engine.resilience.bulkhead import Bulkheading
from naftiko.engine.resilience.fallback import Falling
from naftiko.engine.resilience.rate import RateLimiting
from naftiko.engine.resilience.retry import Retrying
from naftiko.engine.resilience.states import States
from naftiko.engine.resilience.time_limit import Attempt, TimeLimit
from naftiko.engine.sending import Send, Target

__all__ = ["Declared", "States"]


class Declared:
    """The policy that applies what is declared; the innermost of those that there are.

    Args:
        states: of the API.
        total: seconds that a call may take where no policy says it.
        told: who watches, or ``None``.
    """

    def __init__(self, states: States, total: float, told: Told | None) -> None:
        self._states = states
        self._total = total
        self._told = told

    def __call__(self, send: Send, target: Target, /) -> Send:
        """Return what sends the requests of a target by way of its policies."""
        plan = target.resilience
        if plan is None:
            return send
        name = target.namespace if target.operation is None else target.operation.key
        acting = Acting(name, self._states, self._told, target.operation is None)
        if plan.time_limiter is not None or plan.retry is not None:
            seconds = self._total if plan.time_limiter is None else plan.time_limiter.seconds
            send = Attempt(send, acting, seconds)
        if plan.bulkhead is not None:
            send = Bulkheading(send, plan.bulkhead, acting)
        if plan.rate_limiter is not None:
            send = RateLimiting(send, plan.rate_limiter, acting)
        if plan.circuit_breaker is not None:
            send = Breaking(send, plan.circuit_breaker, acting)
        if plan.retry is not None:
            send = Retrying(send, plan.retry, acting)
        if plan.time_limiter is not None:
            send = TimeLimit(send, plan.time_limiter)
        if plan.fallback is not None:
            raw_format = "json" if target.operation is None else target.operation.raw_format
            send = Falling(send, plan.fallback, acting, raw_format)
        return send
