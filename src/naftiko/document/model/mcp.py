"""The MCP adapter (SEMANTICS 7)."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from naftiko.document.model.adapter import AdapterModel
from naftiko.document.model.base import Model, NamedTuple
from naftiko.document.model.limits import CallerLimits
from naftiko.document.model.parameters import InputParameter, OutputParameter
from naftiko.document.model.steps import Mapping, Steps


class ToolHints(Model):
    """What a client may assume of a tool (MCP tool annotations)."""

    read_only: bool | None = None
    destructive: bool | None = None
    idempotent: bool | None = None
    open_world: bool | None = None


class McpTool(Model):
    """A tool."""

    name: str | None = None
    label: str | None = None
    description: str | None = None
    tags: tuple[str, ...] = ()
    input_parameters: NamedTuple[InputParameter] = ()
    input_schema: dict[str, Any] | None = None
    output_schema: dict[str, Any] | None = None
    ref: str | None = None
    call: str | None = None
    with_: dict[str, Any] = Field(default_factory=dict)
    steps: Steps = ()
    mappings: tuple[Mapping, ...] = ()
    hints: ToolHints | None = None
    output_parameters: NamedTuple[OutputParameter] = ()
    redact: tuple[str, ...] = ()
    limits: CallerLimits | None = None


class McpResource(Model):
    """A resource: dynamic (``call``, ``steps``), a template (``{x}`` in ``uri``) or files (``location``)."""

    name: str | None = None
    label: str | None = None
    description: str | None = None
    tags: tuple[str, ...] = ()
    uri: str | None = None
    path: str | None = None
    mime_type: str | None = None
    binary: bool | None = None
    input_parameters: NamedTuple[InputParameter] = ()
    ref: str | None = None
    call: str | None = None
    with_: dict[str, Any] = Field(default_factory=dict)
    steps: Steps = ()
    mappings: tuple[Mapping, ...] = ()
    output_parameters: NamedTuple[OutputParameter] = ()
    redact: tuple[str, ...] = ()
    location: str | None = None
    operations: Any = None
    limits: CallerLimits | None = None


class PromptArgument(Model):
    """An argument of a prompt."""

    name: str | None = None
    label: str | None = None
    description: str | None = None
    required: bool = True
    enum: list[Any] | None = None
    type: str | None = None
    default: Any = None


class PromptMessage(Model):
    """A message of a prompt's template."""

    role: Literal["user", "assistant"] = "user"
    content: str = ""


class McpPrompt(Model):
    """A prompt: inline (``template``) or a file (``location``)."""

    name: str | None = None
    label: str | None = None
    description: str | None = None
    tags: tuple[str, ...] = ()
    arguments: NamedTuple[PromptArgument] = ()
    template: tuple[PromptMessage, ...] = ()
    location: str | None = None


class McpAdapter(AdapterModel):
    """An exposed MCP server."""

    kind: ClassVar[str] = "mcp"
    called: ClassVar[str] = "an MCP adapter"
    own_keys: ClassVar[tuple[str, ...]] = ("tools", "prompts", "transport")
    content: ClassVar[tuple[str, ...]] = ("tools", "resources", "prompts")
    serves_skills: ClassVar[bool] = True

    type: str = "mcp"
    label: str | None = None
    transport: Literal["http", "stdio"] | None = None
    max_binary_size: str | None = None
    ttl_ms: int | None = None
    cache_scope: Literal["public", "private"] | None = None
    limits: CallerLimits | None = None
    tools: NamedTuple[McpTool] = ()
    resources: NamedTuple[McpResource] = ()
    prompts: NamedTuple[McpPrompt] = ()

    @property
    def served_over(self) -> str:
        """HTTP unless the file says otherwise."""
        return self.transport or "http"
