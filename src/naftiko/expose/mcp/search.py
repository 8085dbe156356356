"""Many tools behind three: find, describe and call, over an index of names and descriptions (``--tools search``)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

from naftiko.engine.request import dump_json
from naftiko.expose.mcp import revisions
from naftiko.expose.mcp.tool import Tool
from naftiko.ground.errors import InputError, Problem
from naftiko.ground.types import ABSENT
from naftiko.observe import sanitize as neutral
from naftiko.plan.inputs import Input, InputSet

if TYPE_CHECKING:
    import bm25s

MOST_FOUND: Final = 50
_FOUND: Final = 10
_SHOWN_DESCRIPTION: Final = 300
_NAMED: Final = 20
"""Namespaces that the description of ``find-tools`` names."""
_WORD: Final = re.compile(r"[A-Z]+(?![^\W\d_A-Z])|[A-Z]?[^\W\d_A-Z]+|\d+")
_WEIGHT_OF_A_NAME: Final = 3
_SHORTEST_PLURAL: Final = 4


def words(text: str) -> list[str]:
    """Return the words of a text for the index: lower case, parts of ``camelCase`` and ``snake_case``, no plurals."""
    return [_singular(word.lower()) for word in _WORD.findall(text)]


def _singular(word: str) -> str:
    if len(word) < _SHORTEST_PLURAL or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    return f"{word[:-3]}y" if word.endswith("ies") else word[:-1]


class ToolIndex:
    """Finds tools by what they are called and what they say of themselves (BM25); always in the same order."""

    def __init__(self, tools: Sequence[Tool]) -> None:
        self._tools = tuple(tools)
        self._index = _made_index([_indexed(tool) for tool in tools]) if tools else None

    def find(self, query: str, most: int) -> tuple[list[Tool], int]:
        """Return the tools that fit best, at most ``most``, and how many fit; without words the first ones."""
        asked = words(query)
        if not asked or self._index is None:
            return list(self._tools[:most]), len(self._tools)
        scores = self._index.get_scores(asked).tolist()
        # Equal scores in the order of the files: the same question has the same answer in every process.
        ranked = sorted((at for at, score in enumerate(scores) if score > 0), key=lambda at: (-scores[at], at))
        return [self._tools[at] for at in ranked[:most]], len(ranked)


def _made_index(documents: Sequence[Sequence[str]]) -> bm25s.BM25:
    import bm25s  # noqa: PLC0415  # an extra, and numpy takes a while

    index = bm25s.BM25()
    index.index([list(document) for document in documents], show_progress=False)
    return index


def _indexed(tool: Tool) -> list[str]:
    plan = tool.unit.plan
    name = words(tool.name)
    said = words(f"{plan.label or ''} {plan.description or ''} {' '.join(plan.tags)}")
    arguments = words(" ".join(tool.schema.get("properties", {})))
    return [*name * _WEIGHT_OF_A_NAME, *said, *arguments] or [tool.name]


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
