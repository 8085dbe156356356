"""One limit: it lets a call begin, or says when the next one may."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self
from weakref import WeakKeyDictionary

from naftiko.engine.capability import Capability
from naftiko.expose.limiting.callers import Scope, key_of
from naftiko.expose.limiting.store import LimitStore, LocalStore, Taken
from naftiko.ground.durations import written
from naftiko.ground.errors import CallerLimited
from naftiko.observe.exposition import added
from naftiko.observe.figures import FamilySnapshot, MetricsSnapshot
from naftiko.plan.limits import IN_FLIGHT, REQUESTS, CallerLimits
from naftiko.plan.unit import AdapterPlan, UnitPlan

_PERIODS: Final = {1.0: "a second", 60.0: "a minute", 3600.0: "an hour", 86_400.0: "a day"}
_LIMITED: Final = "@limited_total"
_WAIT: Final = 1.0
"""Seconds after which a caller whose calls are all under way may try again: nobody knows when one ends."""


class Limiter:
    """Counts the calls of callers to whatever shares one declaration.

    Args:
        plan: the limits.
        adapter: the adapter's namespace or kind, for figures.
        store: what counts.

    Attributes:
        refused: calls that were refused, by ``requests`` or ``inFlight``.
    """

    def __init__(self, plan: CallerLimits, adapter: str, store: LimitStore | None = None) -> None:
        self.plan = plan
        self.adapter = adapter
        self.store: LimitStore = store or LocalStore()
        self.refused: Counter[str] = Counter()
        self._key = key_of(plan)
        self._policy = ", ".join(_policies(plan))

    def calling(self, scope: Scope) -> Call:
        """Return a call, which begins where it is entered.

        Args:
            scope: of the request; empty where the client is the only one.
        """
        return Call(self, self._key(scope))

    def fields(self, call: Call) -> list[tuple[bytes, bytes]]:
        """Return the fields that tell a caller what is left (draft-ietf-httpapi-ratelimit-headers-11)."""
        return [(b"ratelimit-policy", self._policy.encode()), (b"ratelimit", ", ".join(_left(call)).encode())]

    def limited(self, call: Call, which: str) -> CallerLimited:
        """Return the refusal of a call."""
        self.refused[which] += 1
        plan = self.plan
        if which == IN_FLIGHT:
            calls = "call" if plan.in_flight == 1 else "calls"
            detail = f"one caller may have {plan.in_flight} {calls} under way at once"
            return CallerLimited(detail, which, retry_after=_WAIT)
        requests = "request" if plan.requests == 1 else "requests"
        period = _PERIODS.get(plan.seconds) or f"in {written(plan.seconds)}"
        burst = "" if plan.burst == plan.requests else f", {plan.burst} of them at once"
        detail = f"one caller may make {plan.requests} {requests} {period}{burst}"
        return CallerLimited(detail, which, retry_after=0.0 if call.taken is None else call.taken.seconds)


@dataclass(slots=True)
class Call:
    """A call of a caller, entered where it begins and left where it ends.

    Attributes:
        taken: what came of asking for it; ``None``: its limit isn't one of requests.
        berths: how many more may be under way; ``None``: any number.
    """

    limiter: Limiter
    key: bytes
    taken: Taken | None = None
    berths: int | None = None
    is_under_way: bool = False

    async def __aenter__(self) -> Self:
        """Begin.

        Raises:
            CallerLimited: it may not; ``retry_after`` says when it may.
        """
        limiter, plan = self.limiter, self.limiter.plan
        if plan.in_flight:
            self.berths = await limiter.store.enter(self.key, plan.in_flight)
            if self.berths < 0:  # before a request is taken: who is refused has lost nothing
                raise limiter.limited(self, IN_FLIGHT)
            self.is_under_way = True
        if plan.requests:
            try:
                self.taken = await limiter.store.take(self.key, plan)
            except BaseException:
                self._leave()
                raise
            if not self.taken.allowed:
                self._leave()
                raise limiter.limited(self, REQUESTS)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    def _leave(self) -> None:
        if self.is_under_way:
            self.is_under_way = False
            self.limiter.store.leave(self.key)


def _policies(plan: CallerLimits) -> Iterator[str]:
    if plan.requests:
        # A bucket of `burst` is full again after this time, so that its rate is what the file says.
        window = max(1, math.ceil(plan.burst * plan.interval - 1e-6))
        yield f'"{REQUESTS}";q={plan.burst};w={window}'
    if plan.in_flight:
        yield f'"{IN_FLIGHT}";q={plan.in_flight};qu="concurrent-requests"'


def _left(call: Call) -> Iterator[str]:
    if call.taken is not None:
        yield f'"{REQUESTS}";r={call.taken.remaining};t={max(1, math.ceil(call.taken.seconds - 1e-6))}'
    if call.berths is not None:
        yield f'"{IN_FLIGHT}";r={max(0, call.berths)}'


_LIMITERS: Final[WeakKeyDictionary[Capability, dict[int, Limiter]]] = WeakKeyDictionary()


def limiter_of(capability: Capability, adapter: AdapterPlan, unit: UnitPlan) -> Limiter | None:
    """Return what limits a unit, the same wherever in this process it is served; ``None``: nothing does."""
    plan = unit.limits
    if plan is None:
        return None
    every = _LIMITERS.setdefault(capability, {})
    known = every.get(id(plan))  # what shares a declaration shares its plan, which lives as long as the capability
    if known is None:
        name = adapter.namespace or adapter.kind
        known = every[id(plan)] = Limiter(plan, name, _store_of(capability, plan, name))
    return known


def _store_of(capability: Capability, plan: CallerLimits, adapter: str) -> LimitStore:
    if capability.shared is None:
        return LocalStore()
    from naftiko.expose.limiting.shared import SharedLimits  # noqa: PLC0415  # only where something is shared

    return SharedLimits(capability.shared, plan, adapter)


def limiters(capability: Capability) -> tuple[Limiter, ...]:
    """Return the limits of a capability that are in use in this process."""
    return tuple(_LIMITERS.get(capability, {}).values())


def limit_figures(capabilities: Iterable[Capability]) -> MetricsSnapshot:
    """Return how many calls were refused; none where nothing is limited."""
    return added(
        [each for capability in capabilities for limiter in limiters(capability) for each in _figures(limiter)]
    )


def _figures(limiter: Limiter) -> Iterator[MetricsSnapshot]:
    said = "Calls that were refused since their caller has asked for as much as it may"
    scope = {"@namespace": limiter.adapter, "scope": limiter.plan.scope}
    for which in _limits_of(limiter.plan):
        samples: Any = [({**scope, "limit": which}, float(limiter.refused[which]))]
        yield {_LIMITED: FamilySnapshot(type="counter", help=said, samples=samples)}


def _limits_of(plan: CallerLimits) -> Iterator[str]:
    if plan.requests:
        yield REQUESTS
    if plan.in_flight:
        yield IN_FLIGHT


def described(limiter: Limiter) -> dict[str, Any]:
    """Return a limit as ``/status`` shows it."""
    plan = limiter.plan
    return {
        "adapter": limiter.adapter,
        **({"scope": plan.scope} if plan.scope else {}),
        **plan.described(),
        "refused": sum(limiter.refused.values()),
    }
