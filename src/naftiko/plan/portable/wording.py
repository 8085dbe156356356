"""Say in words what a schema says by keywords that clients don't take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from naftiko.expression.text import compact_json

_LONGEST: Final = 160
_SAYS_NOTHING: Final = frozenset({"title", "description", "type", "properties", "required", "$comment"})


def code(value: Any) -> str:
    """Return a value as JSON, or a name as it is, in back quotes and of bounded length."""
    text = value if isinstance(value, str) else _json(value)
    return f"`{text if len(text) <= _LONGEST else f'{text[:_LONGEST]}…'}`"


def listed(words: Iterable[str], last: str = "and") -> str:
    """Return words as a list: ``a, b and c``."""
    said = list(words)
    return f"{', '.join(said[:-1])} {last} {said[-1]}" if len(said) > 1 else "".join(said)


def values(allowed: Sequence[Any]) -> str:
    """Return values as a list: ``1, 2 or 3``."""
    return listed((code(_json(value)) for value in allowed), "or")


def only_requires(schema: Mapping[str, Any]) -> list[str] | None:
    """Return the names that a schema requires, where it says nothing else; else ``None``."""
    required = schema.get("required")
    properties = schema.get("properties", {})
    said = {keyword for keyword in schema if keyword not in {"title", "description", "type", "$comment"}}
    bare = isinstance(properties, Mapping) and all(inner in ({}, True) for inner in properties.values())
    return list(required) if required and said <= {"required", "properties"} and bare else None


def described(schema: Mapping[str, Any]) -> str:
    """Return what a schema of an object says, as a clause: ``kind`` is ``box`` and ``size`` is given."""
    parts: list[str] = []
    properties = schema.get("properties", {})
    told: set[str] = set()
    for name, inner in properties.items() if isinstance(properties, Mapping) else ():
        allowed = fixed_values(inner)
        if allowed is not None:
            parts.append(f"{code(name)} is {values(allowed)}")
            told.add(name)
        elif isinstance(inner, Mapping) and inner:
            kind = inner.get("type")
            simple = inner.keys() == {"type"} and isinstance(kind, str)
            parts.append(f"{code(name)} is {_ARTICLES[str(kind)]}" if simple else f"{code(name)} fits {code(inner)}")
            told.add(name)
    required = [name for name in schema.get("required", ()) if name not in told]
    if required:
        parts.append(f"{listed(map(code, required))} {'are' if len(required) > 1 else 'is'} given")
    rest = {keyword: value for keyword, value in schema.items() if keyword not in _SAYS_NOTHING}
    if rest:
        parts.append(f"it fits {code(rest)}")
    return listed(parts) or "it is given"


def fixed_values(schema: Any) -> list[Any] | None:
    """Return the values that a schema's ``const`` or ``enum`` allows; ``None`` where it has none."""
    if not isinstance(schema, Mapping):
        return None
    if "const" in schema:
        return [schema["const"]]
    enum = schema.get("enum")
    return enum if isinstance(enum, list) and enum else None


def kind_of(schema: Mapping[str, Any]) -> str:
    """Return what a schema's value is, in a word or two: ``a list of strings``."""
    kind = schema.get("type")
    if isinstance(kind, list):
        return listed((_ARTICLES.get(str(word), str(word)) for word in kind), "or")
    items = schema.get("items")
    if kind == "array" and isinstance(items, Mapping) and isinstance(items.get("type"), str):
        return f"a list of {items['type']}s"
    allowed = fixed_values(schema)
    if allowed is not None:
        return f"one of {values(allowed)}" if len(allowed) > 1 else values(allowed)
    return _ARTICLES.get(str(kind), code(schema) if schema else "any value")


_ARTICLES: Final = {
    "string": "a string",
    "number": "a number",
    "integer": "an integer",
    "boolean": "a boolean",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


def _json(value: Any) -> str:
    try:
        return compact_json(value)
    except (TypeError, ValueError, RecursionError):
        return str(value)
