"""Steps that can't be executed: scripts, and kinds of other dialects."""

from __future__ import annotations

from typing import Any, Self

from naftiko.link.steps.contract import Linking, StepPlan


class ScriptStepPlan(StepPlan):
    """A script, which is not run yet."""

    @classmethod
    def link(cls, step: Any, linking: Linking) -> Self:
        """Say so."""
        del step
        linking.cannot("unsupported-step", "is a script; this runtime doesn't run scripts")


class UnknownStepPlan(StepPlan):
    """A step of a kind that nobody has registered."""

    @classmethod
    def link(cls, step: Any, linking: Linking) -> Self:
        """Say so."""
        linking.cannot("unsupported-step", f"is of type `{step.type}`, which this runtime doesn't run", key="type")
