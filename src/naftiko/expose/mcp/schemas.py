"""The JSON Schemas that tools/list shows: of a tool's arguments, and of its answer (SEMANTICS 3.4 and 7)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from naftiko.plan.inputs import Input
from naftiko.plan.outputs import ArrayOf, ObjectOf, Output, ValuesOf
from naftiko.plan.unit import Action, CallAction, FlowAction, FunctionAction, MockAction, UnitPlan
from naftiko.types import ABSENT

RESULT_KEY: Final = "result"
"""The property that holds an answer which is no object, where the protocol wants an object."""
_WORD_BREAK = re.compile(r"[^a-zA-Z0-9]+|(?<=[a-z0-9])(?=[A-Z])")


def input_schema(plan: UnitPlan) -> dict[str, Any]:
    """Return the schema of a tool's arguments; its properties are the names that clients accept.

    A tool's own ``inputSchema`` is shown as it is. Otherwise unknown arguments are refused by the schema, as the
    check does, so that a client catches a typo before the call.
    """
    return generated_schema(plan) if plan.schema is None else {**plan.schema, "type": "object"}


def generated_schema(plan: UnitPlan) -> dict[str, Any]:
    """Return the schema that a tool's inputs make."""
    shown = [given for given in plan.inputs.inputs if given.constant is ABSENT]
    schema: dict[str, Any] = {"type": "object", "properties": {given.alias: _property(given) for given in shown}}
    required = [given.alias for given in shown if given.required and given.default is ABSENT]
    if required:
        schema["required"] = required
    schema["additionalProperties"] = False
    return schema


def _property(given: Input) -> dict[str, Any]:
    schema = dict(given.schema)
    if given.type is not None:
        schema.setdefault("type", given.type)
    if given.default is not ABSENT:
        schema.setdefault("default", given.default)
    if schema.get("type") == "array":
        schema.setdefault("items", {})  # some clients refuse an array that doesn't say it
    schema["description"] = _description(given)
    return schema


def _description(given: Input) -> str:
    """Return the declared description, else the name in words; the real name where clients see another."""
    text = given.description or " ".join(_WORD_BREAK.sub(" ", given.name).split()).capitalize() or given.name
    return text if given.alias == given.name else f"{text} (the API calls it `{given.name}`)"


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
            return value if isinstance(value, dict) else {}
        return value if modern else {RESULT_KEY: value}


NOTHING_PROMISED: Final = OutputShape()


def output_shape(plan: UnitPlan, *, mock: bool) -> OutputShape:
    """Return what a tool promises: its own ``outputSchema``, else what its declared outputs are sure to be.

    Its own one counts if it is a valid schema of an object. In mock mode the answer is another one.
    """
    own = plan.output_schema
    if own is not None and not mock and own.get("type", "object") == "object" and _is_schema(own):
        return OutputShape({**own, "type": "object"}, is_object=True)
    return generated_shape(plan, mock=mock)


def _is_schema(schema: Mapping[str, Any]) -> bool:
    from jsonschema import Draft202012Validator, SchemaError  # noqa: PLC0415  # takes 60 ms, and few files need it

    try:
        Draft202012Validator.check_schema(schema)
    except (SchemaError, RecursionError):
        return False
    return True


def generated_shape(plan: UnitPlan, *, mock: bool) -> OutputShape:
    """Return what a tool's declared outputs promise; nothing where the answer is made of something else."""
    declared = plan.outputs.schema
    if not declared or plan.outputs.identity or not _made_of_outputs(plan.action, mock=mock):
        return NOTHING_PROMISED
    schema = _kept(declared, plan.outputs.output)
    return OutputShape(schema, "object" in schema.get("type", ()))


def _kept(declared: Mapping[str, Any], output: Output) -> dict[str, Any]:
    """Return what of a declared schema is kept whatever the upstream sends.

    Objects and arrays that naftiko builds are what they say. What is taken from the document as it is may be of any
    type, and a good answer must not fail for it (SEMANTICS 5.4).
    """
    schema = {"description": declared["description"]} if "description" in declared else {}
    if isinstance(output, ObjectOf):
        properties = declared.get("properties", {})
        inside = {name: _kept(properties.get(name, {}), inner) for name, inner in output.properties}
        return {**schema, "type": "object" if output.context is None else ["object", "null"], "properties": inside}
    if isinstance(output, ArrayOf):
        return {**schema, "type": ["array", "null"], "items": _kept(declared.get("items", {}), output.items)}
    if isinstance(output, ValuesOf):
        values = _kept(declared.get("additionalProperties", {}), output.values)
        return {**schema, "type": ["object", "null"], "additionalProperties": values}
    return schema


def _made_of_outputs(action: Action | None, *, mock: bool) -> bool:
    if isinstance(action, FunctionAction):
        return _made_of_outputs(action.action, mock=mock)
    if isinstance(action, FlowAction):
        return not action.mappings
    if isinstance(action, CallAction):
        return not mock and action.call.operation.raw_format != "binary"
    return isinstance(action, MockAction)
