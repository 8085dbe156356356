"""How each model's fields are read from YAML, worked out once from the models themselves."""

from __future__ import annotations

import functools
import types
import typing
from dataclasses import dataclass, replace
from enum import Enum, auto

from naftiko.document.model.base import Canonical, Choice, Duration, Import, Model, Named, PortNumber


class Kind(Enum):
    """What the value of a key may be."""

    TEXT = auto()
    BOOLEAN = auto()
    INTEGER = auto()
    NUMBER = auto()
    PORT = auto()
    """A port number, or a template of one."""
    DURATION = auto()
    """A text such as ``500ms``; its value is seconds."""
    FREE = auto()
    """Anything."""
    FREE_LIST = auto()
    TEXT_LIST = auto()
    """A list of texts, or one text."""
    TEXT_MAP = auto()
    FREE_MAP = auto()
    MODEL = auto()
    MODELS = auto()
    """A list of mappings."""
    NAMED = auto()
    """A list of named things, or a map from name to thing."""


@dataclass(frozen=True, slots=True)
class Field:
    """One key of a mapping.

    Attributes:
        key: the key in the file.
        name: the model's attribute.
        model: the model of MODEL, MODELS and NAMED; with a ``choice``, its default.
        named: the field that a map's key becomes (NAMED).
        choice: how the model is chosen, if there are several.
        importable: whether an import may stand there.
        words: the values that are allowed, if they are few.
        canonical: whether a dialect makes it, and no file.
    """

    key: str
    name: str
    kind: Kind
    model: type[Model] = Model
    named: str = "name"
    choice: Choice | None = None
    importable: bool = False
    words: tuple[str, ...] = ()
    canonical: bool = False

    @property
    def models(self) -> tuple[type[Model], ...]:
        """The models that a value may be read as, each once; that of a kind which isn't known comes last."""
        if self.kind not in {Kind.MODEL, Kind.MODELS, Kind.NAMED}:
            return ()
        if self.choice is None:
            return (self.model,)
        return tuple(dict.fromkeys((*self.choice.models.values(), self.model, self.choice.unknown)))


_SCALARS: dict[object, Kind] = {
    str: Kind.TEXT,
    bool: Kind.BOOLEAN,
    int: Kind.INTEGER,
    float: Kind.NUMBER,
    typing.Any: Kind.FREE,
    list[typing.Any]: Kind.FREE_LIST,
    tuple[str, ...]: Kind.TEXT_LIST,
    dict[str, str]: Kind.TEXT_MAP,
    dict[str, typing.Any]: Kind.FREE_MAP,
}


@functools.cache
def shape(model: type[Model]) -> dict[str, Field]:
    """Return a model's fields by the key that the file has."""
    hints = typing.get_type_hints(model, include_extras=True)
    fields: dict[str, Field] = {}
    for name, info in model.model_fields.items():
        if name not in {"node", "entries"}:
            key = info.alias or name
            fields[key] = _field(key, name, hints[name])
    return fields


@functools.cache
def written(model: type[Model]) -> dict[str, Field]:
    """Return the fields that a file may write, by key."""
    return {key: field for key, field in shape(model).items() if not field.canonical}


@functools.cache
def canonical_keys(model: type[Model]) -> frozenset[str]:
    """Return the keys that no file writes."""
    return frozenset(shape(model)) - frozenset(written(model))


def _field(key: str, name: str, hint: object) -> Field:
    base, marks = _unwrap(hint)
    field = _of_kind(key, name, base, marks)
    return replace(field, canonical=True) if any(isinstance(mark, Canonical) for mark in marks) else field


def _of_kind(key: str, name: str, base: object, marks: list[object]) -> Field:
    choice = next((mark for mark in marks if isinstance(mark, Choice)), None)
    named = next((mark for mark in marks if isinstance(mark, Named)), None)
    if any(isinstance(mark, PortNumber) for mark in marks):
        return Field(key, name, Kind.PORT)
    if any(isinstance(mark, Duration) for mark in marks):
        return Field(key, name, Kind.DURATION)
    if base in _SCALARS and named is None:
        return Field(key, name, _SCALARS[base])
    if typing.get_origin(base) is typing.Literal:
        return Field(key, name, Kind.TEXT, words=typing.get_args(base))
    models = _models(base)
    model = choice.default if choice else next(found for found in models if found is not Import)
    kind = Kind.NAMED if named else Kind.MODELS if typing.get_origin(base) is tuple else Kind.MODEL
    return Field(key, name, kind, model, named.key if named else "name", choice, Import in models)


def _unwrap(hint: object) -> tuple[object, list[object]]:
    """Strip ``Annotated`` and ``| None`` from a type; return what is left and the annotations."""
    marks: list[object] = []
    while True:
        if typing.get_origin(hint) is typing.Annotated:
            hint, *more = typing.get_args(hint)
            marks.extend(more)
            continue
        if typing.get_origin(hint) in {typing.Union, types.UnionType}:
            inner = [found for found in typing.get_args(hint) if found is not type(None)]
            if len(inner) == 1:
                hint = inner[0]
                continue
        return hint, marks


def _models(base: object) -> list[type[Model]]:
    """Return the models that a type names, in order."""
    if isinstance(base, type) and issubclass(base, Model):
        return [base]
    return [model for part in typing.get_args(base) for model in _models(part)]
