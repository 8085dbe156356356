"""One tool: what tools/list shows of it, and what a call of it needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from naftiko.document.model import ToolHints
from naftiko.engine.capability import Capability, Unit
from naftiko.expose.http.problems import Redact
from naftiko.expose.mcp.options import McpOptions
from naftiko.expose.mcp.schemas import OutputShape, output_shape
from naftiko.expose.mcp.sources import McpSource, mcp_sources
from naftiko.link.tool_list import input_schema, tool_description
from naftiko.observe import sanitize as neutral
from naftiko.plan.names import tool_names
from naftiko.plan.streamed import is_paged
from naftiko.plan.unit import UnitPlan


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool, ready to be listed and called.

    Attributes:
        name: how clients call it: the unit's alias, behind the prefix of its source.
        identity: ``namespace/name``, whatever it is called by.
        unit: what it runs.
        redact: hides the capability's secrets.
        schema: of its arguments.
        shape: of its structured results.
        budget: characters of an answer; 0 for any number.
        is_noted: whether answers may say what policies made of them.
        is_paged: whether answers are lists that come in pages.
        streams: whether something that it calls answers with a stream, which is another one each time.
    """

    name: str
    identity: str
    unit: Unit
    redact: Redact
    schema: Mapping[str, Any]
    shape: OutputShape
    budget: int
    is_noted: bool = False
    is_paged: bool = False
    streams: bool = False

    def declaration(self, *, modern: bool) -> dict[str, Any]:
        """Return it as tools/list shows it, in wire form."""
        plan = self.unit.plan
        shown: dict[str, Any] = {"name": self.name}
        if plan.label:
            shown["title"] = plan.label
        shown["description"] = tool_description(plan)
        shown["inputSchema"] = self.schema
        output = self.shape.shown(modern=modern)
        if output is not None:
            shown["outputSchema"] = output
        annotations = _annotations(plan.label, plan.hints, reads=plan.only_reads)
        if annotations:
            shown["annotations"] = annotations
        declared: dict[str, Any] = neutral.declared(shown)
        return declared

    @property
    def may_exceed(self) -> bool:
        """Whether an answer can be larger than the budget: what no upstream sends is as large as the file says."""
        action = self.unit.plan.action
        return bool(self.budget) and action is not None and not action.is_made_here

    @property
    def is_repeatable(self) -> bool:
        """Whether a call may be made again to fetch the rest of its answer: it only reads.

        Whoever says that the answer to a POST has pages says that it may be sent once for each of them.
        """
        if self.streams:
            return False
        hints = self.unit.plan.hints
        if hints is not None and hints.read_only is not None:
            return hints.read_only
        return self.unit.plan.only_reads or self.is_paged


def _annotations(label: str | None, hints: ToolHints | None, *, reads: bool) -> dict[str, Any]:
    """Return what a client may assume: what the file says, and that a tool only reads where it says nothing of it."""
    hints = hints or ToolHints()
    says_otherwise = hints.read_only is not None or hints.destructive
    said = {
        "title": label,
        "readOnlyHint": hints.read_only if says_otherwise or not reads else True,
        "destructiveHint": hints.destructive,
        "idempotentHint": hints.idempotent,
        "openWorldHint": hints.open_world,
    }
    return {name: value for name, value in said.items() if value is not None}


def tools_of(source: McpSource, options: McpOptions) -> Iterable[Tool]:
    """Yield the tools of an adapter that are served, in the order of the file."""
    names = _names(source)
    for unit in source.adapter.units:
        if not options.selection.admits(source.namespace, unit.name):
            continue
        yield _tool(source, unit, names[unit.name], options)


def declared_tools(capability: Capability) -> Iterator[dict[str, Any]]:
    """Yield the tools of a capability as tools/list of the newest revision shows them."""
    for source in mcp_sources([capability]):
        for tool in tools_of(source, McpOptions()):
            yield tool.declaration(modern=True)


def _tool(source: McpSource, unit: Unit, name: str, options: McpOptions) -> Tool:
    plan: UnitPlan = unit.plan
    return Tool(
        name=name,
        identity=f"{source.namespace}/{unit.name}",
        unit=unit,
        redact=source.redact,
        schema=input_schema(plan),
        shape=output_shape(plan, mock=source.capability.settings.mock),
        budget=options.budget_of(source.namespace, unit.name),
        is_noted=plan.action is not None and any(call.has_notes for _, call in plan.action.calls),
        is_paged=plan.action is not None and is_paged(plan.action),
        streams=plan.action is not None and any(call.operation.stream is not None for _, call in plan.action.calls),
    )


def _names(source: McpSource) -> Mapping[str, str]:
    """Return the name for clients of each tool by its real one."""
    if not source.prefix:
        return {unit.name: unit.alias for unit in source.adapter.units}
    safe = tool_names(source.prefix + unit.name for unit in source.adapter.units)
    return {unit.name: safe[source.prefix + unit.name] for unit in source.adapter.units}
