"""A parameter of a consumed operation, compiled (SEMANTICS 4.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from naftiko.expression.scope import Scope
from naftiko.expression.styles import Style
from naftiko.expression.template import Value
from naftiko.ground.types import ABSENT
from naftiko.plan.schema_types import is_nullable


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a consumed operation.

    Attributes:
        name: as the file has it.
        location: ``query``, ``header``, ``path``, ``cookie``, ``body`` or ``environment``.
        fixed: its value where the file fixes it.
        schema: the JSON Schema of its value.
        fallback: its ``default``, which is sent where it is required and has no value; ABSENT otherwise.
        style: how an array or an object is written, if the file says that.
        argument: the name of its argument: its own, but for the second place of a name that stands in two.
    """

    name: str
    location: str
    type: str | None
    description: str | None
    required: bool
    fixed: Value | None
    schema: dict[str, Any]
    fallback: Any = ABSENT
    style: Style | None = None
    argument: str = ""

    @property
    def asked(self) -> bool:
        """Whether its value comes from the caller."""
        return self.fixed is None and self.location != "environment"

    def value_in(self, scope: Scope) -> Any:
        """Return its value: what the file fixes, else the argument of its name, else what stands in for one."""
        if self.fixed is not None:
            return self.fixed(scope)
        if self.location == "environment":
            return ABSENT
        value = scope.inputs.get(self.argument, ABSENT)
        return self.fallback if value is ABSENT else value

    @property
    def nullable(self) -> bool:
        """Whether null is a value of it."""
        return is_nullable(self.schema)
