"""What only the files of scripts decide: whether they are there, and can be read and parsed (SEMANTICS 1.4, 5.8)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

from naftiko.document.findings import Findings
from naftiko.document.model import CapabilityDocument, ScriptStep
from naftiko.engine.reach import FileRoots
from naftiko.engine.scripting.governance import Governance
from naftiko.engine.scripting.runs import Scripting
from naftiko.engine.scripting.sandbox import Lacking, ScriptError, Unread
from naftiko.expression.scope import Variables
from naftiko.link.lint.flows import units_with_steps
from naftiko.link.steps.script import scripting_of
from naftiko.plan.script import Script


def lint_scripts(
    document: CapabilityDocument, base: Path, variables: Variables, roots: FileRoots, findings: Findings
) -> None:
    """Tell which scripts can't be read or parsed; what says too little about one is told by linking.

    Args:
        document: the canonical model.
        base: the directory of its file.
        variables: those that its locations may name.
        roots: where its files may lie.
        findings: where it is told.
    """
    steps = [cast("ScriptStep", step) for unit in units_with_steps(document) for step in unit.steps if step.is_file]
    management = scripting_of(document)
    governance = Governance.of(management, {})
    named = [step for step in steps if step.file and (step.location or governance.default_location)]
    if not named:
        return
    scripts = [
        Script(step.name or "", step.file or "", step.location, step.language, step.dependencies) for step in named
    ]
    for step, wrong in zip(named, _checked(Scripting(governance, base, roots, variables), scripts), strict=True):
        if wrong is not None:
            where = findings.at(step.at("file"))
            if wrong.where:
                reason = wrong.reason.removeprefix("failed: ")
                where.error("script-syntax", f"the script can't be parsed: {wrong.where}: {reason}", hint=wrong.hint)
            elif isinstance(wrong, Lacking):
                where.warning("unavailable-script", f"the script {wrong.reason}", hint=wrong.hint)
            elif isinstance(wrong, Unread):
                where.error("script-file", f"the script {wrong.reason}", hint=wrong.hint)


def _checked(scripting: Scripting, scripts: Sequence[Script]) -> list[ScriptError | None]:
    async def checked() -> list[ScriptError | None]:
        try:
            return [await scripting.check(script) for script in scripts]
        finally:
            await scripting.aclose()

    with ThreadPoolExecutor(1) as thread:  # whoever asks may be in an event loop of its own
        return thread.submit(asyncio.run, checked()).result()
