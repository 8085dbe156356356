"""What the strictest MCP clients and model APIs in use refuse of a list of tools, each rule with who refuses it.

One tool that breaks one of them ends a whole session of such a client.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft7Validator, Draft202012Validator

TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
PROPERTY_NAME = re.compile(r"[a-zA-Z0-9_.-]{1,64}")
LONGEST_DESCRIPTION = 1_024
TYPES = frozenset({"string", "number", "integer", "boolean", "array", "object"})
COMBINING = frozenset(
    {"$ref", "$defs", "definitions", "$dynamicRef", "$anchor", "$id", "$schema", "oneOf", "anyOf", "allOf", "not", "if"}
    | {"then", "else", "dependentRequired", "dependentSchemas", "dependencies", "const", "prefixItems", "nullable"}
    | {"patternProperties", "propertyNames", "unevaluatedProperties"}
)
"""What Gemini's ``Schema`` has no field for, Anthropic and OpenAI refuse at the top, or clients lose on the way."""


def complaints(tools: list[dict[str, Any]]) -> list[str]:
    """Return everything that is wrong with a list of tools, each with its place."""
    names = [tool["name"] for tool in tools]
    twice = {f"{name}: twice" for name in names if names.count(name) > 1}
    return [*twice, *(f"{tool['name']}{text}" for tool in tools for text in _of_tool(tool))]


def _of_tool(tool: Mapping[str, Any]) -> Iterator[str]:
    if not TOOL_NAME.fullmatch(tool["name"]):
        yield ": the name"
    description = tool.get("description")
    if not isinstance(description, str) or not description.strip():
        yield ": no description"
    elif len(description) > LONGEST_DESCRIPTION:
        yield f": a description of {len(description)} characters"
    schema = tool["inputSchema"]
    for validator in (Draft202012Validator, Draft7Validator):
        validator.check_schema(schema)
    if schema.get("type") != "object" or not isinstance(schema.get("properties"), Mapping):
        yield ": the inputSchema is no object with properties"
    yield from _of_node(schema, ": inputSchema")
    output = tool.get("outputSchema")
    if output is not None:
        for validator in (Draft202012Validator, Draft7Validator):
            validator.check_schema(output)
        if output.get("type") != "object":
            yield ": the outputSchema's root is no object"
        if "$ref" in str(output):
            yield ": the outputSchema has a $ref"


def _of_node(schema: Any, where: str) -> Iterator[str]:
    if not isinstance(schema, Mapping):
        yield f"{where}: a schema that is no object"
        return
    kind = schema.get("type")
    if kind not in TYPES:
        yield f"{where}: the type is {kind!r}"
    if schema.keys() & COMBINING:
        yield f"{where}: {sorted(schema.keys() & COMBINING)}"
    if len(schema.get("description", "")) > LONGEST_DESCRIPTION:
        yield f"{where}: a description of {len(schema['description'])} characters"
    enum = schema.get("enum")
    if enum is not None and (
        kind != "string" or not enum or not all(isinstance(value, str) and value for value in enum)
    ):
        yield f"{where}: an enum of {enum!r}"
    if "default" in schema and not Draft202012Validator({"type": kind}).is_valid(schema["default"]):
        yield f"{where}: the default is {schema['default']!r}"
    if "pattern" in schema and kind != "string":
        yield f"{where}: a pattern of a {kind}"
    yield from _below(schema, kind, where)


def _below(schema: Mapping[str, Any], kind: Any, where: str) -> Iterator[str]:
    if (kind == "array") != ("items" in schema):
        yield f"{where}: items and type disagree"
    if "items" in schema:
        yield from _of_node(schema["items"], f"{where}[]")
    properties = schema.get("properties", {})
    if kind != "object" and ("properties" in schema or "required" in schema):
        yield f"{where}: properties of a {kind}"
    for name, inner in properties.items():
        if not PROPERTY_NAME.fullmatch(name):
            yield f"{where}.{name}: the name"
        yield from _of_node(inner, f"{where}.{name}")
    unknown = [name for name in schema.get("required", ()) if name not in properties]
    if unknown or schema.get("required") == []:
        yield f"{where}: required names {unknown}"
    extra = schema.get("additionalProperties")
    if isinstance(extra, Mapping):
        yield from _of_node(extra, f"{where}.*")
