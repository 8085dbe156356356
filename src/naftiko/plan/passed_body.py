"""Whether a REST caller's body is passed on as it is (SEMANTICS 4.3)."""

from __future__ import annotations

from naftiko.plan.actions import Action
from naftiko.plan.inputs import InputSet
from naftiko.plan.sources import inputs_of
from naftiko.plan.wants import Wants


def passes_body(action: Action | None, inputs: InputSet, wants: Wants) -> bool:
    """Tell whether a REST caller's body is passed on: nothing declares one, and no part of it is read for the call."""
    call = None if action is None else action.inner.only_call
    if call is None or not call.operation.takes_body:
        return False
    fed = {want.name for want in wants.found}
    fed.update(name for _, value in call.arguments for name in inputs_of(value))
    is_made = any(extra.place in {"body", "field"} for extra in call.extras)
    return not is_made and not any(given.location == "body" and given.name in fed for given in inputs.inputs)
