"""The JSON Schema of capability files as they are written, in every spelling that is read (JSON Schema 2020-12).

It is made of the models and of what the dialects say that they read. So an editor knows the keys that ``validate``
knows. What it can't know, such as whether a call names an operation, is for ``validate`` and ``lsp``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from naftiko.document import model as models
from naftiko.document.dialects import concerns_of
from naftiko.document.dialects import flat as flat_form
from naftiko.document.dialects.imports import KEYS as IMPORTS
from naftiko.document.dialects.reading import IT, ONE, SCALAR, in_any_case, reads_of
from naftiko.document.dialects.sections import ROOT_KEYS
from naftiko.document.language.described import describe, summary
from naftiko.document.model import CapabilityDocument, Model
from naftiko.document.model.base import Choice, Import
from naftiko.document.shapes import Field, Kind, shape, written

SCHEMA_ID: Final = "https://naftiko.dev/schemas/capability.json"
"""What the schema calls itself; ``naftiko schema`` prints it, nothing asks this address."""

Json = dict[str, Any]

_NULL: Final[Json] = {"type": "null"}
_SCALAR: Final[list[str]] = SCALAR["type"]
_EXTENSION: Final = "^x-"
_DURATION: Final = r"^\s*([0-9]+(\.[0-9]+)?\s*(ms|s|m|h|d)|PT?[0-9DTHMS.]+)\s*$"


def json_schema() -> Json:
    """Return the schema of a capability file, as a value that ``json.dumps`` takes."""
    definitions: Json = {}
    waiting: list[type[Model]] = [CapabilityDocument, Import]
    while waiting:
        model = waiting.pop()
        if model.__name__ not in definitions:
            definitions[model.__name__] = _definition(model)
            waiting.extend(below for field in shape(model).values() for below in field.models)
    root = definitions.pop(CapabilityDocument.__name__)
    _join_capability(root, definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "Naftiko capability",
        **root,
        "$defs": dict(sorted(definitions.items())),
    }


def _join_capability(root: Json, definitions: Json) -> None:
    """Let sections stand at the root and in ``capability``, and the root key be one of two."""
    sections = root["properties"]
    flat = dict.fromkeys((*flat_form.OF_API, *flat_form.OF_INFO, "operations", "paths", "externalRefs", *IMPORTS), True)
    what = "What is consumed and exposed."
    definitions["Capability"] = {**root, "properties": {**flat, **sections}, "description": what}
    info = definitions["Info"]["properties"]
    definitions["Info"]["properties"] = {**dict.fromkeys(flat_form.OF_API, True), **info}
    version = {"type": _SCALAR, "description": "The version of the language."}
    root["properties"] = {
        **flat,
        **sections,
        **dict.fromkeys(ROOT_KEYS, version),
        "capability": _or_null({"$ref": "#/$defs/Capability"}),
    }
    root["anyOf"] = [{"required": [key]} for key in ROOT_KEYS]


def _definition(model: type[Model]) -> Json:
    """Return the schema of a model: its keys, their other spellings, and whatever begins with ``x-``."""
    fields = written(model)
    properties: Json = {key: {**_described(model, key), **_value(field)} for key, field in fields.items()}
    for key, loose in _loose(model):
        it = _bare(properties[key])
        properties[key] = {**_described(model, key), "anyOf": [it, *(_with(fields[key], it, each) for each in loose)]}
    for other, key in _spellings(model):
        properties.setdefault(other, _spelt(properties[key], key) if key in fields else True)
    schema: Json = {"type": "object", "properties": properties, "patternProperties": {_EXTENSION: True}}
    if said := summary(model):
        schema["description"] = said
    if not model.open_ended:
        schema["additionalProperties"] = False
    return schema


def _with(field: Field, it: Json, schema: Any) -> Any:
    """Return the schema of a shape, with that of the model's own value where it stands for it."""
    if schema is IT:
        return it
    if schema is ONE:
        return _chosen(field)
    if isinstance(schema, dict):
        return {key: _with(field, it, value) for key, value in schema.items()}
    return [_with(field, it, each) for each in schema] if isinstance(schema, list) else schema


def _described(model: type[Model], key: str) -> Json:
    words = describe(model, key)
    if words is None:
        return {}
    return {"description": words.text} | ({} if words.example is None else {"examples": [words.example]})


def _bare(schema: Json) -> Json:
    return {key: value for key, value in schema.items() if key not in {"description", "examples"}}


def _spelt(schema: Json, key: str) -> Json:
    return {**schema, "description": f"Another spelling of `{key}`.", "deprecated": True}


def _spellings(model: type[Model]) -> Iterator[tuple[str, str]]:
    """Yield the other spellings that dialects read in a model, each with the key that it is read as."""
    for concern in concerns_of(model):
        read = reads_of(concern)
        yield from read.spellings.items()
        for name in read.of:
            yield from ((key, "") for key in written(getattr(models, name)))


def _loose(model: type[Model]) -> Iterator[tuple[str, list[Json]]]:
    """Yield the keys whose values dialects read in other shapes than the model's, with these."""
    for concern in concerns_of(model):
        for key, shapes in reads_of(concern).shapes.items():
            if key in written(model):
                yield key, shapes


def _or_null(schema: Json) -> Json:
    return {"anyOf": [schema, _NULL]}


def _value(field: Field) -> Json:
    """Return the schema of a key's value; a key with nothing behind it is left out, so null is good anywhere."""
    return _OF_KIND[field.kind](field)


def _text(field: Field) -> Json:
    if not field.words:
        return {"type": [*_SCALAR, "null"]}
    return {"anyOf": [{"enum": [*field.words, None]}, {"type": "string", "pattern": in_any_case(field.words)}]}


def _one(field: Field) -> Json:
    return _or_null(_chosen(field))


def _many(field: Field) -> Json:
    one = _chosen(field)
    return {"anyOf": [{"type": "array", "items": one}, one, _NULL]}


def _named(field: Field) -> Json:
    """Return the schema of a list of named things, or of a map from name to thing."""
    thing = _chosen(field)
    names = [{"type": _SCALAR}] if field.named in shape(field.model) else []
    kinds = [{"type": _SCALAR}] if "type" in shape(field.model) else []
    listed = {"type": "array", "items": {"anyOf": [thing, *names]}}
    mapped = {"type": "object", "additionalProperties": {"anyOf": [thing, *kinds, _NULL]}}
    alone = [] if field.choice is None else [thing]
    return {"anyOf": [listed, mapped, *alone, _NULL]}


def _chosen(field: Field) -> Json:
    """Return the schema of one thing: an import, or the kind that its ``type`` says."""
    choice = field.choice
    thing = _ref(field.model) if choice is None else _by_kind(choice)
    if not field.importable:
        return thing
    imported = {"anyOf": [{"required": ["import"]}, {"required": ["from"]}]}
    return {"if": imported, "then": _ref(Import), "else": thing}


def _by_kind(choice: Choice) -> Json:
    """Return a chain of conditions, so that an editor shows the keys of the one kind that is written."""
    schema = _ref(choice.default)
    for key, kind in reversed(choice.by_key.items()):
        schema = {"if": {"required": [key]}, "then": _ref(choice.models[kind]), "else": schema}
    schema = {"if": {"required": [choice.by]}, "then": _ref(choice.unknown), "else": schema}
    for model in dict.fromkeys(choice.models.values()):
        words = [word for word, kind in choice.models.items() if kind is model]
        says = {"properties": {choice.by: {"type": "string", "pattern": in_any_case(words)}}, "required": [choice.by]}
        schema = {"if": says, "then": _ref(model), "else": schema}
    return schema


def _ref(model: type[Model]) -> Json:
    return {"$ref": f"#/$defs/{model.__name__}"}


_FLAG: Final[Json] = {"anyOf": [{"type": ["boolean", "null"]}, {"enum": ["true", "false"]}]}
_INTEGER: Final[Json] = {"anyOf": [{"type": ["integer", "null"]}, {"type": "string", "pattern": r"^\s*-?[0-9]+\s*$"}]}
_NUMBER: Final[Json] = {"anyOf": [{"type": ["number", "null"]}, {"type": "string", "pattern": r"^\s*[-+.0-9eE]+\s*$"}]}
_PORT: Final[Json] = {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 65535}, {"type": ["string", "null"]}]}
_ELEMENT: Final[Json] = {"anyOf": [{"type": _SCALAR}, {"type": "object", "required": ["name"]}]}

_TEXTS: Final[Json] = {"type": "object", "additionalProperties": {"type": [*_SCALAR, "null"]}}


def _always(schema: Json) -> Callable[[Field], Json]:
    return lambda field: schema  # noqa: ARG005  # the shape of its siblings


_OF_KIND: Final[dict[Kind, Callable[[Field], Json]]] = {
    Kind.TEXT: _text,
    Kind.BOOLEAN: _always(_FLAG),
    Kind.INTEGER: _always(_INTEGER),
    Kind.NUMBER: _always(_NUMBER),
    Kind.PORT: _always(_PORT),
    Kind.DURATION: _always(_or_null({"type": "string", "pattern": _DURATION})),
    Kind.FREE: _always({}),
    Kind.FREE_LIST: _always({"type": ["array", "null"]}),
    Kind.TEXT_LIST: _always({"anyOf": [{"type": "array", "items": _ELEMENT}, _ELEMENT, _NULL]}),
    Kind.TEXT_MAP: _always({"anyOf": [_TEXTS, {"type": ["array", "null"]}]}),
    Kind.FREE_MAP: _always({"type": ["object", "null"]}),
    Kind.MODEL: _one,
    Kind.MODELS: _many,
    Kind.NAMED: _named,
}
