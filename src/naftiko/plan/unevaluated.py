"""Which members and items of a value the keywords of a schema have looked at (JSON Schema 2020-12, core 11).

``jsonschema`` tells it with patterns that may backtrack without end, and in lists that it searches for each name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

Matching = Callable[[Sequence[str], Iterable[str]], Iterable[str]]
"""Yields the names that one of the patterns is found in."""

_ALL_OF_THE_REST: Final = ("additionalProperties", "unevaluatedProperties")
_CHOICES: Final = ("allOf", "anyOf", "oneOf")


def evaluated_names(validator: Any, instance: Mapping[str, Any], schema: Any, matching: Matching) -> set[str]:
    """Return the names of the members that a schema, or one of those that apply in its place, has looked at.

    Args:
        validator: of ``jsonschema``, for the schema.
        instance: an object.
        schema: of it.
        matching: finds the names of patterns.
    """
    if not isinstance(schema, Mapping):
        return set()
    found = {name for name in schema.get("properties", ()) if name in instance}
    for keyword in _ALL_OF_THE_REST:
        if keyword in schema:
            inner = schema[keyword]
            found.update(name for name, value in instance.items() if fulfils(validator, value, inner))
    found.update(matching([*schema.get("patternProperties", ())], instance))
    for name, inner in schema.get("dependentSchemas", {}).items():
        if name in instance:
            found |= evaluated_names(validator, instance, inner, matching)
    for beside, inner in _in_place(validator, instance, schema):
        found |= evaluated_names(beside, instance, inner, matching)
    return found


def evaluated_items(validator: Any, instance: Sequence[Any], schema: Any) -> set[int]:
    """Return the places of the items that a schema, or one of those that apply in its place, has looked at."""
    if not isinstance(schema, Mapping):
        return set()
    if "items" in schema:
        return set(range(len(instance)))
    found = set(range(min(len(instance), len(schema.get("prefixItems", ())))))
    for keyword in ("contains", "unevaluatedItems"):
        if keyword in schema:
            inner = schema[keyword]
            found.update(
                at for at, value in enumerate(instance) if at not in found and fulfils(validator, value, inner)
            )
    for beside, inner in _in_place(validator, instance, schema):
        found |= evaluated_items(beside, instance, inner)
    return found


def _in_place(validator: Any, instance: Any, schema: Mapping[str, Any]) -> Iterator[tuple[Any, Any]]:
    """Yield the schemas that apply to the same value and are fulfilled, each with its validator."""
    for keyword in ("$ref", "$dynamicRef"):
        if keyword in schema:
            resolved = validator._resolver.lookup(schema[keyword])  # noqa: SLF001  # as its own keywords do
            inner = resolved.contents
            yield validator.evolve(schema=inner, _resolver=resolved.resolver), inner
    for keyword in _CHOICES:
        for inner in schema.get(keyword, ()):
            if fulfils(validator, instance, inner):
                yield validator, inner
    if "if" in schema:
        fulfilled = fulfils(validator, instance, schema["if"])
        if fulfilled:
            yield validator, schema["if"]
        branch = "then" if fulfilled else "else"
        if branch in schema:
            yield validator, schema[branch]


def fulfils(validator: Any, value: Any, schema: Any) -> bool:
    """Tell whether a value fulfils a schema."""
    return schema if isinstance(schema, bool) else next(validator.descend(value, schema), None) is None
