"""The few types that every room speaks."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
"""A decoded document: what JSON can say (RFC 8259), and what every other format is decoded to."""


class Rooted(dict[str, Any]):
    """A document whose format names its root, which an object has no place for: an XML document (SEMANTICS 5.1).

    People keep that name in paths. So the document stands under it as well, unless a member has the name; it isn't
    counted, listed or written.
    """

    __slots__ = ("root",)

    def __init__(self, members: Mapping[str, Any], root: str) -> None:
        super().__init__(members)
        self.root = root

    def __missing__(self, key: str) -> Rooted:
        if key != self.root:
            raise KeyError(key)
        return self


class _Absent:
    """The type of ``ABSENT``."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "ABSENT"

    def __reduce__(self) -> str:
        return "ABSENT"  # pickled as what it is called, it stays the only one


ABSENT: Final[Any] = _Absent()
"""No value at all, which JSON's ``null`` is not: an absent optional input sends nothing (SEMANTICS 3.2)."""


class Severity(enum.Enum):
    """How much a finding matters."""

    ERROR = "error"
    """This unit, or this file, can't be executed."""
    WARNING = "warning"
    """It works, probably not as meant."""
    HINT = "hint"
    """It works; it could be said better."""


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a file: line and column count from 1, as editors do."""

    file: str
    line: int
    column: int
    width: int = 1
    """How many characters the offending text spans on that line."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One thing found in a capability file.

    Attributes:
        rule: the stable id of the rule, such as ``unknown-key``.
        severity: what it means for the file.
        position: where it is.
        message: what is wrong, one sentence.
        hint: what to do, or ``""``.
        related: other positions that matter, such as the first of two duplicate keys.
    """

    rule: str
    severity: Severity
    position: Position
    message: str
    hint: str = ""
    related: tuple[Position, ...] = ()

    def __str__(self) -> str:
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.position}: {self.severity.value}: {self.message}{hint} [{self.rule}]"
