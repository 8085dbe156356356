"""What a call does when its API is slow, busy or away (SEMANTICS 4.9): policies of an API, a resource, an operation.

The words are those of Resilience4j. What isn't said has the value of ``naftiko.plan.resilience``.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from naftiko.document.model.base import Model, Seconds


class PolicyModel(Model):
    """A policy.

    Attributes:
        enabled: ``false`` takes away what a wider level says.
    """

    enabled: bool = True


class TimeLimiter(PolicyModel):
    """How long a call may take, all of its attempts and waits together."""

    key_spellings: ClassVar = {"timeout": "timeoutduration"}

    timeout: Seconds = None


class RetryBudget(Model):
    """How many of an API's requests may be retries, against storms of them."""

    key_spellings: ClassVar = {"percent": "ratio share", "minimum": "min minretries"}

    percent: float | None = None
    minimum: int | None = None
    window: Seconds = None


class Retry(PolicyModel):
    """Whether a call is sent again, and when.

    Attributes:
        wait_duration: before the second attempt.
        multiplier: of each wait to the one before, where ``backoff`` is ``exponential``.
        jitter: by how much of itself a wait is shorter or longer, by chance.
        statuses: what is sent again: ``503``, ``5xx`` or ``500-599``.
        retry_on_result_predicate: the same as a condition, such as ``statusCode >= 500``.
        idempotency_key: the header that lets an API recognise a call that is sent again; ``true``: `Idempotency-Key`.
        idempotent: whether sending it twice is as good as once, whatever its method says.
    """

    key_spellings: ClassVar = {
        "maxAttempts": "attempts",
        "waitDuration": "wait delay",
        "maxWaitDuration": "maxwait maxinterval",
        "multiplier": "exponentialbackoffmultiplier",
        "jitter": "randomizedwaitfactor",
        "statuses": "retrystatuses retryablestatuses statuscodes",
        "retryOnResultPredicate": "retryonresult",
        "idempotencyKey": "idempotencyheader",
    }

    max_attempts: int | None = None
    wait_duration: Seconds = None
    backoff: Literal["fixed", "exponential"] | None = None
    multiplier: float | None = None
    max_wait_duration: Seconds = None
    jitter: float | None = None
    statuses: tuple[str, ...] = ()
    retry_on_result_predicate: str | None = None
    idempotency_key: str | None = None
    idempotent: bool | None = None
    budget: RetryBudget | None = None


class CircuitBreaker(PolicyModel):
    """When an operation that fails is left alone, and how it is tried again.

    Attributes:
        sliding_window_size: the last calls that count, or, as a duration, the calls of so long.
        failure_rate_threshold: the percentage of failures that opens it.
    """

    key_spellings: ClassVar = {
        "slidingWindowSize": "windowsize window",
        "failureRateThreshold": "failurerate",
        "waitDurationInOpenState": "waitduration",
        "permittedCallsInHalfOpenState": "permittednumberofcallsinhalfopenstate",
        "minimumNumberOfCalls": "minimumcalls",
    }

    sliding_window_type: str | None = None
    sliding_window_size: str | None = None
    minimum_number_of_calls: int | None = None
    failure_rate_threshold: float | None = None
    wait_duration_in_open_state: Seconds = None
    permitted_calls_in_half_open_state: int | None = None


class Bulkhead(PolicyModel):
    """How many calls may be under way at once, and how long others wait for a place."""

    key_spellings: ClassVar = {"maxConcurrentCalls": "maxconcurrent", "maxQueuedCalls": "maxqueue queuecapacity"}

    max_concurrent_calls: int | None = None
    max_wait_duration: Seconds = None
    max_queued_calls: int | None = None


class RateLimiter(PolicyModel):
    """How many calls there may be in a period, and how long others wait for the next one."""

    limit_for_period: int | None = None
    limit_refresh_period: Seconds = None
    timeout_duration: Seconds = None


class Fallback(PolicyModel):
    """What is answered in place of a failure: another operation's answer, or a constant.

    Attributes:
        call: ``namespace.operation``.
        with_: its arguments; those that it doesn't name are the failed call's of the same name.
        value: the constant document.
        status: of the constant.
    """

    call: str | None = None
    with_: dict[str, Any] = Field(default_factory=dict)
    value: Any = None
    status: int | None = None


class Cache(PolicyModel):
    """How long answers are kept (SEMANTICS 4.10).

    Attributes:
        ttl: for how long an answer is good; where nothing is said, the answer says it.
        max_bytes: of all that is kept, such as ``64MiB``.
        key: the arguments that an answer depends on, where not all of them matter.
    """

    key_spellings: ClassVar = {"ttl": "timetolive", "maxBytes": "maxsize"}

    ttl: Seconds = None
    max_bytes: str | None = None
    key: tuple[str, ...] = ()
    stale_if_error: Seconds = None
    stale_while_revalidate: Seconds = None


class Resilience(Model):
    """The policies of one level; a narrower level's policy takes the place of a wider one's."""

    key_spellings: ClassVar = {
        "timeLimiter": "timeout timelimit",
        "retry": "retries",
        "circuitBreaker": "breaker",
        "rateLimiter": "ratelimit",
    }

    time_limiter: TimeLimiter | None = None
    retry: Retry | None = None
    circuit_breaker: CircuitBreaker | None = None
    bulkhead: Bulkhead | None = None
    rate_limiter: RateLimiter | None = None
    fallback: Fallback | None = None
    cache: Cache | None = None
