"""Compile the policies of an operation: operation, resource, API, the operator's defaults; the narrowest says each.

A policy that makes no sense is told where it stands, and left out; the operation works without it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from pydantic.alias_generators import to_snake

from naftiko.document import model as models
from naftiko.document.findings import Findings
from naftiko.document.given import model_of
from naftiko.document.model import Resilience as Declared
from naftiko.document.suggest import did_you_mean, listed
from naftiko.ground.durations import seconds_of, written
from naftiko.ground.http import IDEMPOTENT_METHODS, READING, is_token
from naftiko.ground.sizes import size_in_bytes
from naftiko.plan import resilience as plan
from naftiko.plan.operation import FORBIDDEN_HEADERS, Operation
from naftiko.plan.resilience import Level, Resilience

_FIRST_STATUS: Final = 100
_LAST_STATUS: Final = 599
_ALL_STATUSES: Final = range(_FIRST_STATUS, _LAST_STATUS + 1)
_MOST: Final = 100.0
_OTHERS_HEADERS: Final = FORBIDDEN_HEADERS | {"accept", "authorization", "content-type", "cookie", "expect"}
_LONGEST_WINDOW: Final = 3600
_STATUS: Final = re.compile(r"\s*(?:([1-5])xx|(\d{3})(?:\s*-\s*(\d{3}))?)\s*", re.IGNORECASE)
_CONDITION: Final = re.compile(r"\s*(?:status_?code|status)\s*(>=|<=|==|!=|>|<)\s*(\d{3})\s*", re.IGNORECASE)
_COMPARED: Final[dict[str, Callable[[int, int], bool]]] = {
    ">=": lambda one, other: one >= other,
    "<=": lambda one, other: one <= other,
    "==": lambda one, other: one == other,
    "!=": lambda one, other: one != other,
    ">": lambda one, other: one > other,
    "<": lambda one, other: one < other,
}
_WINDOW_WORDS: Final = {"countbased": "count", "count": "count", "timebased": "time", "time": "time"}


@dataclass(frozen=True, slots=True)
class ScopeOf:
    """What policies are compiled for.

    Attributes:
        key: the operation, or ``""``: what is forwarded to the API.
        resource: the path of its resource.
        method: of the operation.
        raw_format: of its answers.
        arguments: of the operation.
    """

    key: str = ""
    resource: str = ""
    method: str = ""
    raw_format: str = "json"
    arguments: frozenset[str] = frozenset()


Levels: TypeAlias = "Sequence[tuple[Level, Declared | None]]"
"""What each level declares, the narrowest first."""


class _Nonsense(Exception):  # it is told where it stands
    """A value that makes no sense: its key, what is wrong, and what to do."""

    def __init__(self, key: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.key = key
        self.hint = hint


def link_resilience(levels: Levels, scope: ScopeOf, findings: Findings) -> Resilience | None:
    """Compile the policies of an operation; ``None`` where there is none.

    Args:
        levels: what they are made of.
        scope: what they are for.
        findings: where nonsense is told.
    """
    made: dict[str, Any] = {}
    for name, compile_policy in _COMPILERS.items():
        found = next(((level, model) for level, model in _declared(levels, name)), None)
        if found is None or not found[1].enabled:
            continue
        level, model = found
        is_idle = name == "cache" and scope.method not in READING
        if is_idle and level == "operation":
            said = f"the answer of a {scope.method} is never stored"
            findings.at(model.node).warning("idle-policy", said, hint="take `cache` away")
        try:
            if name == "cache" and level == "operation":
                _check_key(model, scope)
            compiled = compile_policy(model, level, _scope_of(name, level, scope))
            made |= {} if is_idle else {name: compiled}
            if name == "fallback":
                _check_constant(made.pop(name), scope, made)
        except _Nonsense as wrong:
            if wrong.key in model.entries and getattr(model, to_snake(wrong.key), 0) is None:
                continue  # it is told already why it could not be read
            here = findings.at(model.at(wrong.key))
            left = "" if level == "operator" else "; it is left out"
            here.error("bad-policy", f"{_word(name)}: {wrong}{left}", hint=wrong.hint)
    if not made:
        return None
    result = Resilience(**made)
    _tell_idle(result, levels, scope, findings)
    return result


def with_policies(
    operation: Operation, levels: Levels, resource: str, fallbacks: dict[str, models.Fallback], findings: Findings
) -> Operation:
    """Return an operation with its policies.

    Args:
        operation: the operation.
        levels: what they are made of.
        resource: the path of its resource.
        fallbacks: gets what stands in for it, by its key; that is linked once every operation is known.
        findings: where nonsense is told.
    """
    given = frozenset(slot.name for slot in operation.slots)
    scope = ScopeOf(operation.key, resource, operation.method, operation.raw_format, given)
    made = link_resilience(levels, scope, findings)
    if made is None:
        return operation
    if made.cache is not None and made.cache.key:
        made = replace(made, cache=replace(made.cache, ignored=_ignored(operation, made.cache.key)))
    if made.fallback is not None:
        fallbacks.setdefault(operation.key, next(model for _, model in _declared(levels, "fallback")))
    fuller = operation.fuller
    return replace(operation, resilience=made, fuller=None if fuller is None else replace(fuller, resilience=made))


def _ignored(operation: Operation, key: Sequence[str]) -> frozenset[str]:
    """Return the parameters that don't tell one stored answer from another; what tells pages apart always does."""
    pager = operation.pager
    if pager is not None and not pager.param:  # a link says which page, in whatever parameters it likes
        return frozenset()
    told = {*key, *(() if pager is None else (pager.param, pager.limit_param))}
    return frozenset(slot.name.lower() for slot in operation.slots if slot.name not in told)


def _declared(levels: Levels, name: str) -> Iterator[tuple[Level, Any]]:
    for level, declared in levels:
        model = None if declared is None else getattr(declared, name)
        if model is not None:
            yield level, model


def _word(name: str) -> str:
    policy: type[plan.Policy] = getattr(plan, name.title().replace("_", ""))
    return f"`{policy.word}`"


def _scope_of(name: str, level: Level, scope: ScopeOf) -> str:
    """Return who shares what a policy counts: who is below where it is declared; a breaker is each operation's own."""
    if level == "operation" or name == "circuit_breaker":
        return scope.key
    return f"resource {scope.resource}" if level == "resource" else ""


def _tell_idle(made: Resilience, levels: Levels, scope: ScopeOf, findings: Findings) -> None:
    """Tell what never acts."""
    retry, limit = made.retry, made.time_limiter
    if retry is None or retry.level == "operator":
        return
    model = next(model for _, model in _declared(levels, "retry"))
    here = findings.at(model.node)
    is_repeatable = retry.idempotent or retry.key is not None or scope.method in IDEMPOTENT_METHODS
    if retry.level == "operation" and not is_repeatable:
        here.warning(
            "idle-policy",
            f"a {scope.method} may not be sent twice: it is only sent again where no connection was made, or where the "
            "tool or function that calls it says that it is idempotent",
            hint="add `idempotencyKey: true` if the API knows that header, or `idempotent: true` if nothing is changed",
        )
    least = retry.wait * (1 - retry.jitter)
    if limit is not None and retry.attempts > 1 and least >= limit.seconds:
        here.warning(
            "idle-policy",
            f"the second attempt is {written(least)} after the first or later, and the call ends after "
            f"{written(limit.seconds)}",
            hint="shorten `waitDuration`, or lengthen the `timeout` of `timeLimiter`",
        )


def _positive(key: str, value: float | None, usual: float, *, zero: bool = False) -> float:
    if value is None:
        return usual
    if value < 0 or (value == 0 and not zero):
        raise _Nonsense(key, f"`{key}` must be more than 0")
    return value


def _count(key: str, value: int | None, usual: int, *, least: int = 1) -> int:
    if value is None:
        return usual
    if value < least:
        raise _Nonsense(key, f"`{key}` must be {least} or more, not {value}")
    return value


def _percent(key: str, value: float | None, usual: float) -> float:
    if value is None:
        return usual
    if not 0 < value <= _MOST:
        raise _Nonsense(key, f"`{key}` is a percentage: more than 0, at most 100, not {value:g}")
    return value


def _time_limiter(model: models.TimeLimiter, level: Level, scope: str) -> plan.TimeLimiter:
    if model.timeout is None:
        raise _Nonsense("timeout", "it has no `timeout`", "write `timeLimiter: {timeout: 10s}`")
    return plan.TimeLimiter(seconds=_positive("timeout", model.timeout, 0), level=level, scope=scope)


def _retry(model: models.Retry, level: Level, scope: str) -> plan.Retry:
    jitter = 0.5 if model.jitter is None else model.jitter
    if not 0 <= jitter <= 1:
        raise _Nonsense("jitter", f"`jitter` is a part of the wait: from 0 to 1, not {jitter:g}")
    factor = 1.0
    if model.backoff == "exponential" or (model.backoff is None and model.multiplier is not None):
        factor = 2.0 if model.multiplier is None else model.multiplier
    if not 1 <= factor <= _MOST:
        raise _Nonsense("multiplier", f"`multiplier` must be from 1 to 100, not {factor:g}")
    usual = plan.Budget()
    budget = model.budget or models.RetryBudget()
    return plan.Retry(
        attempts=_count("maxAttempts", model.max_attempts, 3),
        wait=_positive("waitDuration", model.wait_duration, 0.5, zero=True),
        factor=factor,
        longest=_positive("maxWaitDuration", model.max_wait_duration, 30.0),
        jitter=jitter,
        statuses=_statuses(model),
        key=_key_header(model.idempotency_key),
        idempotent=bool(model.idempotent),
        budget=plan.Budget(
            percent=_percent("percent", budget.percent, usual.percent),
            minimum=_count("minimum", budget.minimum, usual.minimum, least=0),
            seconds=_positive("window", budget.window, usual.seconds),
        ),
        level=level,
        scope=scope,
    )


def _check_constant(made: plan.Fallback, scope: ScopeOf, policies: dict[str, Any]) -> None:
    """Add a fallback whose constant is read as the answers of its operation are."""
    if not made.call and scope.raw_format != "json" and not isinstance(made.value, str):
        raise _Nonsense("value", f"the answers are {scope.raw_format}, so `value` must be text in that format")
    policies["fallback"] = made


def _key_header(said: str | None) -> str | None:
    if said is None or said.lower() == "false":
        return None
    if said.lower() == "true":
        return plan.KEY_HEADER
    if not is_token(said) or said.lower() in _OTHERS_HEADERS:
        reason = "`idempotencyKey` is no name of a header that it may have"
        raise _Nonsense("idempotencyKey", reason, "write `idempotencyKey: true`")
    return said


def _statuses(model: models.Retry) -> frozenset[int]:
    if not model.statuses and model.retry_on_result_predicate is None:
        return plan.STATUSES
    found: set[int] = set()
    for text in ",".join(model.statuses).split(",") if model.statuses else ():
        parts = _STATUS.fullmatch(text)
        first = 0 if parts is None else int(parts[1] or 0) * 100 or int(parts[2])
        last = first if parts is None else first + 99 if parts[1] else int(parts[3] or first)
        if not _FIRST_STATUS <= first <= last <= _LAST_STATUS:
            raise _Nonsense("statuses", f"`{text}` is no status", "write `503`, `5xx` or `500-599`")
        found.update(range(first, last + 1))
    if model.retry_on_result_predicate is not None:
        found.update(_fitting(model.retry_on_result_predicate))
    return frozenset(found)


def _fitting(condition: str) -> set[int]:
    """Return the statuses that fit a condition such as ``statusCode >= 500 || statusCode == 429``."""
    found: set[int] = set()
    for either in re.split(r"\|\||\bor\b", condition):
        fits = set(_ALL_STATUSES)
        for part in re.split(r"&&|\band\b", either):
            compared = _CONDITION.fullmatch(part)
            if compared is None:
                hint = 'write a condition such as "statusCode >= 500 || statusCode == 429"'
                raise _Nonsense("retryOnResultPredicate", f"`{part.strip()}` is no condition on a status", hint)
            fits = {status for status in fits if _COMPARED[compared[1]](status, int(compared[2]))}
        found |= fits
    return found


def _circuit_breaker(model: models.CircuitBreaker, level: Level, scope: str) -> plan.CircuitBreaker:
    size, seconds = _window(model)
    least = min(10, size) if size else 10
    if model.minimum_number_of_calls is not None:
        least = _count("minimumNumberOfCalls", model.minimum_number_of_calls, least)
        least = min(least, size) if size else least
    else:
        least = size or least
    return plan.CircuitBreaker(
        size=size,
        seconds=seconds,
        least=least,
        percent=_percent("failureRateThreshold", model.failure_rate_threshold, 50.0),
        wait=_positive("waitDurationInOpenState", model.wait_duration_in_open_state, 30.0),
        trials=_count("permittedCallsInHalfOpenState", model.permitted_calls_in_half_open_state, 3),
        level=level,
        scope=scope,
    )


def _window(model: models.CircuitBreaker) -> tuple[int, int]:
    """Return the window of a breaker: calls, or seconds; the other is 0."""
    kind = ""
    if model.sliding_window_type is not None:
        kind = _WINDOW_WORDS.get(model.sliding_window_type.lower().replace("_", "").replace("-", ""), "")
        if not kind:
            raise _Nonsense("slidingWindowType", "`slidingWindowType` is `count` or `time`")
    written_size = "10" if model.sliding_window_size is None else model.sliding_window_size.strip()
    is_number = written_size.isascii() and written_size.isdecimal()
    seconds = float(written_size[:9]) if is_number else seconds_of(written_size)
    if seconds is None or seconds < 1 or (kind == "count" and not is_number):
        hint = "write a number of calls such as 10, or a duration such as 30s"
        raise _Nonsense("slidingWindowSize", "`slidingWindowSize` is no number of calls, and no duration", hint)
    if is_number and kind != "time":
        return min(int(seconds), 100_000), 0
    if seconds > _LONGEST_WINDOW:
        raise _Nonsense("slidingWindowSize", "`slidingWindowSize` is longer than an hour")
    return 0, round(seconds)


def _rate_limiter(model: models.RateLimiter, level: Level, scope: str) -> plan.RateLimiter:
    return plan.RateLimiter(
        limit=_count("limitForPeriod", model.limit_for_period, 100),
        period=_positive("limitRefreshPeriod", model.limit_refresh_period, 1.0),
        wait=_positive("timeoutDuration", model.timeout_duration, 0.0, zero=True),
        level=level,
        scope=scope,
    )


def _bulkhead(model: models.Bulkhead, level: Level, scope: str) -> plan.Bulkhead:
    return plan.Bulkhead(
        calls=_count("maxConcurrentCalls", model.max_concurrent_calls, 20),
        wait=_positive("maxWaitDuration", model.max_wait_duration, 0.1, zero=True),
        queue=_count("maxQueuedCalls", model.max_queued_calls, 1000, least=0),
        level=level,
        scope=scope,
    )


def _check_key(model: models.Cache, scope: ScopeOf) -> None:
    unknown = [name for name in model.key if name not in scope.arguments]
    if unknown:
        hint = did_you_mean(unknown[0], scope.arguments) or f"known: {listed(sorted(scope.arguments))}"
        raise _Nonsense("key", f"the operation has no parameter `{unknown[0][:80]}`", hint)


def _cache(model: models.Cache, level: Level, scope: str) -> plan.Cache:
    size = plan.CACHE_BYTES if model.max_bytes is None else size_in_bytes(model.max_bytes)
    if not size:
        raise _Nonsense("maxBytes", "`maxBytes` is no number of bytes", "write a size such as 64MiB")
    times = {
        "ttl": model.ttl,
        "staleIfError": model.stale_if_error,
        "staleWhileRevalidate": model.stale_while_revalidate,
    }
    for key, value in times.items():
        if value is not None:
            _positive(key, value, 0, zero=key != "ttl")
    return plan.Cache(
        ttl=model.ttl,
        max_bytes=size,
        key=tuple(sorted(set(model.key))),
        stale_if_error=model.stale_if_error,
        stale_while_revalidate=model.stale_while_revalidate,
        level=level,
        scope=scope,
    )


def _fallback(model: models.Fallback, level: Level, scope: str) -> plan.Fallback:
    has_value = model.node is not None and "value" in model.entries
    if (model.call is None) != has_value:
        raise _Nonsense("call", "it has either `call` or `value`", "write `fallback: {call: namespace.operation}`")
    status = 200 if model.status is None else model.status
    if not _FIRST_STATUS * 2 <= status < _FIRST_STATUS * 3:
        raise _Nonsense("status", f"`status` must be one of success, 200 to 299, not {status}")
    return plan.Fallback(
        call=model.call or "", given=model.with_, value=model.value, status=status, level=level, scope=scope
    )


_COMPILERS: Final[dict[str, Callable[..., plan.Policy]]] = {
    "fallback": _fallback,
    "cache": _cache,
    "time_limiter": _time_limiter,
    "retry": _retry,
    "circuit_breaker": _circuit_breaker,
    "rate_limiter": _rate_limiter,
    "bulkhead": _bulkhead,
}


def operator_defaults(pairs: Mapping[str, str], option: str = "--resilience") -> Declared | None:
    """Return the operator's defaults; ``None`` for none.

    Args:
        pairs: values by the path of their key, such as ``retry.maxAttempts``, or by a policy that is one value.
        option: what they come from, for messages.

    Raises:
        ValueError: a key or a value makes no sense; the text says which, and what to do.
    """
    findings = Findings(option)
    try:
        made = model_of(Declared, pairs, findings)
    except ValueError as error:
        raise ValueError(f"{option} {error}") from None
    link_resilience([("operator", made)], ScopeOf(), findings)
    wrong = next(iter(findings), None)
    if wrong is not None:
        raise ValueError(f"{option}: {wrong.message}" + (f"; {wrong.hint}" if wrong.hint else ""))
    return made
