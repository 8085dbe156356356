"""The ``SKILL.md`` of a skill that has none: its frontmatter, and how its tools are called (SEMANTICS 10)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from naftiko.document.frontmatter import written
from naftiko.observe import sanitize as neutral
from naftiko.plan.skills import LONGEST_DESCRIPTION, SkillPlan, SkillTool, skill_name


def frontmatter(plan: SkillPlan) -> dict[str, Any]:
    """Return the frontmatter that is written: what the declaration says, its name in the form that agents take."""
    said = {key: _neutral(value) for key, value in plan.frontmatter.items()}
    return {**said, "name": skill_name(plan.name)}


def _neutral(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {neutral.prose(str(key)): neutral.prose(str(inner)) for key, inner in value.items()}
    return neutral.prose(value) if isinstance(value, str) else value


def skill_text(plan: SkillPlan) -> str:
    """Return a whole ``SKILL.md``."""
    lines = [f"# {_line(plan.label)}", "", neutral.prose(plan.description)]
    called = [tool for tool in plan.tools if tool.instruction is None]
    read = [tool for tool in plan.tools if tool.instruction is not None]
    if called:
        lines += ["", "## Tools"]
        for tool in called:
            lines += ["", *_called(tool)]
    if read:
        lines += ["", "## Instructions", ""]
        lines += [_read(tool) for tool in read]
    return f"{written(frontmatter(plan))}\n" + "\n".join(lines) + "\n"


def _called(tool: SkillTool) -> Iterator[str]:
    yield f"### {_line(tool.name)}"
    yield ""
    if tool.description:
        yield neutral.prose(tool.description)
        yield ""
    unit = tool.unit
    if unit is None:
        yield f"Call the operation `{_code(tool.action)}` of the API `{_code(tool.namespace)}`."
        return
    if unit.method is None:
        yield f"Call the tool `{_code(unit.alias)}` of the MCP server `{_code(tool.namespace)}`."
    else:
        yield f"Send `{_code(f'{unit.method} {unit.path}')}` to the REST API `{_code(tool.namespace)}`."
    inputs = list(_inputs(tool))
    if inputs:
        yield ""
        yield "Inputs:"
        yield ""
        yield from inputs
    if not unit.only_reads:
        yield ""
        yield "It may change something: call it only when that is wanted."


def _inputs(tool: SkillTool) -> Iterator[str]:
    schema: Mapping[str, Any] = tool.schema or {}
    required = schema.get("required", ())
    places = {} if tool.unit is None or tool.unit.method is None else _places(tool)
    for name, said in schema.get("properties", {}).items():
        facts = [_kind(said), *((f"in the {places[name]}",) if name in places else ())]
        facts.append("required" if name in required else "optional")
        if "default" in said:
            facts.append(f"default `{_code(str(said['default']))}`")
        text = _line(said.get("description") or "")
        yield f"- `{_code(name)}` ({', '.join(facts)})" + (f": {text}" if text else "")


def _places(tool: SkillTool) -> dict[str, str]:
    return {} if tool.unit is None else {given.alias: given.location for given in tool.unit.inputs.inputs}


def _kind(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return " or ".join(f"`{_code(str(value))}`" for value in schema["enum"])
    kind = schema.get("type", "any")
    return " or ".join(map(str, kind)) if isinstance(kind, list) else str(kind)


def _read(tool: SkillTool) -> str:
    path = tool.instruction or ""
    text = _line(tool.description)
    return f"- [{_line(tool.name)}]({quote(path)})" + (f": {text}" if text else "")


def _line(text: str) -> str:
    """Return a text as one line of Markdown that is no longer than a description."""
    line = " ".join(neutral.prose(text).split())
    return line if len(line) <= LONGEST_DESCRIPTION else f"{line[: LONGEST_DESCRIPTION - 1]}…"


def _code(text: str) -> str:
    """Return a text for a span of code, which no mark of its own ends."""
    return _line(text).replace("`", "'")
