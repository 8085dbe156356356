"""Find what a caller names: a route, a tool, a resource or a prompt."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import click

from naftiko.document.model import McpPrompt
from naftiko.document.suggest import did_you_mean
from naftiko.engine.capability import Adapter, Capability, Unit
from naftiko.expose.mcp.uris import UriTemplate
from naftiko.plan.routes import parse_route
from naftiko.plan.unit import ResourcePlan


@dataclass(frozen=True, slots=True)
class NamedUnit:
    """A route, a tool, or a resource that is called.

    Attributes:
        values: what the URI of a resource says of its inputs.
    """

    unit: Unit
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NamedFiles:
    """A resource that is a directory; ``uri`` is one of its files, or ``""`` for a list of them."""

    adapter: Adapter
    resource: ResourcePlan
    uri: str = ""


@dataclass(frozen=True, slots=True)
class NamedPrompt:
    """A prompt."""

    adapter: Adapter
    model: McpPrompt


Named: TypeAlias = NamedUnit | NamedFiles | NamedPrompt


def find(capability: Capability, named: str, adapter: str | None = None, given: Collection[str] = frozenset()) -> Named:
    """Return what is meant.

    Of the same name, a route or a tool is meant before a resource, and that before a prompt; ``resource NAME`` and
    ``prompt NAME`` mean the others. A name that a route and a tool share means whichever stands first in the file,
    unless an adapter is named.

    Args:
        capability: where to look.
        named: a name, an alias, ``METHOD PATH``, or the URI of a resource.
        adapter: the kind of adapter to look at; all of them if ``None``.
        given: the names of the inputs, which tell routes of the same method and path apart, as they do on the wire.

    Raises:
        click.UsageError: there is nothing of that name, or one adapter has several routes of it.
    """
    units = [unit for unit in capability.units if adapter in {None, unit.adapter}]
    unit = _unit(units, named, given)
    if unit is not None:
        return NamedUnit(unit)
    exposing = [each for each in capability.adapters if adapter in {None, each.kind}]
    found = next(_resources(exposing, named, capability), None) or next(_prompts(exposing, named), None)
    if found is None:
        names = [*_unit_names(units), *_other_names(exposing)]
        hint = did_you_mean(named, names) or "`naftiko inspect` lists them"
        where = f" in {adapter}" if adapter else ""
        raise click.UsageError(f"there is no operation or tool `{named}`{where}, no resource and no prompt; {hint}")
    return found


def _unit(units: list[Unit], named: str, given: Collection[str]) -> Unit | None:
    found = (
        [unit for unit in units if named in {unit.name, unit.alias}]
        or [unit for unit in units if _route(unit) == _normal(named)]
        or [unit for unit in units if _key(unit.method, unit.path) == _key(*_parted(named))]
    )
    if not found:
        return None
    same = [unit for unit in found if (unit.adapter, unit.namespace) == (found[0].adapter, found[0].namespace)]
    if len({_key(unit.method, unit.path or unit.name) for unit in same}) > 1:
        routes = ", ".join(f'"{_route(unit)}"' for unit in same)
        raise click.UsageError(f"`{named}` is the name of several routes; name one by method and path: {routes}")
    return max(same, key=lambda unit: _fitness(unit, given)) if len(same) > 1 else found[0]


def _fitness(unit: Unit, given: Collection[str]) -> tuple[bool, bool, int, int]:
    """Return how well inputs fit a unit: whether it can be executed, has all it requires, and how much that is."""
    meant = {found.name for name in given if (found := unit.plan.inputs.find(name)) is not None}
    required = {found.name for found in unit.inputs if found.required}
    fits = required <= meant
    return unit.executable, fits, len(required) if fits else 0, len(meant) if fits else 0


def _resources(exposing: list[Adapter], named: str, capability: Capability) -> Iterator[Named]:
    """Yield the resources that are meant: by name, then by URI."""
    resources = [(adapter, plan) for adapter in exposing for plan in adapter.plan.resources]
    name = named.removeprefix("resource ").strip()
    for adapter, plan in resources:
        if plan.name == name:
            unit = None if plan.unit is None else Unit(plan.unit, capability.engine)
            yield NamedFiles(adapter, plan) if unit is None else NamedUnit(unit)
    for adapter, plan in resources:
        if plan.unit is not None:
            values = {} if plan.uri == name else UriTemplate(plan.uri).match(name)
            if values is not None:
                yield NamedUnit(Unit(plan.unit, capability.engine), values)
        elif name == plan.uri or name.startswith(f"{plan.uri.rstrip('/')}/"):
            yield NamedFiles(adapter, plan, name)


def _prompts(exposing: list[Adapter], named: str) -> Iterator[Named]:
    name = named.removeprefix("prompt ").strip()
    for adapter in exposing:
        for model in adapter.plan.prompts:
            if model.name == name:
                yield NamedPrompt(adapter, model)


def _unit_names(units: list[Unit]) -> Iterator[str]:
    for unit in units:
        yield from (name for name in (unit.name, _route(unit)) if name)


def _other_names(exposing: list[Adapter]) -> Iterator[str]:
    for adapter in exposing:
        for plan in adapter.plan.resources:
            yield from (plan.name, plan.uri)
        yield from (model.name for model in adapter.plan.prompts if model.name)


def _route(unit: Unit) -> str:
    return f"{unit.method} {unit.path}" if unit.method and unit.path else ""


def _key(method: str | None, path: str | None) -> tuple[object, ...]:
    """Return what routes share that answer the same requests; a tool has nothing of the kind."""
    return (method, *parse_route(path).key) if method and path else (None, path)


def _parted(named: str) -> tuple[str, str]:
    method, _, path = named.strip().partition(" ")
    return method.upper(), path.strip()


def _normal(named: str) -> str:
    return " ".join(_parted(named))
