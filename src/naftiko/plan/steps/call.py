"""A step that calls a consumed operation."""

from __future__ import annotations

from dataclasses import dataclass

from naftiko.plan.actions import Call, Runner, StepResult
from naftiko.plan.outputs import visible
from naftiko.plan.scope import Scope


@dataclass(frozen=True, slots=True)
class CallStepPlan:
    """Calls an operation; its named outputs are seen beside the fields of its answer."""

    name: str
    needs: frozenset[str]
    call: Call

    @property
    def calls(self) -> tuple[Call, ...]:
        """The one."""
        return (self.call,)

    async def run(self, runner: Runner, scope: Scope) -> StepResult:
        """Call, and show the answer to later steps."""
        document = await runner.call(self.call, scope)
        return StepResult(document, visible(document, self.call.consumed))
