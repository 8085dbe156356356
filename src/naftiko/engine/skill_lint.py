"""What only the files of a skill decide: whether agents can load it, whether its instructions are there."""

from __future__ import annotations

from collections.abc import Sequence

from naftiko.document.findings import Findings
from naftiko.engine.skills import NoFiles, Skill, Unfit
from naftiko.ground.types import Diagnostic


def lint_skills(skills: Sequence[Skill], file: str) -> tuple[Diagnostic, ...]:
    """Return what is wrong with the files of skills; that a directory is missing is told with those of resources.

    Args:
        skills: of a capability.
        file: the capability's.
    """
    findings = Findings(file)
    for skill in skills:
        plan = skill.plan
        if plan.location is None:
            continue
        try:
            present = {each.path for each in skill.files()}
        except NoFiles:
            continue
        for tool in plan.tools:
            if tool.instruction is not None and tool.instruction not in present:
                findings.at_position(tool.position).warning(
                    "skill-file",
                    f"`{tool.instruction}` is no file below `{plan.location}`: `{tool.name}` has nothing to read",
                    hint="write the file, or correct the path",
                )
        try:
            skill.manifest()
        except (NoFiles, Unfit) as error:
            findings.at_position(plan.position).warning(
                "skill-file",
                f"agents can't load the skill `{plan.name}`: {error}",
                hint="correct the files; without a SKILL.md there, one is made of the declaration",
            )
    return tuple(findings)
