"""The policies of a consumed operation, compiled: what applies, with which values, from which level (SEMANTICS 4.9).

What isn't declared has the values of the reference operator's class *standard*, where that has one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Final, Literal, TypeAlias

from naftiko.ground.durations import written

Level: TypeAlias = Literal["operation", "resource", "api", "operator"]
"""Where a policy is declared; the operator's defaults are the widest."""
KEY_HEADER: Final = "Idempotency-Key"
"""Of the IETF draft, which many APIs serve."""
NOTE_HEADER: Final = "naftiko-note"
"""The field of an answer that says what policies made of it."""
CACHE_BYTES: Final = 64 * 1024 * 1024
"""Of the answers that are kept, where a file says no other."""
STATUSES: Final = frozenset({429, 502, 503, 504})
"""Statuses that say: not now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A policy of an operation.

    Attributes:
        level: where it is declared.
        scope: what it is for: calls of the same scope share what it counts.
    """

    word: ClassVar[str] = ""
    level: Level = "api"
    scope: str = ""

    def described(self) -> dict[str, Any]:
        """Return its values under the keys of a file."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeLimiter(Policy):
    """One deadline over all that a call does."""

    word: ClassVar[str] = "timeLimiter"
    seconds: float

    def described(self) -> dict[str, Any]:
        """Return its values."""
        return {"timeout": written(self.seconds)}


@dataclass(frozen=True, slots=True)
class Budget:
    """How many of the requests to an API may be retries.

    Attributes:
        percent: of the calls.
        minimum: that may be whatever the calls are.
        seconds: that are looked back.
    """

    percent: float = 20.0
    minimum: int = 10
    seconds: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry(Policy):
    """When a call is sent again.

    Attributes:
        attempts: the most, the first one included.
        wait: seconds before the second.
        factor: of each wait to the one before.
        longest: wait, in seconds, but for what an API asks for.
        jitter: the part of a wait that chance adds or takes.
        statuses: that are sent again.
        key: the header that makes a call repeatable, or ``None``.
        idempotent: whether every call is repeatable.
        budget: of the API.
    """

    word: ClassVar[str] = "retry"
    attempts: int = 3
    wait: float = 0.5
    factor: float = 1.0
    longest: float = 30.0
    jitter: float = 0.5
    statuses: frozenset[int] = STATUSES
    key: str | None = None
    idempotent: bool = False
    budget: Budget = field(default_factory=Budget)

    def described(self) -> dict[str, Any]:
        """Return its values."""
        said: dict[str, Any] = {"maxAttempts": self.attempts, "waitDuration": written(self.wait)}
        if self.factor != 1:
            said |= {"backoff": "exponential", "multiplier": self.factor, "maxWaitDuration": written(self.longest)}
        said |= {"jitter": self.jitter, "statuses": ranges(self.statuses)}
        if self.key is not None:
            said["idempotencyKey"] = self.key
        if self.idempotent:
            said["idempotent"] = True
        budget = self.budget
        said["budget"] = {
            "percent": budget.percent,
            "minimum": budget.minimum,
            "window": written(budget.seconds),
        }
        return said


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitBreaker(Policy):
    """When an operation is left alone.

    Attributes:
        size: the last calls that count; 0 where it is a time.
        seconds: the calls of the last seconds count; 0 where it is a number.
        least: calls that are needed to say anything.
        percent: of failures that opens it.
        wait: seconds in which it is open.
        trials: calls that try whether it works again.
    """

    word: ClassVar[str] = "circuitBreaker"
    size: int = 10
    seconds: int = 0
    least: int = 10
    percent: float = 50.0
    wait: float = 30.0
    trials: int = 3

    def described(self) -> dict[str, Any]:
        """Return its values."""
        return {
            "slidingWindowSize": written(self.seconds) if self.seconds else self.size,
            "minimumNumberOfCalls": self.least,
            "failureRateThreshold": self.percent,
            "waitDurationInOpenState": written(self.wait),
            "permittedCallsInHalfOpenState": self.trials,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimiter(Policy):
    """How many calls there may be in a period.

    Attributes:
        limit: the calls.
        period: seconds.
        wait: seconds that a call waits for the next period.
    """

    word: ClassVar[str] = "rateLimiter"
    limit: int = 100
    period: float = 1.0
    wait: float = 0.0

    def described(self) -> dict[str, Any]:
        """Return its values."""
        return {
            "limitForPeriod": self.limit,
            "limitRefreshPeriod": written(self.period),
            "timeoutDuration": written(self.wait),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulkhead(Policy):
    """How many calls may be under way.

    Attributes:
        calls: at once.
        wait: seconds that others wait.
        queue: how many of them.
    """

    word: ClassVar[str] = "bulkhead"
    calls: int = 20
    wait: float = 0.1
    queue: int = 1000

    def described(self) -> dict[str, Any]:
        """Return its values."""
        return {
            "maxConcurrentCalls": self.calls,
            "maxWaitDuration": written(self.wait),
            "maxQueuedCalls": self.queue,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallback(Policy):
    """What is answered in place of a failure.

    Attributes:
        call: ``namespace.operation``, or ``""`` for a constant.
        given: the values of its arguments that the file fixes.
        value: the constant.
        status: of the constant.
    """

    word: ClassVar[str] = "fallback"
    call: str = ""
    given: Mapping[str, Any] = field(default_factory=dict)
    value: Any = None
    status: int = 200

    def described(self) -> dict[str, Any]:
        """Return its values."""
        if not self.call:
            return {"value": self.value, "status": self.status}
        return {"call": self.call, "with": dict(self.given)} if self.given else {"call": self.call}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache(Policy):
    """How long answers are kept (SEMANTICS 4.10).

    Attributes:
        ttl: seconds for which an answer is good; ``None``: as it says itself.
        max_bytes: of all that is kept.
        key: the arguments that an answer depends on; none: all of the request.
        ignored: the parameters in the query and the headers that it doesn't depend on, in lower case.
        stale_if_error: seconds beyond, in which it is given where the API fails.
        stale_while_revalidate: seconds beyond, in which it is given while the API is asked.
    """

    word: ClassVar[str] = "cache"
    ttl: float | None = None
    max_bytes: int = CACHE_BYTES
    key: tuple[str, ...] = ()
    ignored: frozenset[str] = frozenset()
    stale_if_error: float | None = None
    stale_while_revalidate: float | None = None

    def described(self) -> dict[str, Any]:
        """Return its values."""
        times = {
            "ttl": self.ttl,
            "staleIfError": self.stale_if_error,
            "staleWhileRevalidate": self.stale_while_revalidate,
        }
        said: dict[str, Any] = {key: written(value) for key, value in times.items() if value is not None}
        if self.key:
            said["key"] = [*self.key]
        return {**said, "maxBytes": self.max_bytes}


@dataclass(frozen=True, slots=True)
class Resilience:
    """The policies of one operation, or of what is forwarded to an API; ``None`` where there is none."""

    fallback: Fallback | None = None
    cache: Cache | None = None
    time_limiter: TimeLimiter | None = None
    retry: Retry | None = None
    circuit_breaker: CircuitBreaker | None = None
    rate_limiter: RateLimiter | None = None
    bulkhead: Bulkhead | None = None

    @property
    def policies(self) -> tuple[Policy, ...]:
        """Those that there are, the outermost first."""
        found = (getattr(self, each.name) for each in fields(self))
        return tuple(policy for policy in found if policy is not None)


def ranges(statuses: frozenset[int]) -> list[int | str]:
    """Return statuses as a file would list them: ``[429, "500-599"]``."""
    found: list[int | str] = []
    ordered = sorted(statuses)
    while ordered:
        first = last = ordered.pop(0)
        while ordered and ordered[0] == last + 1:
            last = ordered.pop(0)
        found.extend([f"{first}-{last}"] if last > first + 1 else range(first, last + 1))
    return found
