"""The skill adapter: a catalogue of skills, what they say of themselves and their files (SEMANTICS 10)."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from naftiko.document.model.adapter import AdapterModel
from naftiko.document.model.base import Model, NamedTuple


class SkillToolSource(Model):
    """The exposed tool or operation that a skill's tool is derived from."""

    source_namespace: str | None = None
    action: str | None = None


class SkillTool(Model):
    """A tool of a skill: derived (``from``), or an instruction file."""

    name: str | None = None
    label: str | None = None
    description: str | None = None
    from_: SkillToolSource | None = None
    instruction: str | None = None
    call: str | None = None
    hints: Any = None
    input_parameters: Any = None
    output_parameters: Any = None


class ExposedSkill(Model):
    """A skill."""

    name: str | None = None
    label: str | None = None
    description: str | None = None
    license: str | None = None
    compatibility: str | None = None
    metadata: dict[str, str] = Field(default_factory=dict)
    allowed_tools: str | None = Field(default=None, alias="allowed-tools")
    argument_hint: str | None = Field(default=None, alias="argument-hint")
    user_invocable: bool = Field(default=True, alias="user-invocable")
    disable_model_invocation: bool = Field(default=False, alias="disable-model-invocation")
    location: str | None = None
    tools: NamedTuple[SkillTool] = ()
    call: str | None = None
    hints: Any = None
    input_parameters: Any = None
    output_parameters: Any = None


class SkillAdapter(AdapterModel):
    """A catalogue of skills."""

    kind: ClassVar[str] = "skill"
    spellings: ClassVar[tuple[str, ...]] = ("agent-skill",)
    called: ClassVar[str] = "a skill adapter"
    own_keys: ClassVar[tuple[str, ...]] = ("skills",)
    likely_keys: ClassVar[tuple[str, ...]] = ("groups", "skill")
    content: ClassVar[tuple[str, ...]] = ("skills", "groups", "skill", "tools")

    type: str = "skill"
    label: str | None = None
    skills: NamedTuple[ExposedSkill] = ()
    tools: Any = None
