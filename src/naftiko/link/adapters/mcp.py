"""The MCP adapter when a file is loaded: tools, resources and prompts (SEMANTICS 7)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import ClassVar

from naftiko.document.findings import Findings
from naftiko.document.model import (
    AdapterModel,
    InputParameter,
    McpAdapter,
    McpResource,
    McpTool,
    Model,
    Semantics,
)
from naftiko.expression.path import placeholders
from naftiko.link.adapters.kind import AdapterKind, Declaration, Linker, Located, Place
from naftiko.link.caller_limits import Limiting
from naftiko.link.namesakes import Evidence
from naftiko.plan.limits import CallerLimits
from naftiko.plan.names import tool_names
from naftiko.plan.routes import OuterInputs
from naftiko.plan.unit import AdapterPlan, ResourcePlan, UnitPlan


class _Mcp(AdapterKind[McpAdapter]):
    model: ClassVar[type[AdapterModel]] = McpAdapter
    lacks: ClassVar[str] = "tool, no resource and no prompt"
    lists_tools: ClassVar[bool] = True

    def link(self, model: McpAdapter, linker: Linker) -> AdapterPlan:
        place = Place(self.kind, model.namespace or "", max_binary_size=model.max_binary_size)
        of_tools = replace(place, gives_body=True)
        limiting, all_limits = linker.limiting, linker.limiting.of_adapter(model, model.limits)
        units = [_limited(linker.unit(tool, of_tools), tool, model, limiting, all_limits) for tool in model.tools]
        aliases = tool_names(unit.name for unit in units)
        units = [replace(unit, alias=aliases[unit.name]) for unit in _first_of_each(units, linker.findings)]
        for resource in model.resources:
            if not resource.uri:
                linker.findings.at(resource.node).warning(
                    "missing-name", "a resource without a `uri` can't be read", hint="add `uri: SCHEME://NAME`"
                )
        return linker.adapter(
            model,
            units,
            kept=model.without_place(resources=(), tools=()),
            resources=tuple(
                _resource(resource, model, place, linker, all_limits) for resource in model.resources if resource.uri
            ),
            prompts=model.prompts,
        )

    def mentions(self, model: McpAdapter) -> Iterator[tuple[str, Declaration, Evidence]]:
        for tool in model.tools:
            yield "tools", tool, Evidence(description=tool.description)
        for resource in model.resources:
            path = (resource.uri or "").rpartition("://")[2]
            yield "resources", resource, Evidence(path, path, resource.name, resource.description)

    def shown(self, model: McpAdapter) -> Iterator[Model]:
        yield from (*model.tools, *model.resources, *model.prompts)

    def described(self, model: McpAdapter) -> Iterator[tuple[str, Model]]:
        yield f"the MCP adapter `{model.namespace}`", model

    def files(self, model: McpAdapter) -> Iterator[tuple[str, Located]]:
        yield from (("resource", resource) for resource in model.resources)
        yield from (("prompt", prompt) for prompt in model.prompts)

    def lint(self, model: McpAdapter, findings: Findings) -> None:
        if not model.listens and model.authentication is not None:
            findings.at(model.at("authentication")).warning(
                "stdio-authentication",
                "stdio has no authentication: whoever starts the process is its caller",
                hint="remove `authentication`, or use `transport: http`",
            )

    def check_content(self, model: McpAdapter, findings: Findings) -> None:
        for prompt in model.prompts:
            if not prompt.template and prompt.location is None:
                findings.at(prompt.node).warning(
                    "nothing-served", f"the prompt `{prompt.name}` says nothing", hint="add `template` or `location`"
                )

    def contradictions(self, unit: Declaration, semantics: Semantics) -> Iterator[str]:
        """Compare with the hints of the tool."""
        hints = unit.hints if isinstance(unit, McpTool) else None
        if hints is None:
            return
        if semantics.safe and hints.read_only is False:
            yield "is safe, but the tool says it is not read-only"
        if semantics.safe and hints.destructive:
            yield "is safe, but the tool says it is destructive"
        if semantics.safe is False and hints.read_only:
            yield "is not safe, but the tool says it is read-only"
        if None not in {semantics.idempotent, hints.idempotent} and semantics.idempotent != hints.idempotent:
            yield "and the tool disagree on whether it is idempotent"


def _first_of_each(units: Sequence[UnitPlan], findings: Findings) -> list[UnitPlan]:
    seen: dict[str, UnitPlan] = {}
    for unit in units:
        first = seen.setdefault(unit.name, unit)
        if first is not unit:
            findings.at_position(unit.position).warning(
                "duplicate-tool", f"a second tool `{unit.name}`: the first one is served", related=(first.position,)
            )
    return list(seen.values())


def _limited(
    unit: UnitPlan, declared: McpTool | McpResource, model: McpAdapter, limiting: Limiting, outer: CallerLimits | None
) -> UnitPlan:
    limits = limiting.of_unit(model, declared.limits, unit.name, outer)
    return unit if limits is None else replace(unit, limits=limits)


def _resource(
    resource: McpResource, model: McpAdapter, place: Place, linker: Linker, outer: CallerLimits | None
) -> ResourcePlan:
    uri = resource.uri or ""
    variables = placeholders(uri)
    unit = None
    if resource.location is None:
        declared = tuple(
            InputParameter(name=name, type="string", required=True, node=resource.node) for name in variables
        )
        unit = linker.unit(resource, replace(place, outer=OuterInputs((declared,)), variables=variables))
        unit = _limited(unit, resource, model, linker.limiting, outer)
    else:
        _tell_of_files(resource, linker.findings)
    return ResourcePlan(
        name=resource.name or uri,
        label=resource.label,
        description=resource.description,
        uri=uri,
        mime_type=resource.mime_type,
        binary=bool(resource.binary),
        variables=variables,
        directory=resource.location,
        unit=unit,
        position=linker.findings.position(resource.node),
    )


def _tell_of_files(resource: McpResource, findings: Findings) -> None:
    """Tell what is declared of files and can't be done: nothing is called to read them."""
    what = f"`{resource.name or resource.uri}` is made of files, which are read without a call"
    if resource.limits is not None:
        hint = "declare the limits on the adapter"
        findings.at(resource.at("limits")).error("bad-limit", f"{what}: its `limits` limit nobody", hint=hint)
    if resource.redact:
        hint = "take it out of the files"
        findings.at(resource.at("redact")).error("bad-redaction", f"{what}: its `redact` hides nothing", hint=hint)


MCP = _Mcp()
"""Tools, resources and prompts for agents."""
