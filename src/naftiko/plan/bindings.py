"""The arguments of calls and functions; what is wrong with them is told by the names and places that a caller knows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from naftiko.expression.scope import Scope
from naftiko.expression.sources import inputs_in
from naftiko.expression.template import Value
from naftiko.ground.errors import InputError, Problem
from naftiko.ground.types import ABSENT
from naftiko.plan.inputs import InputSet

Bindings: TypeAlias = "Iterable[tuple[str, Value]]"


def arguments_of(bindings: Bindings, scope: Scope) -> dict[str, Any]:
    """Evaluate arguments; absent ones are left out (SEMANTICS 3.2)."""
    found: dict[str, Any] = {}
    for name, value in bindings:
        made = value(scope)
        if made is not ABSENT:
            found[name] = made
    return found


def function_inputs(arguments: Bindings, inputs: InputSet, scope: Scope, known: InputSet) -> dict[str, Any]:
    """Return the checked inputs of a function that a unit calls with inputs of its own making.

    Args:
        arguments: what they are made of.
        inputs: what the function declares.
        scope: the unit's inputs, and the variables.
        known: what the unit declares.

    Raises:
        InputError: they don't fit; an input of the function that is one of the unit's is told as that one.
    """
    try:
        return inputs.check(arguments_of(arguments, scope))
    except InputError as error:
        sources = dict(arguments)
        raise InputError([_told(problem, sources, known) for problem in error.problems], hint=error.hint) from None


def _told(problem: Problem, sources: Mapping[str, Any], inputs: InputSet) -> Problem:
    named = inputs_in(sources[problem.name]) if problem.name in sources else [problem.name]
    known = inputs.find(named[0]) if len(named) == 1 else None
    if known is None:
        return problem
    message = problem.message.replace(f"`{problem.name}`", f"`{known.alias}`")
    return replace(problem, name=known.name, location=known.location, message=message)
