"""JSON Schemas (2020-12) of inputs and outputs."""

from __future__ import annotations

from typing import Any

from naftiko.document.findings import Findings
from naftiko.document.model import InputParameter, OutputParameter
from naftiko.ground.digits import is_whole, whole
from naftiko.ground.types import ABSENT
from naftiko.plan.inputs import fit
from naftiko.plan.validation import broken_pattern

_COPIED = {
    "description": "description",
    "pattern": "pattern",
    "format": "format",
    "min_length": "minLength",
    "max_length": "maxLength",
    "minimum": "minimum",
    "maximum": "maximum",
    "content_encoding": "contentEncoding",
    "content_media_type": "contentMediaType",
}


def default_of(parameter: InputParameter) -> Any:
    """Return a declared default as its type has it; ABSENT where there is none, or one that doesn't fit."""
    return ABSENT if parameter.default is None else fit(parameter.default, parameter.type)


def parameter_schema(parameter: InputParameter) -> dict[str, Any]:
    """Return the schema of a declared input's value, to any depth."""
    schema: dict[str, Any] = {}
    if parameter.type is not None:
        schema["type"] = [parameter.type, "null"] if parameter.nullable else parameter.type
    for attribute, keyword in _COPIED.items():
        value = getattr(parameter, attribute)
        if value is not None:
            schema[keyword] = whole(value) if isinstance(value, float) and is_whole(value) else value
    if parameter.enum is not None:
        schema["enum"] = [_of_type(member, parameter.type) for member in parameter.enum]
    default = default_of(parameter)
    if default is not ABSENT:
        schema["default"] = default
    if parameter.example is not None:
        schema["examples"] = [parameter.example]
    if parameter.items is not None:
        schema["items"] = parameter_schema(parameter.items)
    if parameter.properties:
        schema.setdefault("type", "object")
        schema["properties"] = {inner.name: parameter_schema(inner) for inner in parameter.properties if inner.name}
        required = [inner.name for inner in parameter.properties if inner.required and inner.name]
        required += [name for name in parameter.required_properties if name not in required]
        if required:
            schema["required"] = required
    return schema


def _of_type(member: Any, kind: str | None) -> Any:
    """Return a member of an enum as its type has it: ``1`` is ``"1"`` where text is wanted."""
    fitted = fit(member, kind) if member is not None else None
    return member if fitted is ABSENT else fitted


def told_schema(parameter: InputParameter, findings: Findings) -> dict[str, Any]:
    """Return a parameter's schema; a pattern that is no regular expression is told, and checks nothing."""
    schema = parameter_schema(parameter)
    broken = broken_pattern(parameter.pattern) if parameter.pattern is not None else ""
    if broken:
        findings.at(parameter.at("pattern")).error(
            "broken-pattern", f"`{parameter.pattern}` is no regular expression: {broken}"
        )
        del schema["pattern"]
    return schema


def output_schema(parameter: OutputParameter) -> dict[str, Any]:
    """Return the schema of a declared output's value, as it is declared; what of it is sure is another question."""
    schema: dict[str, Any] = {}
    if parameter.description:
        schema["description"] = parameter.description
    if parameter.type is not None:
        schema["type"] = parameter.type
    if parameter.properties:
        schema["type"] = "object"
        schema["properties"] = {inner.name: output_schema(inner) for inner in parameter.properties if inner.name}
    elif parameter.values is not None:
        schema["type"] = "object"
        schema["additionalProperties"] = output_schema(parameter.values)
    elif parameter.items is not None:
        schema["type"] = "array"
        schema["items"] = output_schema(parameter.items)
    return schema
