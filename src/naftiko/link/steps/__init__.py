"""The kinds of steps of an orchestration, one module each (SEMANTICS 5.5)."""

from __future__ import annotations

from typing import Final

from naftiko.document.model import STEPS, CallStep, LookupStep, ScriptStep, Step, UnknownStep
from naftiko.link.steps.call import CallStepPlan
from naftiko.link.steps.contract import Linking, StepPlan
from naftiko.link.steps.lookup import LookupStepPlan
from naftiko.link.steps.script import ScriptStepPlan
from naftiko.link.steps.unsupported import UnknownStepPlan
from naftiko.plan.actions import RunnableStep

__all__ = ["KINDS", "Linking", "StepPlan", "kind_of", "register", "word_of"]

KINDS: Final[dict[type[Step], type[StepPlan]]] = {UnknownStep: UnknownStepPlan}


def register(model: type[Step], plan: type[StepPlan]) -> None:
    """Add a kind of step, for all capabilities that are loaded from now on.

    Args:
        model: its keys, and what ``type`` is in a file.
        plan: how it is linked, and what it does.

    Raises:
        ValueError: a word of it means another kind.
    """
    STEPS.add(model, (model.kind, *model.spellings), model.own_keys)
    KINDS[model] = plan


register(CallStep, CallStepPlan)
register(LookupStep, LookupStepPlan)
register(ScriptStep, ScriptStepPlan)


def kind_of(step: Step) -> type[StepPlan]:
    """Return the kind of a step of a file."""
    return KINDS[type(step)]


def word_of(plan: RunnableStep) -> str:
    """Return what files call the kind of a step."""
    return next((model.kind for model, kind in KINDS.items() if kind is type(plan)), "")
