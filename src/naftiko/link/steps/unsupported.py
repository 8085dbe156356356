"""Steps that can't be executed: kinds of other dialects."""

from __future__ import annotations

from typing import Any, Self

from naftiko.link.steps.contract import Linking, StepPlan


class UnknownStepPlan(StepPlan):
    """A step of a kind that nobody has registered."""

    @classmethod
    def link(cls, step: Any, linking: Linking) -> Self:
        """Say so."""
        linking.cannot("unsupported-step", f"is of type `{step.type}`, which this runtime doesn't run", key="type")
