"""What each key means, in words: ``keys.yaml``, a model by its name and its keys below."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

import yaml

from naftiko.document.model.base import Model

_ANY: Final = "<any>"


@dataclass(frozen=True, slots=True)
class Described:
    """What a key means.

    Attributes:
        text: one or two sentences.
        example: a value to show; ``None``: there is none.
    """

    text: str
    example: Any = None


def describe(model: type[Model], key: str) -> Described | None:
    """Return what a key of a model means: its own text, that of what the model is made of, or that of any such key."""
    words = _words()
    for name in (*(base.__name__ for base in model.__mro__), _ANY):
        found = words.get(name, {}).get(key)
        if found is not None:
            return found if isinstance(found, Described) else Described(found)
    return None


def summary(model: type[Model]) -> str:
    """Return what a model is, as Markdown: the first line of what it says of itself; ``""`` where it says nothing."""
    return (model.__doc__ or "").strip().split("\n", 1)[0].replace("``", "`")


@functools.cache
def _words() -> dict[str, dict[str, Described | str]]:
    read = yaml.load(files(__package__).joinpath("keys.yaml").read_text("utf-8"), yaml.CSafeLoader)
    return {
        name: {key: Described(**word) if isinstance(word, dict) else word for key, word in keys.items()}
        for name, keys in read.items()
    }


def described_keys() -> dict[str, set[str]]:
    """Return the keys that ``keys.yaml`` has words for, by the model's name; ``<any>`` are those of any model."""
    return {name: set(keys) for name, keys in _words().items()}
