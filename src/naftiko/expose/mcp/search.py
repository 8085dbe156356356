"""Many tools behind three: find, describe and call, over an index of names and descriptions (``--tools search``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Protocol

from naftiko.engine.request import dump_json
from naftiko.expose.mcp import revisions
from naftiko.expose.mcp.finding import ToolIndex
from naftiko.expose.mcp.tool import Tool
from naftiko.ground.errors import InputError, Problem
from naftiko.ground.types import ABSENT
from naftiko.observe import sanitize as neutral
from naftiko.plan.inputs import Input, InputSet

MOST_FOUND: Final = 50
_FOUND: Final = 10
_SHOWN_DESCRIPTION: Final = 300
_NAMED: Final = 20
"""Namespaces that the description of ``find-tools`` names."""


class SearchedTools(Protocol):
    """What the three ask of a server's tools."""

    def __iter__(self) -> Iterator[Tool]:
        """Yield all of them."""
        ...

    def find(self, name: str) -> Tool | None:
        """Return one by its name."""
        ...

    def unknown(self, name: str) -> str:
        """Return what to say about a name that is no tool's."""
        ...

    async def run(self, tool: Tool, arguments: Mapping[str, Any], version: str) -> dict[str, Any]:
        """Call one."""
        ...


def search_tools(tools: SearchedTools) -> tuple[FindTools, DescribeTool, CallTool]:
    """Return the three tools that stand for all others."""
    return FindTools(tools), DescribeTool(tools), CallTool(tools)


class _SearchTool:
    """What the three have in common.

    Attributes:
        name: how clients call it.
        schema: of its arguments.
    """

    name: str
    title: str
    inputs: InputSet
    reads: bool = True

    def __init__(self, tools: SearchedTools) -> None:
        self.tools = tools
        shown = self.inputs.inputs
        self.schema: Mapping[str, Any] = {
            "type": "object",
            "properties": {given.name: given.schema for given in shown},
            "required": [given.name for given in shown if given.required],
            "additionalProperties": False,
        }

    def description(self) -> str:
        """Return what it does, for the model."""
        raise NotImplementedError

    def declaration(self, *, modern: bool) -> dict[str, Any]:
        """Return it as tools/list shows it, in wire form."""
        del modern
        shown = {
            "name": self.name,
            "title": self.title,
            "description": self.description(),
            "inputSchema": self.schema,
        }
        return {**shown, "annotations": {"readOnlyHint": True}} if self.reads else shown

    def known(self, name: str) -> Tool:
        """Return the tool of a name.

        Raises:
            InputError: there is none.
        """
        tool = self.tools.find(name)
        if tool is None:
            message = self.tools.unknown(name)
            raise InputError([Problem("name", "argument", message)], hint=f"look it up with `{FindTools.name}`")
        return tool


def _input(name: str, kind: str, description: str, *, required: bool = True, default: Any = ABSENT) -> Input:
    schema: dict[str, Any] = {"type": kind, "description": description}
    if kind == "integer":
        schema |= {"minimum": 1, "maximum": MOST_FOUND}
    if default is not ABSENT:
        schema["default"] = default
    return Input(name, name, "argument", kind, required=required, schema=schema, default=default)


_NAME: Final = _input("name", "string", "The name of a tool, as find-tools gives it.")


class FindTools(_SearchTool):
    """``find-tools``."""

    name = "find-tools"
    title = "Find tools"
    inputs = InputSet(
        [
            _input("query", "string", "What the tool should do, in a few words: `list ships`, `cancel a booking`."),
            _input("limit", "integer", "The most tools to return.", required=False, default=_FOUND),
        ]
    )

    def __init__(self, tools: SearchedTools) -> None:
        super().__init__(tools)
        self._index = ToolIndex(list(tools))

    def description(self) -> str:
        """Say how many there are, and of what."""
        every = list(self.tools)
        spaces = list(dict.fromkeys(tool.unit.namespace for tool in every if tool.unit.namespace))
        shown = ", ".join(spaces[:_NAMED]) or "this server"
        more = f" and {len(spaces) - _NAMED} more" if len(spaces) > _NAMED else ""
        return (
            f"Finds tools by what they do, among the {len(every)} tools of {shown}{more}. "
            f"Call what is found with `{CallTool.name}`; `{DescribeTool.name}` gives its whole schema."
        )

    async def call(self, arguments: Mapping[str, Any], version: str) -> dict[str, Any]:
        """Return names, descriptions and short schemas.

        Raises:
            InputError: the arguments don't fit.
        """
        del version
        given = self.inputs.check(arguments)
        found, total = self._index.find(given["query"], given["limit"])
        shown: dict[str, Any] = {"tools": [_short(tool) for tool in found], "fitting": total}
        if not found:
            shown["to_do"] = "try other words, or an empty query for the first tools of the list"
        return _told(shown)


class DescribeTool(_SearchTool):
    """``describe-tool``."""

    name = "describe-tool"
    title = "Describe a tool"
    inputs = InputSet([_NAME])

    def description(self) -> str:
        """Say what it is for."""
        return f"Returns all about one tool: its description and the schemas of `{CallTool.name}`'s arguments for it."

    async def call(self, arguments: Mapping[str, Any], version: str) -> dict[str, Any]:
        """Return the tool as tools/list would show it.

        Raises:
            InputError: there is no such tool.
        """
        tool = self.known(self.inputs.check(arguments)["name"])
        return _told(tool.declaration(modern=revisions.is_modern(version)))


class CallTool(_SearchTool):
    """``call-tool``."""

    name = "call-tool"
    title = "Call a tool"
    inputs = InputSet(
        [
            _NAME,
            _input("arguments", "object", "Its arguments, as its schema wants them.", required=False, default={}),
        ]
    )
    reads = False

    def description(self) -> str:
        """Say what it is for."""
        return f"Calls a tool that `{FindTools.name}` found."

    async def call(self, arguments: Mapping[str, Any], version: str) -> dict[str, Any]:
        """Return the tool's own result; its arguments are checked against its own schema.

        Raises:
            InputError: there is no such tool.
        """
        given = self.inputs.check(arguments)
        return await self.tools.run(self.known(given["name"]), given["arguments"], version)


def _short(tool: Tool) -> dict[str, Any]:
    plan = tool.unit.plan
    said = neutral.prose(plan.description or plan.label or "")
    required = tool.schema.get("required", ())
    arguments = {
        name: f"{_kind(schema)}, required" if name in required else _kind(schema)
        for name, schema in tool.schema.get("properties", {}).items()
    }
    shown: dict[str, Any] = {"name": tool.name}
    if said:
        shown["description"] = said if len(said) <= _SHOWN_DESCRIPTION else f"{said[: _SHOWN_DESCRIPTION - 1]}…"
    return {**shown, "arguments": arguments}


def _kind(schema: Any) -> str:
    if not isinstance(schema, Mapping):
        return "any"
    if "enum" in schema:
        return " | ".join(dump_json(value).decode() for value in schema["enum"])
    kind = schema.get("type", "any")
    return " | ".join(kind) if isinstance(kind, list) else str(kind)


def _told(value: dict[str, Any]) -> dict[str, Any]:
    text = dump_json(value).decode()
    return revisions.complete(content=[{"type": "text", "text": text}], structuredContent=value, isError=False)
