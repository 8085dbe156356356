"""Read a JSON Schema as it is meant, whatever draft or habit wrote it, and write it as one of 2020-12.

What people write in files: ``a: string`` for a type, ``required: true`` in a property (draft 3), ``nullable: true``
(OpenAPI 3.0), lists as ``items`` and ``dependencies`` (draft 7), ``exclusiveMinimum: true`` (draft 4), types of other
languages. The result is what arguments are checked against, so it means the same; what says nothing is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from naftiko.document.dialects.parameters import TYPES
from naftiko.plan.validation import broken_pattern

_TYPES: Final = frozenset({"string", "number", "integer", "boolean", "array", "object", "null"})
_DEEPEST: Final = 100
_ONE: Final = frozenset(
    {"items", "contains", "additionalProperties", "propertyNames", "not", "if", "then", "else"}
    | {"unevaluatedItems", "unevaluatedProperties", "contentSchema"}
)
_SEVERAL: Final = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_NAMED: Final = frozenset({"properties", "patternProperties", "dependentSchemas", "$defs", "definitions"})
_NUMBERS: Final = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})
_COUNTS: Final = frozenset(
    {"minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "minContains", "maxContains"}
)
_TEXTS: Final = frozenset({"$ref", "$dynamicRef", "$anchor", "$dynamicAnchor", "$id", "title", "description", "format"})


def mended(schema: Any) -> dict[str, Any]:
    """Return a schema as 2020-12 has it; what is none at all admits everything."""
    made = _mended(schema, _DEEPEST)
    return made if isinstance(made, dict) else {} if made else {"not": {}}


def type_words(kind: Any) -> list[str]:
    """Return the JSON types that a ``type`` names, in its order; none where it says nothing."""
    named = kind if isinstance(kind, list) else [kind]
    words = [TYPES.get(word.lower(), word.lower()) for word in named if isinstance(word, str)]
    return list(dict.fromkeys(word for word in words if word in _TYPES))


def _mended(schema: Any, depth: int) -> dict[str, Any] | bool:
    if isinstance(schema, bool):
        return schema
    if isinstance(schema, str):  # `a: string`
        schema = {"type": schema}
    if not isinstance(schema, Mapping) or not depth:
        return {}
    made: dict[str, Any] = {}
    for keyword, value in schema.items():
        read = _READERS.get(keyword)
        kept = value if read is None else read(value, depth - 1)
        if kept is not None:
            made[keyword] = kept
    _flags(schema, made)
    _lists(schema, made, depth - 1)
    if schema.get("nullable") is True and "type" not in made and made:
        return {"anyOf": [made, {"type": "null"}]}
    return made


def _flags(schema: Mapping[str, Any], made: dict[str, Any]) -> None:
    """Bring flags to the keywords that say them: ``required`` and ``nullable`` in a property, exclusive bounds."""
    properties = schema.get("properties")
    if isinstance(properties, Mapping):
        flagged = [
            name
            for name, inner in properties.items()
            if isinstance(name, str) and isinstance(inner, Mapping) and inner.get("required") is True
        ]
        required = [*made.get("required", ()), *flagged]
        if required:
            made["required"] = list(dict.fromkeys(required))
    if schema.get("nullable") is True:
        kinds = type_words(made.get("type"))
        if kinds and "null" not in kinds:
            made["type"] = [*kinds, "null"]
            if isinstance(made.get("enum"), list) and None not in made["enum"]:
                made["enum"] = [*made["enum"], None]
    for exclusive, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if schema.get(exclusive) is True and bound in made:
            made[exclusive] = made.pop(bound)


def _lists(schema: Mapping[str, Any], made: dict[str, Any], depth: int) -> None:
    """Bring the lists of older drafts to their own keywords."""
    if isinstance(schema.get("items"), list):
        made["prefixItems"] = [_mended(inner, depth) for inner in schema["items"]]
        if "additionalItems" in schema:
            made["items"] = _mended(schema["additionalItems"], depth)
        if not made["prefixItems"]:
            del made["prefixItems"]
    made.pop("additionalItems", None)
    dependencies = made.pop("dependencies", None)
    if isinstance(dependencies, Mapping):
        for name, needed in dependencies.items():
            key = "dependentRequired" if isinstance(needed, list) else "dependentSchemas"
            kept = _names(needed, depth) if isinstance(needed, list) else _mended(needed, depth)
            made.setdefault(key, {}).setdefault(name, kept or [])


def _kinds(value: Any, depth: int) -> Any:
    del depth
    kinds = type_words(value)
    return (kinds if isinstance(value, list) else kinds[0]) if kinds else None


def _one(value: Any, depth: int) -> Any:
    return None if isinstance(value, list) else _mended(value, depth)


def _several(value: Any, depth: int) -> Any:
    listed = value if isinstance(value, list) else [value] if isinstance(value, Mapping) else []
    return [_mended(inner, depth) for inner in listed] or None


def _named(value: Any, depth: int) -> Any:
    if not isinstance(value, Mapping):
        return None
    return {str(name): _mended(inner, depth) for name, inner in value.items()}


def _names(value: Any, depth: int) -> Any:
    del depth
    named = value if isinstance(value, list) else [value]
    return list(dict.fromkeys(name for name in named if isinstance(name, str))) or None


def _dependent(value: Any, depth: int) -> Any:
    if not isinstance(value, Mapping):
        return None
    return {str(name): _names(needed, depth) or [] for name, needed in value.items()}


def _if(fits: Callable[[Any], bool]) -> Callable[[Any, int], Any]:
    return lambda value, _: value if fits(value) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) != float("inf")


def _is_count(value: Any) -> bool:
    return _is_number(value) and value >= 0 and float(value).is_integer()


_READERS: Final[Mapping[str, Callable[[Any, int], Any]]] = {
    **dict.fromkeys(_ONE, _one),
    **dict.fromkeys(_SEVERAL, _several),
    **dict.fromkeys(_NAMED, _named),
    **dict.fromkeys(_NUMBERS, _if(_is_number)),
    **dict.fromkeys(_COUNTS, lambda value, _: int(value) if _is_count(value) else None),
    **dict.fromkeys(_TEXTS, _if(lambda value: isinstance(value, str))),
    "type": _kinds,
    "required": _names,
    "dependentRequired": _dependent,
    "enum": _if(lambda value: isinstance(value, list) and bool(value)),
    "examples": _if(lambda value: isinstance(value, list)),
    "pattern": _if(lambda value: isinstance(value, str) and not broken_pattern(value)),
    "multipleOf": _if(lambda value: _is_number(value) and value > 0),
    "uniqueItems": _if(lambda value: isinstance(value, bool)),
    "nullable": lambda _, __: None,
}
