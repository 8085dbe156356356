"""The input of a list in pages that says how many of its items are wanted (docs/pagination.md)."""

from __future__ import annotations

from dataclasses import replace

from naftiko.plan.actions import PagedCallAction
from naftiko.plan.inputs import Input, InputSet
from naftiko.plan.paging import LIMIT


def with_limit(action: PagedCallAction, inputs: InputSet, *, has_places: bool) -> tuple[PagedCallAction, InputSet]:
    """Return an action that takes a limit, and the inputs with it; both as they are where the file has such an input.

    Args:
        action: of the unit.
        inputs: of the unit.
        has_places: whether its inputs have places of their own, as they have in REST.
    """
    pager = action.call.operation.pager
    if pager is None or inputs.find(LIMIT) is not None:
        return action, inputs
    limit = Input(
        name=LIMIT,
        alias=LIMIT,
        location="query" if has_places else "argument",
        type="integer",
        required=False,
        description=f"The number of items that are wanted, {pager.bounds.items:,} at most.",
        schema={"type": "integer", "minimum": 1},
        wire_name=LIMIT,
        label=LIMIT,
    )
    return replace(action, limit=LIMIT), InputSet([*inputs.inputs, limit])
