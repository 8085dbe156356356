"""Find the unit that a caller names: by name, by alias, or by method and path."""

from __future__ import annotations

import click

from naftiko.document.suggest import did_you_mean
from naftiko.engine.capability import Capability, Unit


def find_unit(capability: Capability, named: str, adapter: str | None = None) -> Unit:
    """Return the unit that is meant.

    A name that a route and a tool share means whichever stands first in the file, unless an adapter is named.

    Args:
        capability: where to look.
        named: a name, an alias, or ``METHOD PATH``.
        adapter: ``rest`` or ``mcp``.

    Raises:
        click.UsageError: there is none, or one adapter has several of that name.
    """
    units = [unit for unit in capability.units if adapter in {None, unit.adapter}]
    found = [unit for unit in units if named in {unit.name, unit.alias}] or [
        unit for unit in units if _route(unit) == _normal(named)
    ]
    if not found:
        names = [name for unit in units for name in (unit.name, _route(unit)) if name]
        hint = did_you_mean(named, names) or "`naftiko inspect` lists them"
        where = f" in {adapter}" if adapter else ""
        raise click.UsageError(f"there is no operation or tool `{named}`{where}; {hint}")
    same = [unit for unit in found if (unit.adapter, unit.namespace) == (found[0].adapter, found[0].namespace)]
    if len(same) > 1:
        routes = ", ".join(f'"{_route(unit)}"' for unit in same)
        raise click.UsageError(f"`{named}` is the name of several routes; name one by method and path: {routes}")
    return found[0]


def _route(unit: Unit) -> str:
    return f"{unit.method} {unit.path}" if unit.method and unit.path else ""


def _normal(named: str) -> str:
    method, _, path = named.strip().partition(" ")
    return f"{method.upper()} {path.strip()}"
