"""Say where an answer comes from, and what a flow would send: for ``naftiko call --explain`` and ``--dry-run``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from naftiko.engine.run import Engine
from naftiko.expression.content import Content
from naftiko.ground.errors import NotExecutable
from naftiko.plan.actions import Run
from naftiko.plan.outputs import Explained
from naftiko.plan.unit import UnitPlan


async def explain(
    engine: Engine, unit: UnitPlan, inputs: Mapping[str, Any], passed: Content | None = None
) -> list[Explained]:
    """Run a unit with checked inputs; say for each output which expression gave it, and how far a miss still matched.

    Raises:
        CallError: as ``Engine.run``.
    """
    if unit.action is None:
        raise NotExecutable(f"`{unit.name}` can't be executed: {unit.reason}", hint=str(unit.position))
    return await unit.action.explain(engine, Run(unit, inputs, passed))


async def planned(engine: Engine, unit: UnitPlan, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the requests of a flow by the names of its call steps; the engine must be one that sends nothing.

    What a later step takes from an earlier one's answer is absent from its request: there is no answer.

    Raises:
        CallError: as ``Engine.run``.
    """
    return {} if unit.action is None else await unit.action.planned(engine, Run(unit, inputs))
