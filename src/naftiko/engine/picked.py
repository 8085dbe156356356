"""What the operator says of namespaces, by name or by a pattern such as ``github-*``."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import TypeVar

ValueT = TypeVar("ValueT")


def picked(names: Iterable[str], by_pattern: Mapping[str, ValueT]) -> dict[str, ValueT]:
    """Return what the operator says of each name of which anything is said."""
    patterns = {name: _pattern(name, by_pattern) for name in names}
    return {name: by_pattern[pattern] for name, pattern in patterns.items() if pattern is not None}


def _pattern(name: str, patterns: Collection[str]) -> str | None:
    if name in patterns:
        return name
    return max((pattern for pattern in patterns if fnmatchcase(name, pattern)), key=len, default=None)


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Tell whether a name is one of them, or fits one."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)
