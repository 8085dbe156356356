"""What tools/list shows of a tool.

Its description, its hints, and the schema of its arguments (SEMANTICS 5.7 and 7).
"""

from __future__ import annotations

from typing import Any, Final

from naftiko.document.model import AggregateFunction, ToolHints
from naftiko.ground.types import ABSENT
from naftiko.plan.inputs import Input
from naftiko.plan.names import in_words
from naftiko.plan.own_schema import OwnSchema
from naftiko.plan.portable import Folder, References, Shaper, described, renamed
from naftiko.plan.unit import UnitPlan


def tool_hints(hints: ToolHints | None, function: AggregateFunction | None) -> ToolHints | None:
    """Return a tool's hints; what it doesn't say itself follows from the function's semantics (SEMANTICS 5.7)."""
    semantics = function.semantics if function else None
    if semantics is None:
        return hints.without_place() if hints is not None else None
    own = hints or ToolHints()
    read_only = own.read_only if own.read_only is not None else semantics.safe
    destructive = own.destructive if own.destructive is not None else (False if semantics.safe else None)
    idempotent = own.idempotent if own.idempotent is not None else semantics.idempotent
    return ToolHints(read_only=read_only, destructive=destructive, idempotent=idempotent, open_world=own.open_world)


def is_idempotent(hints: ToolHints | None) -> bool:
    """Tell whether hints say that calling twice does what calling once does; what changes nothing is so too."""
    return hints is not None and bool(hints.idempotent or hints.read_only)


_ANY_ELEMENTS: Final = "(Its elements may be any JSON value; an object or a list may be given as JSON text.)"
_ANY_JSON: Final = "(Any JSON value; an object or a list may be given as JSON text.)"


def input_schema(plan: UnitPlan) -> dict[str, Any]:
    """Return the schema of a tool's arguments; its properties are the names that clients accept.

    It has the form that the strictest client in use takes, a tool's own ``inputSchema`` too: what that asks for beside
    is said in its description, and checked all the same. Unknown arguments are refused by the schema, as the check
    does, so that a client catches a typo before the call.
    """
    own = plan.own_schema
    shown = [given for given in plan.inputs.inputs if given.constant is ABSENT]
    schema: dict[str, Any] = {"type": "object", "properties": {given.alias: _property(given, own) for given in shown}}
    required = [given.alias for given in shown if given.required and given.default is ABSENT]
    if required:
        schema["required"] = required
    schema["additionalProperties"] = False
    if own is not None and own.says_inputs and own.description:
        schema["description"] = own.description
    return schema


def tool_description(plan: UnitPlan) -> str:
    """Return what a tool says of itself, within the length that clients take; its name in words if that is nothing."""
    own = plan.own_schema
    rules = (f"Arguments: {' '.join(own.rules)}",) if own is not None and own.says_inputs and own.rules else ()
    return described(plan.description or plan.label or in_words(plan.name), rules)


def _property(given: Input, own: OwnSchema | None) -> dict[str, Any]:
    declared = own.properties.get(given.name) if own is not None else None
    if declared is not None:
        schema = dict(declared.schema)
        text = described(declared.text or in_words(given.shown), declared.rules)
    else:
        schema = _shaped(given)
        text = schema["description"]
    schema["description"] = text if given.alias == given.shown else renamed(text, given.shown)
    return schema


def _shaped(given: Input) -> dict[str, Any]:
    schema = {**given.schema, "description": given.description or in_words(given.shown)}
    if given.type is not None:
        schema.setdefault("type", given.type)
    if given.default is not ABSENT:
        schema.setdefault("default", given.default)
    if given.reads_json:
        schema["description"] = described(schema["description"], (_ANY_ELEMENTS if given.type else _ANY_JSON,))
    return Shaper(Folder(References(schema))).shape(schema, given.name, untyped=given.untyped).schema
