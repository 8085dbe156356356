"""What an answer is sure to be: the schema that clients may check it against (SEMANTICS 5.4 and 7).

Objects and arrays that naftiko builds are what they say. What is taken from a document keeps its own type, and a good
answer must not fail for the declared one: so that stands first in a list of all types. A client that validates never
refuses an answer, and whoever reads the schema sees what is meant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from naftiko.expression.references import Constant
from naftiko.expression.scope import NOTHING
from naftiko.plan.outputs import ArrayOf, Expressed, ListOf, ObjectOf, Output, Outputs, Redacted, ValuesOf

_TYPES: Final = ("null", "string", "number", "boolean", "object", "array")
_NAMES: Final[Mapping[type, str]] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}


def kept(outputs: Outputs) -> dict[str, Any] | None:
    """Return the schema that answers keep which outputs make; ``None`` where they make none, or say nothing of it."""
    return None if outputs.identity or outputs.schema is None else _kept(outputs.schema, outputs.output)


def _kept(declared: Mapping[str, Any], output: Output) -> dict[str, Any]:
    """Return what of a declared schema is kept whatever the upstream sends."""
    said = {"description": declared["description"]} if "description" in declared else {}
    if isinstance(output, Redacted):
        return nullable(_kept(declared, output.inner))
    if isinstance(output, ObjectOf):
        properties = declared.get("properties", {})
        inside = {name: _kept(properties.get(name, {}), inner) for name, inner in output.properties}
        return {**said, "type": "object" if output.context is None else ["object", "null"], "properties": inside}
    if isinstance(output, ArrayOf):
        return {**said, "type": ["array", "null"], "items": _kept(declared.get("items", {}), output.items)}
    if isinstance(output, ListOf):
        return {**said, "type": "array", "items": likely(declared.get("items", {}))}
    if isinstance(output, ValuesOf):
        values = _kept(declared.get("additionalProperties", {}), output.values)
        return {**said, "type": ["object", "null"], "additionalProperties": values}
    if isinstance(output, Expressed) and isinstance(output.value, Constant):
        made = output.build(None, NOTHING)
        return {**said, "type": next((name for kind, name in _NAMES.items() if isinstance(made, kind)), "null")}
    return likely(declared)


def nullable(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of an answer in which any part may be null, since it is redacted; the whole is there."""
    made = {**schema}
    if isinstance(made.get("properties"), Mapping):
        made["properties"] = {name: _or_null(inner) for name, inner in made["properties"].items()}
    for keyword in ("items", "additionalProperties"):
        if isinstance(made.get(keyword), Mapping):
            made[keyword] = _or_null(made[keyword])
    return made


def _or_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    made = nullable(schema)
    if isinstance(made.get("type"), str):
        made["type"] = [made["type"], *(["null"] if made["type"] != "null" else [])]
    return made


def likely(declared: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a value that is meant to be of a type, and may be of any."""
    said = {"description": declared["description"]} if "description" in declared else {}
    kind = declared.get("type")
    first = kind[0] if isinstance(kind, list) and kind else kind
    if not isinstance(first, str):
        return said
    shown: dict[str, Any] = {**said, "type": [first, *(other for other in _TYPES if other != first)]}
    # Keywords of a type say nothing of values of others: an object below is described, whatever else may come.
    if isinstance(declared.get("properties"), Mapping):
        shown["properties"] = {name: likely(inner) for name, inner in declared["properties"].items()}
    for keyword in ("items", "additionalProperties"):
        if isinstance(declared.get(keyword), Mapping):
            shown[keyword] = likely(declared[keyword])
    return shown


def mapped(targets: Sequence[Sequence[str]], declared: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of an answer that mappings build; outputs of the same names say the types.

    Args:
        targets: where the values go, each the names from the outermost on.
        declared: the schema of the outputs.
    """
    made: dict[str, Any] = {"type": "object", "properties": {}}
    for target in targets:
        inside, known = made, declared
        for name in target[:-1]:
            known = known.get("properties", {}).get(name, {})
            inside = inside["properties"].setdefault(name, {"type": "object", "properties": {}})
            inside.setdefault("properties", {})
        inside["properties"][target[-1]] = likely(known.get("properties", {}).get(target[-1], {}))
    return made
