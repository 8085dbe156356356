"""Skills: what a catalogue says of each, and what its tools are made of (SEMANTICS 10)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from naftiko.ground.types import Position
from naftiko.plan.unit import UnitPlan

LONGEST_NAME: Final = 64
LONGEST_DESCRIPTION: Final = 1024
LONGEST_COMPATIBILITY: Final = 500
"""Characters that the Agent Skills specification allows."""
_NAME: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class SkillTool:
    """A tool of a skill: one that the file exposes, or instructions to be read.

    Attributes:
        description: as the skill has it; the tool's own where it has none.
        namespace: of the adapter that exposes it.
        action: its name there, as the file has it.
        mode: the kind of that adapter; ``unknown`` where nothing exposes it.
        unit: what it runs.
        schema: of its inputs.
        instruction: a file of the skill, relative to its directory; ``None`` where the tool is called.
    """

    name: str
    description: str
    position: Position
    namespace: str = ""
    action: str = ""
    mode: str = "unknown"
    unit: UnitPlan | None = None
    schema: Mapping[str, Any] | None = None
    instruction: str | None = None


@dataclass(frozen=True, slots=True)
class SkillPlan:
    """A skill.

    Attributes:
        name: as the file has it.
        label: what it is called by people.
        frontmatter: the keys that the file has, under the names that ``SKILL.md`` has for them.
        location: the ``file://`` location of its directory; ``None`` where it has none.
    """

    name: str
    label: str
    frontmatter: Mapping[str, Any]
    tools: tuple[SkillTool, ...]
    location: str | None
    position: Position

    @property
    def description(self) -> str:
        """What it is for."""
        return str(self.frontmatter["description"])


def is_skill_name(name: str) -> bool:
    """Tell whether a name is one that the Agent Skills specification allows."""
    return len(name) <= LONGEST_NAME and _NAME.fullmatch(name) is not None


def skill_name(name: str) -> str:
    """Return a name in the form that the Agent Skills specification allows: lower case, digits, single hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:LONGEST_NAME].rstrip("-") or "skill"
