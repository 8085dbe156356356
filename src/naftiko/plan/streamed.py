"""What a unit does that makes one call, by what the operation answers: a document, a list in pages, a stream."""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from naftiko.expression.answers import ONLY
from naftiko.expression.scope import Scope
from naftiko.plan.actions import Action, Call, CallAction, PagedCallAction, Performer, Run
from naftiko.plan.outputs import Explained, Outputs


@dataclass(frozen=True, slots=True)
class StreamedCallAction(CallAction):
    """One call whose answer is a stream; the outputs make something of each item (docs/streams.md)."""

    def run(self, performer: Performer, run: Run) -> Coroutine[Any, Any, Any]:
        """Make the call."""
        return performer.streamed(self.call, run)

    async def explain(self, performer: Performer, run: Run) -> list[Explained]:
        """Make the call, and look at the first item."""
        scope = Scope(run.inputs, performer.variables)
        items, head = await performer.answered(self.call, scope, run.passed)
        scope.answers = {ONLY: head}
        return run.unit.outputs.of_each.explain(items, scope)

    def promised(self, outputs: Outputs, *, mock: bool) -> dict[str, Any] | None:
        """Return the schema of the list of what the outputs make."""
        item = CallAction.promised(self, outputs, mock=mock)
        return None if item is None else {"type": "array", "items": item}


def is_streamed(action: Action) -> bool:
    """Tell whether an action's answer is a stream."""
    call = action.inner.only_call
    return call is not None and call.operation.stream is not None


def is_paged(action: Action) -> bool:
    """Tell whether an action's answer is a list that comes in pages."""
    call = action.inner.only_call
    return call is not None and call.operation.pager is not None


def call_action(call: Call) -> CallAction:
    """Return what a unit does that makes this call and no other."""
    if call.operation.stream is not None:
        return StreamedCallAction(call)
    return CallAction(call) if call.operation.pager is None else PagedCallAction(call)
