"""The reference of all keys as a page: a table for each thing that a file may have (``docs/language.md``)."""

from __future__ import annotations

import json
from typing import Any, Final

from naftiko.document.dialects import concerns_of
from naftiko.document.dialects.reading import reads_of
from naftiko.document.language.described import describe, summary
from naftiko.document.model import CapabilityDocument, Model
from naftiko.document.model.base import Choice, Import
from naftiko.document.shapes import Field, Kind, written

_TYPES: Final = {
    Kind.TEXT: "text",
    Kind.BOOLEAN: "true or false",
    Kind.INTEGER: "whole number",
    Kind.NUMBER: "number",
    Kind.PORT: "port",
    Kind.DURATION: "duration",
    Kind.FREE: "anything",
    Kind.FREE_LIST: "list",
    Kind.TEXT_LIST: "texts",
    Kind.TEXT_MAP: "map of texts",
    Kind.FREE_MAP: "map",
}
_HEAD: Final = "| key | type | if left out | |\n|---|---|---|---|"


def keys_markdown() -> str:
    """Return the tables of all keys: the root first, then each thing where it is first mentioned."""
    return "\n\n".join(_section(model) for model in _in_order())


def _in_order() -> list[type[Model]]:
    """Return the models that a file may have, depth first from the root; what imports is behind what it may replace."""
    found: dict[type[Model], None] = {}

    def visit(model: type[Model]) -> None:
        if model in found or model.open_ended:
            return
        found[model] = None
        for field in written(model).values():
            for below in field.models:
                visit(below)

    visit(CapabilityDocument)
    visit(Import)
    return [model for model in found if written(model)]


def _section(model: type[Model]) -> str:
    title = model.__name__
    rows = "\n".join(_row(model, key, field) for key, field in written(model).items())
    spelt = _spelt(model)
    parts = [f"### {_words(title)}", summary(model), f"{_HEAD}\n{rows}"]
    return "\n\n".join([*parts, f"Also read: {spelt}."] if spelt else parts)


def _words(name: str) -> str:
    """Return a model's name as words: ``ConsumedOperation`` is ``Consumed operation``."""
    if name == CapabilityDocument.__name__:
        return "The file"
    spaced = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).strip()
    return (spaced[0].upper() + spaced[1:]).replace("O auth2", "OAuth 2").replace("Api key", "API key")


def _anchor(model: type[Model]) -> str:
    return _words(model.__name__).lower().replace(" ", "-")


def _row(model: type[Model], key: str, field: Field) -> str:
    words = describe(model, key)
    text = "" if words is None else words.text
    if words is not None and words.example is not None:
        text += f" Such as `{_shown(words.example)}`."
    return f"| `{key}` | {_type(field)} | {_default(model, field)} | {text} |".replace("|  |", "| |")


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _type(field: Field) -> str:
    if field.words:
        return " or ".join(f"`{word}`" for word in field.words)
    if field.kind in _TYPES:
        return _TYPES[field.kind]
    kinds = (
        _kinds(field.choice)
        if field.choice is not None
        else f"[{_words(field.model.__name__).lower()}](#{_anchor(field.model)})"
    )
    return {
        Kind.MODEL: kinds,
        Kind.MODELS: f"list of {kinds}",
        Kind.NAMED: f"list, or map by `{field.named}`, of {kinds}",
    }[field.kind]


def _kinds(choice: Choice) -> str:
    models = dict.fromkeys(model for model in choice.models.values() if not model.open_ended)
    return ", ".join(f"[{_words(model.__name__).lower()}](#{_anchor(model)})" for model in models)


def _default(model: type[Model], field: Field) -> str:
    value = model.model_fields[field.name].get_default(call_default_factory=True)
    if value in (None, (), {}, "") or isinstance(value, Model):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _spelt(model: type[Model]) -> str:
    pairs = {other: key for concern in concerns_of(model) for other, key in reads_of(concern).spellings.items()}
    named = [f"`{other}` as `{key}`" for other, key in sorted(pairs.items()) if key in written(model)]
    return ", ".join(named)
