"""A script of a step, as far as its capability file says it (SEMANTICS 5.8)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

LANGUAGES: Final = {"javascript": "javascript", "js": "javascript", "python": "python"}
"""What files call the languages that are run."""
GROOVY: Final = "groovy"
"""A language that the specification knows, and that is not run: it has no sandbox."""


@dataclass(frozen=True, slots=True)
class Script:
    """A script.

    Attributes:
        step: the name of its step.
        file: its path below the location.
        location: a ``file://`` directory; ``None``: the operator's default.
        language: as the file has it; ``None``: the operator's default.
        dependencies: the files that run before it, in the same global scope.
    """

    step: str
    file: str
    location: str | None = None
    language: str | None = None
    dependencies: tuple[str, ...] = ()


_SEGMENT: Final = re.compile(r"[A-Za-z0-9._-]+")


def why_unsafe(name: str) -> str:
    """Return why a path may not be that of a script, ``""`` where it may: each of its segments is a plain name."""
    for segment in name.split("/"):
        if segment in {".", ".."} or not _SEGMENT.fullmatch(segment):
            return "a path below the location of a script has segments of letters, digits, `.`, `_` and `-`"
    return ""
