"""Say where an answer comes from, and what a flow would send: for ``naftiko call --explain`` and ``--dry-run``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from naftiko.engine.function_inputs import function_inputs
from naftiko.engine.run import Engine
from naftiko.errors import NotExecutable
from naftiko.plan.content import Content
from naftiko.plan.explaining import missed_step
from naftiko.plan.outputs import Explained
from naftiko.plan.scope import Scope
from naftiko.plan.template import Value
from naftiko.plan.unit import Action, CallAction, FlowAction, FunctionAction, MockAction, UnitPlan
from naftiko.types import ABSENT


async def explain(
    engine: Engine, unit: UnitPlan, inputs: Mapping[str, Any], passed: Content | None = None
) -> list[Explained]:
    """Run a unit with checked inputs; say for each output which expression gave it, and how far a miss still matched.

    Raises:
        CallError: as ``Engine.run``.
    """
    if unit.action is None:
        raise NotExecutable(f"`{unit.name}` can't be executed: {unit.reason}", hint=str(unit.position))
    return await _explain(engine, unit.action, unit, Scope(inputs, engine.variables), passed)


async def _explain(
    engine: Engine, action: Action, unit: UnitPlan, scope: Scope, passed: Content | None
) -> list[Explained]:
    outputs = unit.outputs
    if isinstance(action, FunctionAction):
        given = function_inputs(action, scope, unit.inputs)
        return await _explain(engine, action.action, unit, Scope(given, scope.variables), passed)
    if isinstance(action, CallAction):
        return outputs.explain(await engine.document(action.call, scope, passed), scope)
    if isinstance(action, FlowAction):
        results, final = await engine.steps(action, scope)
        if action.mappings:
            return [
                _mapped(".".join(target), source, value, final)
                for (target, value), source in zip(action.mappings, action.sources, strict=True)
            ]
        return outputs.explain(results[action.last].raw, final)
    if isinstance(action, MockAction):
        return outputs.explain(None, scope)
    raise NotExecutable("this route forwards requests: its answer is the upstream's")


async def planned(engine: Engine, unit: UnitPlan, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the requests of a flow by the names of its call steps; the engine must be one that sends nothing.

    What a later step takes from an earlier one's answer is absent from its request: there is no answer.

    Raises:
        CallError: as ``Engine.run``.
    """
    scope = Scope(inputs, engine.variables)
    action = unit.action
    if isinstance(action, FunctionAction):
        scope = Scope(function_inputs(action, scope, unit.inputs), scope.variables)
        action = action.action
    if not isinstance(action, FlowAction):
        return {}
    results, _ = await engine.steps(action, scope)
    calls = {step.name for wave in action.waves for step in wave if hasattr(step, "call")}
    return {name: result.raw for name, result in results.items() if name in calls}


def _mapped(target: str, source: str, value: Value, scope: Scope) -> Explained:
    found = value(scope)
    detail = missed_step(value, scope) if found is ABSENT else ""
    return Explained(target, source, None if found is ABSENT else found, found is not ABSENT, detail)
