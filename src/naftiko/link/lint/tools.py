"""Tools as MCP clients and their models see them, and texts for people.

Missing descriptions, markup that would run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from naftiko.document.findings import Findings
from naftiko.document.model import (
    AdapterModel,
    Aggregate,
    CapabilityDocument,
    ConsumesHttp,
    Info,
    Model,
)
from naftiko.expression.text import compact_json
from naftiko.ground.types import Severity
from naftiko.link.adapters import KINDS, linked
from naftiko.link.tool_list import input_schema, tool_description
from naftiko.plan.names import MAX_LENGTH
from naftiko.plan.own_schema import OwnSchema
from naftiko.plan.portable import LONGEST_TEXT
from naftiko.plan.unit import AdapterPlan, CapabilityPlan, UnitPlan

_RUNS = re.compile(r"<\s*script|javascript:|\beval\s*\(", re.IGNORECASE)
_TEXT_KEYS = ("description", "label")


def check_texts(document: CapabilityDocument, plan: CapabilityPlan, findings: Findings) -> None:
    """Check the texts of everything that is shown."""
    if document.info is not None:
        _check_info(document.info, findings)
    for thing in _shown(document):
        _check_markup(thing, findings)
    for what, thing in _described(document):
        if not (getattr(thing, "description", None) or "").strip():
            findings.at(thing.node).hint("missing-description", f"{what} has no description")
    for unit in plan.units:
        what = "" if (unit.description or "").strip() else KINDS[unit.adapter].undescribed(unit)
        if what:
            findings.at_position(unit.position).hint("missing-description", f"{what} has no description")


def _check_info(info: Info, findings: Findings) -> None:
    missing = [key for key in ("label", "description", "tags") if not getattr(info, key)]
    if missing:
        findings.at(info.node).hint(
            "info-incomplete",
            f"`info` has no {' and no '.join(missing)}",
            hint="catalogues and people find a capability by them",
        )


def _check_markup(thing: Model, findings: Findings) -> None:
    for key in _TEXT_KEYS:
        text = getattr(thing, key, None)
        found = _RUNS.search(text) if isinstance(text, str) else None
        if found is not None:
            findings.at(thing.at(key)).warning(
                "script-in-text",
                f"the {key} holds `{found[0].strip()}`: where it is shown as HTML, it runs",
                hint="describe it in words",
            )


def _described(document: CapabilityDocument) -> Iterator[tuple[str, Model]]:
    """Yield what should say what it is for; tools have a rule of their own."""
    for api in document.consumes:
        if isinstance(api, ConsumesHttp):
            yield f"the consumed API `{api.namespace}`", api
    for aggregate in document.aggregates:
        if isinstance(aggregate, Aggregate):
            yield from ((f"the function `{function.name}`", function) for function in aggregate.functions)
    for kind, model in linked(document):
        yield from kind.described(model)


def _shown(document: CapabilityDocument) -> Iterator[Model]:
    """Yield everything that has a label or a description which a client may show."""
    if document.info is not None:
        yield document.info
    for aggregate in document.aggregates:
        yield aggregate
        yield from getattr(aggregate, "functions", ())
    for api in document.consumes:
        yield api
        for resource in getattr(api, "resources", ()):
            yield resource
            yield from resource.operations
            for operation in resource.operations:
                yield from operation.input_parameters
    for adapter in document.exposes:
        yield adapter
        if isinstance(adapter, AdapterModel) and adapter.kind in KINDS:
            yield from KINDS[adapter.kind].shown(adapter)


FEW_TOOLS = 40
"""Some clients pass on no more tools than this (Cursor)."""
MOST_TOOLS = 128
"""Model APIs and clients refuse more (OpenAI's, VS Code)."""
MANY_TOKENS = 20_000
"""A tool list of this size takes a tenth of a usual context window, with every request."""
CHARACTERS_A_TOKEN = 4
"""How many characters of JSON are taken for a token: an estimate, no model's own count."""
LONGEST_DESCRIPTION = 2_048
"""Claude Code cuts descriptions there."""
_SHOWN = 5


def check_tools(plan: CapabilityPlan, findings: Findings) -> None:
    """Check the tools of every adapter that lists some."""
    for adapter in plan.adapters:
        if KINDS[adapter.kind].lists_tools:
            _check_count(adapter, findings)
            for tool in adapter.units:
                _check_tool(tool, findings)


def tokens_of(adapter: AdapterPlan) -> int:
    """Estimate how many tokens the tool list takes."""
    return sum(map(_characters, adapter.units)) // CHARACTERS_A_TOKEN


def _characters(tool: UnitPlan) -> int:
    shown = {"name": tool.alias, "description": tool_description(tool), "inputSchema": input_schema(tool)}
    return len(compact_json(shown))


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
    elif tool.description is not None and len(tool.description) > LONGEST_TEXT:
        cut = ", and Claude Code cuts it" if len(tool.description) > LONGEST_DESCRIPTION else ""
        here.warning(
            "tool-description-length",
            f"the description of `{tool.name}` has {len(tool.description):,} characters: "
            f"model APIs refuse more than {LONGEST_TEXT:,}{cut}; it is shown cut",
            hint="say in a sentence or two what it does and when to use it",
        )
    if tool.own_schema is not None:
        _check_own_schema(tool.name, tool.own_schema, findings)


def _check_own_schema(name: str, own: OwnSchema, findings: Findings) -> None:
    """Tell what of a tool's own ``inputSchema`` clients are shown otherwise, or not at all; one line for each rule."""
    by_rule: dict[tuple[str, Severity], list[str]] = {}
    for loss in own.losses:
        text = f"`{loss.where}`: {loss.text}" if loss.where else loss.text
        by_rule.setdefault((loss.rule, loss.severity), []).append(text)
    here = findings.at_position(own.position)
    for (rule, severity), told in by_rule.items():
        more = f"; and {len(told) - _SHOWN} more" if len(told) > _SHOWN else ""
        say = here.hint if severity is Severity.HINT else here.warning
        say(rule, f"the inputSchema of `{name}`: {'; '.join(told[:_SHOWN])}{more}")
