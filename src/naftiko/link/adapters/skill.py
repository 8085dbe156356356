"""The skill adapter when a file is loaded: what its skills say, and which tools they name (SEMANTICS 10)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Final

from naftiko.document.dialects.nodes import has
from naftiko.document.findings import Findings
from naftiko.document.model import AdapterModel, ExposedSkill, Model, SkillAdapter
from naftiko.link.adapters.kind import AdapterKind, Linker, Located
from naftiko.link.skill_tools import tools_of
from naftiko.plan.names import in_words
from naftiko.plan.skills import (
    LONGEST_COMPATIBILITY,
    LONGEST_DESCRIPTION,
    SkillPlan,
    is_skill_name,
    skill_name,
)
from naftiko.plan.unit import AdapterPlan

_KEYS: Final = (
    ("license", "license"),
    ("compatibility", "compatibility"),
    ("argument-hint", "argument_hint"),
    ("allowed-tools", "allowed_tools"),
    ("user-invocable", "user_invocable"),
    ("disable-model-invocation", "disable_model_invocation"),
    ("metadata", "metadata"),
)
"""The keys of frontmatter beside ``name`` and ``description``, in the order in which they are shown."""
_LIMITS: Final = (
    ("description", "description", LONGEST_DESCRIPTION),
    ("compatibility", "compatibility", LONGEST_COMPATIBILITY),
    ("allowed-tools", "allowed_tools", LONGEST_DESCRIPTION),
)


class _Skill(AdapterKind[SkillAdapter]):
    model: ClassVar[type[AdapterModel]] = SkillAdapter
    lacks: ClassVar[str] = "skill"

    def link(self, model: SkillAdapter, linker: Linker) -> AdapterPlan:
        return linker.adapter(model, (), kept=model.without_place(skills=(), tools=None))

    def completed(
        self, model: SkillAdapter, plan: AdapterPlan, adapters: Sequence[AdapterPlan], findings: Findings
    ) -> AdapterPlan:
        """Add the skills; their tools are those of the other adapters."""
        skills: dict[str, SkillPlan] = {}
        is_single = model.node is not None and has(model.node, "skill")
        for declared in model.skills:
            if not declared.name:
                findings.at(declared.node).warning(
                    "missing-name", "a skill without a `name` is not served", hint="add a `name`"
                )
                continue
            made = _plan(declared, adapters, findings, guesses=is_single)
            first = skills.setdefault(made.name, made)
            if first is not made:
                findings.at(declared.node).warning(
                    "duplicate-skill",
                    f"a second skill `{made.name}`: the first one is served",
                    related=(first.position,),
                )
        return replace(plan, skills=tuple(skills.values()))

    def shown(self, model: SkillAdapter) -> Iterator[Model]:
        for skill in model.skills:
            yield skill
            yield from skill.tools

    def described(self, model: SkillAdapter) -> Iterator[tuple[str, Model]]:
        yield f"the skill adapter `{model.namespace}`", model

    def files(self, model: SkillAdapter) -> Iterator[tuple[str, Located]]:
        yield from (("skill", skill) for skill in model.skills)

    def lint(self, model: SkillAdapter, findings: Findings) -> None:
        for skill in model.skills:
            _check_words(skill, findings)

    def lint_beside(self, model: SkillAdapter, adapters: Sequence[AdapterModel], findings: Findings) -> None:
        """Tell what an MCP server doesn't serve, since it asks for another credential than the catalogue."""
        if model.authentication is None:
            return
        asked = _asked(model)
        servers = [each for each in adapters if each.serves_skills]
        if servers and all(each.listens and _asked(each) != asked for each in servers):
            findings.at(model.at("authentication")).warning(
                "skill-not-in-mcp",
                "no MCP adapter of the file asks for the same credential: the skills are not in an MCP server",
                hint="give an MCP adapter the same `authentication`, or leave it out here",
                related=(findings.position(servers[0].at("authentication")),),
            )


def _asked(model: AdapterModel) -> Any:
    return None if model.authentication is None else model.authentication.without_place()


def _plan(skill: ExposedSkill, adapters: Sequence[AdapterPlan], findings: Findings, *, guesses: bool) -> SkillPlan:
    name = skill.name or ""
    said: dict[str, Any] = {"name": name, "description": skill.description or skill.label or in_words(name)}
    said |= {key: getattr(skill, field) for key, field in _KEYS if key in skill.entries and _says(skill, field)}
    return SkillPlan(
        name=name,
        label=skill.label or in_words(name),
        frontmatter=said,
        tools=tuple(tools_of(skill, adapters, findings, guesses=guesses)),
        location=skill.location,
        position=findings.position(skill.node),
    )


def _says(skill: ExposedSkill, field: str) -> bool:
    return getattr(skill, field) not in (None, {})


def _check_words(skill: ExposedSkill, findings: Findings) -> None:
    name = skill.name or ""
    if name and not is_skill_name(name):
        findings.at(skill.at("name")).warning(
            "skill-name",
            f"`{name}` is no name of a skill: 1 to 64 lower-case letters, digits and single hyphens; "
            f"an MCP server and `naftiko skill` call it `{skill_name(name)}`",
            hint=f"rename it to `{skill_name(name)}`",
        )
    if not skill.description:
        findings.at(skill.node).warning(
            "skill-description",
            f"the skill `{name}` has no description: agents choose a skill by it alone",
            hint="say what it does, and when to use it",
        )
    for key, field, most in _LIMITS:
        text = getattr(skill, field) or ""
        if len(text) > most:
            findings.at(skill.at(key)).warning(
                "skill-description",
                f"the {key} of `{name}` has {len(text)} characters, and agents take {most}: they may refuse the skill",
                hint="shorten it; what takes longer to say belongs into SKILL.md",
            )


SKILL = _Skill()
"""Catalogues of skills."""
