"""Tools, as MCP clients and their language models see them."""

from __future__ import annotations

from naftiko.document.findings import Findings
from naftiko.plan.names import MAX_LENGTH
from naftiko.plan.text import compact_json
from naftiko.plan.unit import AdapterPlan, CapabilityPlan, UnitPlan

FEW_TOOLS = 40
"""Some clients pass on no more tools than this (Cursor)."""
MOST_TOOLS = 128
"""Model APIs and clients refuse more (OpenAI's, VS Code)."""
MANY_TOKENS = 20_000
"""A tool list of this size takes a tenth of a usual context window, with every request."""
CHARACTERS_A_TOKEN = 4
LONG_DESCRIPTION = 1_024
"""Model APIs refuse a request with a tool whose description is longer (OpenAI's, Azure's)."""
LONGEST_DESCRIPTION = 2_048
"""Claude Code cuts descriptions there."""


def check_tools(plan: CapabilityPlan, findings: Findings) -> None:
    """Check the tools of every MCP adapter."""
    for adapter in plan.adapters:
        if adapter.kind == "mcp":
            _check_count(adapter, findings)
            for tool in adapter.units:
                _check_tool(tool, findings)


def tokens_of(adapter: AdapterPlan) -> int:
    """Estimate how many tokens the tool list takes: four characters of its JSON a token."""
    return sum(map(_characters, adapter.units)) // CHARACTERS_A_TOKEN


def _characters(tool: UnitPlan) -> int:
    properties = {given.alias: given.schema for given in tool.inputs.inputs}
    texts = sum(len(given.description or "") + len('"description":"",') for given in tool.inputs.inputs)
    schema = tool.schema if tool.schema is not None else {"type": "object", "properties": properties}
    shown = {"name": tool.alias, "description": tool.description, "inputSchema": schema}
    return len(compact_json(shown)) + (texts if tool.schema is None else 0)


def _check_count(adapter: AdapterPlan, findings: Findings) -> None:
    count = len(adapter.units)
    here = findings.at_position(adapter.position)
    if count > MOST_TOOLS:
        here.warning(
            "too-many-tools",
            f"{count} tools in one adapter: clients and models take no more than {MOST_TOOLS}",
            hint="split the capability, or expose fewer tools",
        )
    elif count > FEW_TOOLS:
        here.hint(
            "many-tools",
            f"{count} tools in one adapter: some clients pass on no more than {FEW_TOOLS}",
            hint="split the capability, or expose fewer tools",
        )
    tokens = tokens_of(adapter)
    if tokens > MANY_TOKENS:
        here.warning(
            "tool-list-tokens",
            f"the tool list takes about {tokens:,} tokens of a model's context in every conversation",
            hint="shorten the descriptions, or expose fewer tools",
        )


def _check_tool(tool: UnitPlan, findings: Findings) -> None:
    here = findings.at_position(tool.position)
    if len(tool.name) > MAX_LENGTH:
        here.warning(
            "tool-name-length",
            f"the tool name has {len(tool.name)} characters, clients take {MAX_LENGTH}: it is shown as `{tool.alias}`",
            hint="choose a shorter name",
        )
    elif tool.alias != tool.name:
        here.hint(
            "tool-name-characters",
            f"clients refuse the tool name `{tool.name}`: it is shown as `{tool.alias}`",
            hint="use letters, digits, `_` and `-`",
        )
    if not (tool.description or "").strip():
        here.warning(
            "tool-description",
            f"the tool `{tool.name}` has no description: a model can only guess what it does",
            hint="add a `description`",
        )
    elif tool.description is not None and len(tool.description) > LONG_DESCRIPTION:
        cut = ", and Claude Code cuts it" if len(tool.description) > LONGEST_DESCRIPTION else ""
        here.warning(
            "tool-description-length",
            f"the description of `{tool.name}` has {len(tool.description):,} characters: "
            f"model APIs refuse more than {LONG_DESCRIPTION:,}{cut}",
            hint="say in a sentence or two what it does and when to use it",
        )
