"""Tools: what tools/list shows, and what tools/call does (SEMANTICS 3.7, 3.8 and 7)."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, CallToolRequestParams, PaginatedRequestParams
from mcp_types.methods import serialize_server_result
from mcp_types.version import LATEST_HANDSHAKE_VERSION, LATEST_MODERN_VERSION
from pydantic import ValidationError

from naftiko.document.model import ToolHints
from naftiko.document.suggest import did_you_mean
from naftiko.engine.capability import Unit
from naftiko.expose.mcp import revisions
from naftiko.expose.mcp.failures import failed_result
from naftiko.expose.mcp.progress import reporting
from naftiko.expose.mcp.results import tool_result
from naftiko.expose.mcp.schemas import OutputShape, generated_schema, input_schema, output_shape
from naftiko.expose.mcp.sources import Source
from naftiko.expose.problems import Redact, report

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool, ready to be listed and called."""

    unit: Unit
    redact: Redact
    schema: Mapping[str, Any]
    shape: OutputShape

    def declaration(self, *, modern: bool) -> dict[str, Any]:
        """Return it as tools/list shows it, in wire form."""
        plan = self.unit.plan
        shown: dict[str, Any] = {"name": plan.alias}
        if plan.label:
            shown["title"] = plan.label
        if plan.description:
            shown["description"] = plan.description
        shown["inputSchema"] = self.schema
        output = self.shape.shown(modern=modern)
        if output is not None:
            shown["outputSchema"] = output
        annotations = _annotations(plan.label, plan.hints)
        if annotations:
            shown["annotations"] = annotations
        return shown


def _annotations(label: str | None, hints: ToolHints | None) -> dict[str, Any]:
    if hints is None:
        return {"title": label} if label else {}
    said = {
        "title": label,
        "readOnlyHint": hints.read_only,
        "destructiveHint": hints.destructive,
        "idempotentHint": hints.idempotent,
        "openWorldHint": hints.open_world,
    }
    return {name: value for name, value in said.items() if value is not None}


def _tools_of(source: Source) -> Iterable[Tool]:
    mock = source.capability.settings.mock
    for unit in source.adapter.units:
        tool = Tool(unit, source.redact, input_schema(unit.plan), output_shape(unit.plan, mock=mock))
        if _is_listable(tool):
            yield tool
        else:
            # One of them would take all tools of the server down with it.
            place, name = unit.plan.position, unit.name
            _log.warning("%s: the inputSchema of `%s` is none that MCP can show; its inputs are shown", place, name)
            yield replace(tool, schema=generated_schema(unit.plan))


def _is_listable(tool: Tool) -> bool:
    """Tell whether the SDK takes a tool at every revision."""
    for version in (LATEST_HANDSHAKE_VERSION, LATEST_MODERN_VERSION):
        listed = revisions.complete(tools=[tool.declaration(modern=revisions.is_modern(version))])
        try:
            serialize_server_result("tools/list", version, {**listed, "ttlMs": 0, "cacheScope": "private"})
        except ValidationError:
            return False
    return True


class ToolBook:
    """The tools of a server, in the order of its adapters; of two with the same name the first one is served."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._tools: dict[str, Tool] = {}
        self._by_real_name: dict[str, Tool] = {}
        for source in sources:
            for tool in _tools_of(source):
                first = self._tools.setdefault(tool.unit.alias, tool)
                self._by_real_name.setdefault(tool.unit.name, tool)
                if first is not tool:
                    here, there = tool.unit.plan.position, first.unit.plan.position
                    _log.warning("%s: a second tool `%s`; %s is served", here, tool.unit.alias, there)
        self._lists = {
            modern: revisions.complete(tools=[tool.declaration(modern=modern) for tool in self._tools.values()])
            for modern in (False, True)
        }

    def __bool__(self) -> bool:
        return bool(self._tools)

    def find(self, name: str) -> Tool | None:
        """Return a tool by its name for clients, or by its real one."""
        return self._tools.get(name) or self._by_real_name.get(name)

    def schema_of(self, name: str) -> Mapping[str, Any] | None:
        """Return a tool's input schema, which the SDK asks for before a call."""
        tool = self.find(name)
        return None if tool is None else tool.schema

    async def list(self, context: ServerRequestContext[Any, Any], _params: PaginatedRequestParams) -> dict[str, Any]:
        """Answer tools/list: one page, always in the same order."""
        return self._lists[revisions.is_modern(context.protocol_version)]

    async def call(self, context: ServerRequestContext[Any, Any], params: CallToolRequestParams) -> dict[str, Any]:
        """Answer tools/call; whatever fails but the name is a result with ``isError``.

        Raises:
            MCPError: -32602, there is no such tool.
        """
        tool = self.find(params.name)
        if tool is None:
            hint = did_you_mean(params.name, self._tools)
            raise MCPError(INVALID_PARAMS, f"Unknown tool: {params.name}{f' ({hint})' if hint else ''}")
        unit = tool.unit
        try:
            async with reporting(context, unit.name):
                answer = await unit.run(params.arguments)
            return tool_result(answer, unit.plan, tool.shape, context.protocol_version)
        except Exception as error:  # noqa: BLE001  # what escapes here is told to the client by the SDK
            return failed_result(unit.name, report(error, tool.redact, unit=f"tool {unit.name}"))
