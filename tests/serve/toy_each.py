"""A kind of step from outside of the package: one call for each item of an earlier result, and a count of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from pydantic import Field

from naftiko.expression.template import Value
from naftiko.extend import Call, Linking, Runner, Scope, Step, StepPlan, StepResult, register_step
from naftiko.ground.errors import NotExecutable


class EachStep(Step):
    """Its keys."""

    kind = "toyeach"
    called = "a toy step"
    own_keys = ("over",)

    type: str | None = "toyeach"
    over: str | None = None
    call: str | None = None
    with_: dict[str, Any] = Field(default_factory=dict)
    note: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EachPlan(StepPlan):
    """How it is linked, and what it does."""

    over: Value
    call: Call
    note: dict[str, Value]

    @classmethod
    def link(cls, step: EachStep, linking: Linking) -> Self:
        over = linking.result(step.over or "", "over")
        if over is None or step.call is None:
            linking.cannot("unsupported-step", f"goes over `{step.over}`, which is no earlier step", key="over")
        call = linking.seeing("item").call(step.call, step.with_)
        note = linking.with_values(step.note)
        read = [over, *note.values(), *(value for _, value in call.arguments)]
        return cls(linking.name, linking.reads(read), over, call, note)

    @property
    def calls(self) -> tuple[Call, ...]:
        return (self.call,)

    async def run(self, runner: Runner, scope: Scope) -> StepResult:
        items = self.over(scope)
        if not isinstance(items, list):
            raise NotExecutable("there is nothing to go over")
        inside = [Scope(scope.inputs, scope.variables, {**scope.steps, "item": item}) for item in items]
        got = [await runner.call(self.call, each) for each in inside]
        noted = {key: value(scope) for key, value in self.note.items()}
        result = {"count": len(items), "got": got, **noted}
        return StepResult(result, result)

    async def pretend(self, runner: Runner, scope: Scope) -> StepResult:
        result = {"got": [await runner.call(self.call, scope), await runner.call(self.call, scope)]}
        return StepResult(result, result)

    def requests(self, pretended: StepResult) -> list[Any]:
        return list(pretended.raw["got"])


register_step(EachStep, EachPlan)
