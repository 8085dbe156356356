"""What a compiled value is made of, for messages that say where a value should have come from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from naftiko.plan.references import InputOrVariable, Structure, Variable
from naftiko.plan.scope import Scope
from naftiko.plan.template import Placeholder, Section, Template


def leaves(value: Any) -> Iterator[Any]:
    """Yield what a value is made of: inputs, variables, paths and constants, templates and structures taken apart."""
    if isinstance(value, Template):
        yield from (leaf for part in value.parts if not isinstance(part, str) for leaf in leaves(part))
    elif isinstance(value, Placeholder):
        yield from leaves(value.value)
    elif isinstance(value, Section):
        yield from leaves(value.value)
        yield from (leaf for part in value.parts if not isinstance(part, str) for leaf in leaves(part))
    elif isinstance(value, Structure):
        yield from leaves(value.template)
    elif isinstance(value, dict):
        yield from (leaf for inner in value.values() for leaf in leaves(inner))
    elif isinstance(value, list):
        yield from (leaf for inner in value for leaf in leaves(inner))
    else:
        yield value


def variables_in(value: Any, scope: Scope) -> list[str]:
    """Return the variables that a value reads where these inputs are given."""
    return [
        leaf.name
        for leaf in leaves(value)
        if isinstance(leaf, Variable) or (isinstance(leaf, InputOrVariable) and leaf.name not in scope.inputs)
    ]
