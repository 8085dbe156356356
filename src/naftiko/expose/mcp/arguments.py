"""Check the arguments of a tool: each input, then what its own ``inputSchema`` says of all of them together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from naftiko.errors import InputError, Problem
from naftiko.plan.unit import UnitPlan
from naftiko.plan.validation import schema_errors

_EACH_INPUT: Final = frozenset({"type", "properties", "required", "additionalProperties"})
"""Root keywords that the check of each input covers already."""
_SAYS_NOTHING: Final = frozenset({"$schema", "$id", "$comment", "$defs", "definitions", "title", "description"})
_SAYS_NOTHING_EITHER: Final = frozenset({"default", "examples", "deprecated", "readOnly", "writeOnly"})
_SHOWN: Final = 240


class ArgumentCheck:
    """Checks the arguments of one tool against the schema that tools/list shows (SEMANTICS 3.7)."""

    def __init__(self, plan: UnitPlan) -> None:
        self._inputs = plan.inputs
        keywords = set(plan.schema or ()) - _EACH_INPUT - _SAYS_NOTHING - _SAYS_NOTHING_EITHER
        self._schema = {**plan.schema, "type": "object"} if plan.schema is not None and keywords else None
        self._errors: Callable[[Any], Iterable[Any]] | None = None

    def __call__(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the inputs by their real names, repaired and complete.

        Raises:
            InputError: with every problem found.
        """
        values = self._inputs.check(arguments)
        if self._schema is not None:
            self._check_together(values)
        return values

    def _check_together(self, values: Mapping[str, Any]) -> None:
        if self._errors is None:
            self._errors = schema_errors(self._schema or {})
        problems = [_problem(error) for error in self._errors(values)]
        if problems:
            raise InputError(problems)


def _problem(error: Any) -> Problem:
    where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path)
    rule = str(error.validator)
    said = error.message if len(error.message) <= _SHOWN else f"{error.message[:_SHOWN]}…"
    name = where.removeprefix(".") or "arguments"
    return Problem(name, "argument", f"`{name}`: {said}", f"what `{rule}` of the inputSchema says")
