"""Parameters: type lists, ``required`` lists, the forms of ``items`` and ``mapping`` objects."""

from __future__ import annotations

from typing import Final

from yaml.nodes import MappingNode, ScalarNode, SequenceNode

from naftiko.document.dialects import nodes
from naftiko.document.dialects.reading import LIST, LIST_OF_IT, MAP, MAP_OF_IT, SCALAR, Reads, reads
from naftiko.document.findings import Findings
from naftiko.document.reader import Entries, entries, is_null

TYPES = {
    "int": "integer",
    "long": "integer",
    "float": "number",
    "double": "number",
    "decimal": "number",
    "bool": "boolean",
    "str": "string",
    "text": "string",
    "date": "string",
    "datetime": "string",
    "file": "string",
    "list": "array",
    "map": "object",
    "dict": "object",
    "json": "any",
}
"""Words of other languages for the JSON types."""
_NESTED_KEYS = frozenset({"type", "properties", "items", "values", "mapping", "value", "const"})
_OWN_KEYS = ("type", "mapping", "properties", "items", "value", "const", "values", "name")
_NESTED: Final = {
    "type": "object",
    "properties": dict.fromkeys(sorted(_NESTED_KEYS), True),
    "additionalProperties": False,
}


_SHAPES: Final = {"type": [LIST], "required": [LIST], "value": [LIST, MAP], "items": [LIST_OF_IT, MAP_OF_IT, SCALAR]}


@reads(Reads({"schema": ""}, _SHAPES))
def input_parameter(found: Entries, findings: Findings) -> None:
    """Bring an input parameter to the canonical form."""
    _schema(found, findings)
    _type(found, findings)
    _required(found)
    _structure(found)
    _items(found, findings)


@reads(Reads(shapes={**_SHAPES, "mapping": [_NESTED]}))
def output_parameter(found: Entries, findings: Findings) -> None:
    """Bring an output parameter to the canonical form."""
    _type(found, findings)
    _required(found)
    _mapping(found, findings)
    _structure(found)
    _items(found, findings)
    if "const" in found:
        found["hasConst"] = (found["const"][0], nodes.flag(found["const"][0]))


def _schema(found: Entries, findings: Findings) -> None:
    """OpenAPI's ``schema: {type, enum, …}`` are the parameter's own keys."""
    if "schema" in found and isinstance(found["schema"][1], MappingNode):
        for key, entry in entries(found.pop("schema")[1], findings).items():
            found.setdefault(key, entry)


def _type(found: Entries, findings: Findings) -> None:
    """``type: [array, null]`` is a nullable array; ``int`` is ``integer``."""
    if "type" not in found:
        return
    key, value = found["type"]
    if isinstance(value, SequenceNode):
        named = [node for node in value.value if isinstance(node, ScalarNode)]
        real = [node for node in named if not is_null(node) and node.value != "null"]
        if len(real) < len(named):
            found["nullable"] = (key, nodes.flag(value))
        if not real:
            del found["type"]
            return
        value = real[0]
        found["type"] = (key, value)
    if isinstance(value, ScalarNode):
        word = value.value.lower()
        canonical = TYPES.get(word, word)
        if canonical not in {"string", "number", "integer", "boolean", "array", "object", "null", "any"}:
            findings.at(value).warning(
                "unknown-type",
                f"`{value.value}` is no type; it is taken as string",
                hint="use string, number, integer, boolean, array or object",
            )
            canonical = "string"
        found["type"] = (key, nodes.text(canonical, value))
        if canonical in {"null", "any"}:
            del found["type"]


def _required(found: Entries) -> None:
    """``required: [a, b]`` names the properties that an object must have."""
    if "required" in found and isinstance(found["required"][1], SequenceNode):
        found["requiredProperties"] = found.pop("required")


def _structure(found: Entries) -> None:
    """A ``value`` may be a map or a list, which is the value then."""
    if "value" in found and isinstance(found["value"][1], MappingNode | SequenceNode):
        found["structure"] = found.pop("value")


def _mapping(found: Entries, findings: Findings) -> None:
    """``mapping: {properties: …}`` and ``mapping: {items: …}`` are the sibling keys."""
    if "mapping" not in found or not isinstance(found["mapping"][1], MappingNode):
        return
    inner = entries(found.pop("mapping")[1], findings)
    for key, (key_node, value) in inner.items():
        if key in _NESTED_KEYS:
            found.setdefault(key, (key_node, value))
        else:
            findings.at(key_node).warning(
                "unknown-key",
                f"`{key}` is no key of a mapping",
                hint="use properties, items or values, or write the mapping as a JSONPath",
            )


def _items(found: Entries, findings: Findings) -> None:
    """``items`` is a parameter, a list of one, or the properties of an object as a list or a map."""
    if "items" not in found:
        return
    key, items = found["items"]
    if isinstance(items, SequenceNode):
        if len(items.value) == 1 and not nodes.has(items.value[0], "name"):
            found["items"] = (key, items.value[0])
            if not isinstance(items.value[0], SequenceNode):
                _items(found, findings)
        elif items.value:
            found["items"] = (key, _object(items))
        else:
            del found["items"]
    elif isinstance(items, MappingNode) and items.value:
        inner = entries(items, findings)
        described = any(name in inner and not isinstance(inner[name][1], MappingNode) for name in _OWN_KEYS)
        nested = any(name in inner for name in ("properties", "items", "values"))
        if not described and not nested and all(isinstance(value, MappingNode) for _, value in inner.values()):
            found["items"] = (key, _object(items))
    elif isinstance(items, ScalarNode) and not is_null(items):
        found["items"] = (key, nodes.mapping([(nodes.text("type", items), items)], items))


def _object(properties: SequenceNode | MappingNode) -> MappingNode:
    pairs = [
        (nodes.text("type", properties), nodes.text("object", properties)),
        (nodes.text("properties", properties), properties),
    ]
    return nodes.mapping(pairs, properties)
