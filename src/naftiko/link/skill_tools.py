"""What the tools of skills are made of: tools and routes that the file exposes, or instructions (SEMANTICS 10)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from naftiko.document.findings import Findings
from naftiko.document.model import ExposedSkill, SkillTool, SkillToolSource
from naftiko.document.suggest import did_you_mean, listed
from naftiko.ground.types import Position
from naftiko.link.tool_list import input_schema
from naftiko.plan import skills
from naftiko.plan.names import in_words
from naftiko.plan.unit import AdapterPlan, CapabilityPlan, UnitPlan


def tools_of(
    skill: ExposedSkill, adapters: Sequence[AdapterPlan], findings: Findings, *, guesses: bool
) -> Iterator[skills.SkillTool]:
    """Yield the tools of a skill; what is wrong with one is told, and it is left out.

    Args:
        skill: as the file has it.
        adapters: all of the file, linked.
        findings: where problems are told.
        guesses: whether a skill that names no tool has the one that is called as it is (``agent-skill``).
    """
    exposing = [each for each in adapters if each.units]
    for tool in skill.tools:
        made = _tool(skill, tool, exposing, findings)
        if made is not None:
            yield made
    here = findings.position(skill.node)
    if skill.tools:
        return
    if skill.call is not None:
        found = _by_call(skill.call, exposing)
        yield _called(skill.name or "", skill.description, here, skill.call, found)
    elif guesses:
        same = [(each, unit) for each in exposing for unit in each.units if unit.name == skill.name]
        if same:
            yield _derived(skill.name or "", None, here, *same[0])


def _tool(
    skill: ExposedSkill, tool: SkillTool, exposing: Sequence[AdapterPlan], findings: Findings
) -> skills.SkillTool | None:
    name, said = tool.name or "", f"the tool `{tool.name}` of the skill `{skill.name}`"
    here = findings.at(tool.node)
    given = [each for each in (tool.from_, tool.instruction, tool.call) if each is not None]
    if len(given) > 1:
        here.error("skill-tool", f"{said} has both `from` and `instruction`", hint="keep one of them")
        return None
    if tool.from_ is not None:
        return _from(tool, tool.from_, said, exposing, findings)
    if tool.call is not None:
        return _called(name, tool.description, here.position, tool.call, _by_call(tool.call, exposing))
    if tool.instruction is None:
        here.error(
            "skill-tool",
            f"{said} has neither `from` nor `instruction`",
            hint="add `from: {sourceNamespace: NAMESPACE, action: TOOL}` or `instruction: FILE.md`",
        )
        return None
    where = findings.at(tool.at("instruction"))
    if skill.location is None:
        where.error(
            "skill-tool",
            f"{said} is in a file, and the skill has no `location`",
            hint="add `location: file://./DIRECTORY` to the skill",
        )
    elif not is_inside(tool.instruction):
        where.error(
            "skill-tool",
            f"`{tool.instruction}` is no file of the skill's directory",
            hint="write a path relative to `location`, without `..` and names that begin with a dot",
        )
    else:
        return skills.SkillTool(name, tool.description or "", where.position, instruction=tool.instruction)
    return None


def is_inside(path: str) -> bool:
    """Tell whether a relative path names a file that may be served, wherever its directory is."""
    parts = path.split("/")
    return not PurePosixPath(path).is_absolute() and not any(
        not part or part.startswith(".") or any(mark in part for mark in "\\\0:") for part in parts
    )


def _from(
    tool: SkillTool, source: SkillToolSource, said: str, exposing: Sequence[AdapterPlan], findings: Findings
) -> skills.SkillTool | None:
    namespace, action = source.source_namespace or "", source.action or ""
    adapters = [each for each in exposing if each.namespace == namespace]
    if not adapters:
        findings.at(source.at("sourceNamespace")).error(
            "unknown-namespace",
            f"{said} is from `{namespace}`, which no adapter with tools or routes is called",
            hint=did_you_mean(namespace, [each.namespace for each in exposing])
            or f"known: {listed(each.namespace for each in exposing)}",
        )
        return None
    known = {unit.name: (each, unit) for each in reversed(adapters) for unit in reversed(each.units)}
    if action in known:
        return _derived(tool.name or action, tool.description, findings.position(tool.node), *known[action])
    findings.at(source.at("action")).error(
        "unknown-skill-tool",
        f"{said} is `{action}` of `{namespace}`, which has no tool or route of that name",
        hint=did_you_mean(action, known) or f"known: {listed(known)}",
    )
    return None


def _by_call(call: str, exposing: Sequence[AdapterPlan]) -> tuple[AdapterPlan, UnitPlan] | None:
    """Return what a file exposes that calls one consumed operation: a tool before a route."""
    found = [(each, unit) for each in exposing for unit in each.units if unit.call == call]
    return min(found, key=lambda pair: pair[1].method is not None) if found else None


def _called(
    name: str, description: str | None, position: Position, call: str, found: tuple[AdapterPlan, UnitPlan] | None
) -> skills.SkillTool:
    if found is not None:
        return _derived(name, description, position, *found)
    namespace, _, operation = call.rpartition(".")
    return skills.SkillTool(name, description or "", position, namespace, operation)


def _derived(
    name: str, description: str | None, position: Position, adapter: AdapterPlan, unit: UnitPlan
) -> skills.SkillTool:
    return skills.SkillTool(
        name,
        description or unit.description or "",
        position,
        adapter.namespace,
        unit.name,
        adapter.kind,
        unit,
        input_schema(unit),
    )


def skill_of_all(plan: CapabilityPlan, label: str) -> skills.SkillPlan | None:
    """Return a skill of all that a file exposes: of its tools, or of its routes where it has none.

    Args:
        plan: of the file.
        label: what the file calls itself.

    Returns:
        ``None`` where nothing can run.
    """
    running = [(each, unit) for each in plan.adapters for unit in each.units if unit.action is not None]
    chosen = [pair for pair in running if pair[1].route is None] or [pair for pair in running if pair[1].method]
    if not chosen:
        return None
    told = plan.info.description if plan.info is not None else None
    names = listed(unit.label or in_words(unit.name) for _, unit in chosen)
    name = skills.skill_name(label)
    return skills.SkillPlan(
        name=name,
        label=label,
        frontmatter={"name": name, "description": _fitting(f"{told or label} Use it for: {names}.")},
        tools=tuple(_derived(unit.name, None, unit.position, each, unit) for each, unit in chosen),
        location=None,
        position=chosen[0][0].position,
    )


def _fitting(text: str) -> str:
    return text if len(text) <= skills.LONGEST_DESCRIPTION else f"{text[: skills.LONGEST_DESCRIPTION - 1]}…"
