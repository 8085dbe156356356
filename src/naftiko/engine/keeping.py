"""What a capability keeps when its file is loaded anew: connections and tokens of the APIs that are as they were."""

from __future__ import annotations

from typing import Any

from naftiko.engine.capability import Capability
from naftiko.engine.upstream import Upstream
from naftiko.plan.unit import ApiPlan


def take_over(now: Capability, before: Capability) -> None:
    """Let a capability go on with the connections and tokens of the one that was loaded from its file before.

    That is done once it is served instead. Calls that are in flight there finish on the same connections.
    """
    now.engine.held = before.engine.held  # what the operator has taken out of service stays out
    for key, upstream in now.upstreams.items():
        same = before.upstreams.get(key)
        if same is not None and _is_reached_alike(now, upstream, before, same):
            upstream.take_over(same)


def _is_reached_alike(now: Capability, upstream: Upstream, before: Capability, other: Upstream) -> bool:
    """Tell whether an API is reached as it was: its address, its authentication with all values, its limits."""
    mine, its = upstream.plan, other.plan
    return (
        (mine.base, _words(mine), mine.variables, upstream.limits)
        == (its.base, _words(its), its.variables, other.limits)
        and now.settings.transport is before.settings.transport
        and all(now.variables.get(name) == before.variables.get(name) for name in mine.variables)
    )


def _words(api: ApiPlan) -> Any:
    """Return what an authentication says, wherever it stands."""
    return None if api.authentication is None else api.authentication.without_place()
