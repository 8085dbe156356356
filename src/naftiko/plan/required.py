"""Required parameters of a consumed operation: which need a value of the caller's, and which a call never gives one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from naftiko.plan.operation import Operation
from naftiko.plan.parameter import Parameter
from naftiko.plan.path import encode_literal
from naftiko.plan.unit import ApiPlan
from naftiko.types import ABSENT

_MADE: Final = frozenset({"accept", "accept-encoding", "content-type", "user-agent"})
"""Headers that a request gets where nothing sets them."""


def is_made_elsewhere(parameter: Parameter, operation: Operation, api: ApiPlan) -> bool:
    """Tell a credential, a header that every request has, and what stands in the query of the path or the base URI."""
    name = parameter.name.lower() if parameter.location == "header" else parameter.name
    if (parameter.location, name) in api.credentials:
        return True
    if parameter.location == "header":
        return name in _MADE
    if parameter.location != "query":
        return False
    fixed = [pair.partition("=")[0] for pair in api.base.query.split("&")]
    fixed += [pair.name for pair in operation.path.query if not pair.holds_placeholder]
    return encode_literal(name) in fixed or name in fixed


def without_source(operation: Operation, api: ApiPlan, arguments: Iterable[str]) -> list[Parameter]:
    """Return the required parameters outside of path and body that nothing gives a value, whatever a caller does."""
    given = frozenset(arguments)
    return [
        parameter
        for parameter in operation.parameters
        if parameter.required
        and parameter.asked
        and parameter.location in {"query", "header", "cookie"}
        and parameter.fallback is ABSENT
        and parameter.argument not in given
        and not is_made_elsewhere(parameter, operation, api)
    ]
