"""Script steps: JavaScript and Python in sandboxes of their own processes (SEMANTICS 5.8)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from naftiko.engine.reach import FileRoots
from naftiko.expression.scope import Variables
from naftiko.plan.unit import CapabilityPlan

if TYPE_CHECKING:
    from naftiko.engine.scripting.runs import Scripting

__all__ = ["scripting_for"]


def scripting_for(
    plan: CapabilityPlan, base: Path, roots: FileRoots, variables: Variables, environment: Mapping[str, str] | None
) -> Scripting | None:
    """Return what runs scripts, where there are some, or an operator may ask for them; else nothing is imported.

    Args:
        plan: of the capability.
        base: the directory of its file.
        roots: where its files may lie.
        variables: those that its locations may name.
        environment: ``None``: the process's.
    """
    actions = (unit.action for adapter in plan.adapters for unit in adapter.runnable)
    if plan.scripting is None and not any(action is not None and action.scripts for action in actions):
        return None
    from naftiko.engine.scripting.governance import Governance  # noqa: PLC0415  # for files that have scripts
    from naftiko.engine.scripting.runs import Scripting  # noqa: PLC0415

    governance = Governance.of(plan.scripting, os.environ if environment is None else environment)
    return Scripting(governance, base, roots, variables)
