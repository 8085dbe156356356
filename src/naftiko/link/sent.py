"""What of a capability's variables is sent to its APIs, and under which names (SEMANTICS 9)."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from naftiko.expression.references import InputOrVariable, Variable
from naftiko.expression.sources import leaves
from naftiko.plan.actions import Call
from naftiko.plan.unit import CapabilityPlan

_WORDS: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
_KNOWN: Final = frozenset(
    {
        "account",
        "acct",
        "agent",
        "app",
        "base",
        "board",
        "bucket",
        "channel",
        "city",
        "client",
        "cluster",
        "country",
        "currency",
        "customer",
        "database",
        "date",
        "db",
        "domain",
        "email",
        "endpoint",
        "env",
        "environment",
        "file",
        "folder",
        "format",
        "from",
        "group",
        "host",
        "hostname",
        "id",
        "ids",
        "lang",
        "language",
        "list",
        "locale",
        "mail",
        "mode",
        "model",
        "name",
        "namespace",
        "number",
        "org",
        "organisation",
        "organization",
        "owner",
        "page",
        "path",
        "phone",
        "project",
        "recipient",
        "region",
        "repo",
        "repository",
        "sender",
        "service",
        "shop",
        "site",
        "size",
        "store",
        "table",
        "team",
        "tenant",
        "to",
        "type",
        "uri",
        "url",
        "user",
        "username",
        "version",
        "workspace",
        "zone",
    }
)
"""Words that say of a value what else it is than a secret."""
_RANDOM: Final = re.compile(r"(?=.*[A-Za-z])(?=.*[0-9])[\w+=.~:-]{16,}", re.ASCII)
_NOT_RANDOM: Final = re.compile(
    r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"  # a UUID
    r"|[a-z0-9-]+(?:\.[a-z0-9-]+)+(?::[0-9]+)?"  # a host
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}.*"  # a date
)


def sent_variables(plan: CapabilityPlan) -> Mapping[str, frozenset[str]]:
    """Return the variables that requests have in headers, queries, cookies, paths and bodies.

    Returns:
        by the variable's name, what carries its value: names of headers and other parameters, none for bodies. What a
        base URI alone is made of is not among them, nor is what an authentication needs.
    """
    found: dict[str, set[str]] = {}
    for name, carrier in _sent(plan):
        found.setdefault(name, set()).update(filter(None, [carrier]))
    return {name: frozenset(carriers) for name, carriers in found.items()}


def _sent(plan: CapabilityPlan) -> Iterator[tuple[str, str]]:
    for api in plan.apis.values():
        for parameter in api.parameters:
            yield from ((name, parameter.name) for name in variables_of_value(parameter.fixed))
    for unit in (unit for adapter in plan.adapters for unit in adapter.runnable):
        if unit.action is None:
            continue
        for call in (each for _, made in unit.action.calls for each in made.every):
            yield from _sent_by(call)
        for carrier, value in itertools.chain(*unit.action.layers):
            yield from ((name, carrier) for name in variables_of_value(value))


def _sent_by(call: Call) -> Iterator[tuple[str, str]]:
    yield from ((name, "") for name in call.variables)
    for parameter in call.operation.parameters:
        yield from ((name, parameter.name) for name in variables_of_value(parameter.fixed))
    for carrier, value in call.arguments:
        yield from ((name, carrier) for name in variables_of_value(value))


def variables_of_value(value: Any) -> Iterator[str]:
    """Yield the variables that a compiled value may read."""
    yield from (leaf.name for leaf in leaves(value) if isinstance(leaf, Variable | InputOrVariable))


def looks_secret(value: str, names: Iterable[str]) -> bool:
    """Tell whether a value looks like a secret that nothing calls one: random, and no name says what else it is.

    Args:
        value: of a variable.
        names: of the variable, and of what carries it.
    """
    if not _RANDOM.fullmatch(value) or _NOT_RANDOM.fullmatch(value):
        return False
    words = {word.lower() for name in names for word in _WORDS.findall(name)}
    return words.isdisjoint(_KNOWN)
