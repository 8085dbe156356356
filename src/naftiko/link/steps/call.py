"""A step that calls a consumed operation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from naftiko.document.model import CallStep
from naftiko.expression.scope import Scope
from naftiko.link.steps.contract import Linking, StepPlan
from naftiko.plan.actions import Call, Runner, StepResult
from naftiko.plan.outputs import visible


@dataclass(frozen=True, slots=True)
class CallStepPlan(StepPlan):
    """Calls an operation; its named outputs are seen beside the fields of its answer."""

    call: Call
    keeps_head: bool = False

    @classmethod
    def link(cls, step: CallStep, linking: Linking) -> Self:
        """Link the call."""
        if step.call is None:
            linking.cannot("unknown-call", "calls nothing", "add `call: namespace.operation`")
        call = linking.call(step.call, step.with_)
        return cls(linking.name, linking.reads(value for _, value in call.arguments), call)

    @property
    def calls(self) -> tuple[Call, ...]:
        """The one."""
        return (self.call,)

    @property
    def has_answer(self) -> bool:
        """It has."""
        return True

    def keeping(self) -> Self:
        """Return it with the status and the headers of its answer in its result."""
        return replace(self, keeps_head=True)

    async def run(self, runner: Runner, scope: Scope) -> StepResult:
        """Call, and show the answer to later steps."""
        if self.keeps_head:
            document, head = await runner.answered(self.call, scope)
            return StepResult(document, visible(document, self.call.consumed), head)
        document = await runner.call(self.call, scope)
        return StepResult(document, visible(document, self.call.consumed))

    def requests(self, pretended: StepResult) -> Sequence[Any]:
        """Return the one: where nothing is sent it is the document."""
        return (pretended.raw,)
