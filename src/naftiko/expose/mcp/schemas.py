"""What a tool promises of its answers: the ``outputSchema`` that tools/list shows (SEMANTICS 5.4 and 7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from naftiko.ground.types import ABSENT
from naftiko.plan.portable import Folder, References, Shaper, mended
from naftiko.plan.promises import likely
from naftiko.plan.unit import UnitPlan

RESULT_KEY: Final = "result"
"""The property that holds an answer which is no object, where the protocol wants an object."""


@dataclass(frozen=True, slots=True)
class OutputShape:
    """What a tool promises of its answers.

    Attributes:
        schema: of the answer itself, or ``None`` where nothing is promised.
        is_object: whether the answer is always an object, as the handshake-era protocol wants it.
    """

    schema: Mapping[str, Any] | None = None
    is_object: bool = False

    def shown(self, *, modern: bool) -> dict[str, Any] | None:
        """Return the ``outputSchema`` for a revision; before 2026-07-28 what is no object is wrapped in one."""
        if self.schema is None:
            return None
        if self.is_object:
            return {**self.schema, "type": "object"}
        if modern:
            return dict(self.schema)
        return {"type": "object", "properties": {RESULT_KEY: dict(self.schema)}}

    def structured(self, value: Any, *, modern: bool) -> Any:
        """Return the structured content of an answer, in the shape that ``shown`` promises; ABSENT for none.

        Where nothing is promised, objects are shown as they are, arrays where the revision takes them, and scalars
        not at all: the text says them.
        """
        if self.schema is None:
            return value if isinstance(value, dict) or (modern and isinstance(value, list)) else ABSENT
        if self.is_object:
            return value if isinstance(value, dict) else {} if value is None else {RESULT_KEY: value}
        return value if modern else {RESULT_KEY: value}


NOTHING_PROMISED: Final = OutputShape()


def output_shape(plan: UnitPlan, *, mock: bool) -> OutputShape:
    """Return what a tool promises: what its own ``outputSchema`` says, else what its declared outputs are.

    Its own one counts if it is of an object. In mock mode the answer is another one.
    """
    own = mended(plan.output_schema or {})
    if plan.output_schema is not None and not mock and own.get("type", "object") == "object":
        shape = Shaper(Folder(References(own)), renames=False).shape({**own, "type": "object"}, "")
        return OutputShape(likely(shape.schema), is_object=True)
    schema = None if plan.action is None else plan.action.promised(plan.outputs, mock=mock)
    return NOTHING_PROMISED if schema is None else OutputShape(schema, "object" in schema.get("type", ()))
