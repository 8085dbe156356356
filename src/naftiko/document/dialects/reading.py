"""What concerns say that they read beside a model's own keys, for the language's JSON Schema and its pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

_ConcernT = TypeVar("_ConcernT", bound=Callable[..., None])


@dataclass(frozen=True, slots=True)
class Reads:
    """What a concern reads.

    Attributes:
        spellings: other spellings, each with the key that it is read as; ``""`` where it is read as several.
        shapes: keys whose values may have shapes that the model doesn't have, as JSON Schemas; in these ``IT`` stands
            for the schema of what the model has there, ``ONE`` for one of the things that it has there.
        of: names of models whose keys may stand there too.
    """

    spellings: Mapping[str, str] = field(default_factory=dict)
    shapes: Mapping[str, list[dict[str, Any]]] = field(default_factory=dict)
    of: tuple[str, ...] = ()


_READS: Final[dict[Callable[..., None], Reads]] = {}
_NOTHING: Final = Reads()

SCALAR: Final[dict[str, Any]] = {"type": ["string", "number", "boolean"]}
LIST: Final[dict[str, Any]] = {"type": "array"}
MAP: Final[dict[str, Any]] = {"type": "object"}
IT: Final[dict[str, Any]] = {"it": True}
ONE: Final[dict[str, Any]] = {"one": True}
LIST_OF_IT: Final[dict[str, Any]] = {"type": "array", "items": IT}
MAP_OF_IT: Final[dict[str, Any]] = {"type": "object", "additionalProperties": IT}


def in_any_case(words: Iterable[str]) -> str:
    """Return the pattern of words in any case, with ``-`` and ``_`` wherever somebody writes them (ECMA 262)."""
    spelt = ("[-_]*".join(_in_any_case(letter) for letter in word) for word in words)
    return f"^({'|'.join(spelt)})$"


def _in_any_case(letter: str) -> str:
    return f"[{letter.upper()}{letter.lower()}]" if letter.isalpha() else f"[{letter}]"


def reads(what: Reads) -> Callable[[_ConcernT], _ConcernT]:
    """Return the decorator that says what a concern reads."""

    def note(concern: _ConcernT) -> _ConcernT:
        _READS[concern] = what
        return concern

    return note


def reads_of(concern: Callable[..., None]) -> Reads:
    """Return what a concern reads; nothing where it doesn't say."""
    return _READS.get(concern, _NOTHING)
