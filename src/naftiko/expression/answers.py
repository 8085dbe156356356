"""The status and the headers of an upstream's answer, as values: ``$status``, ``$header.Link`` (SEMANTICS 5.10)."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias

from naftiko.ground.types import ABSENT

_WRITTEN: Final = re.compile(r"""\$(status|header)((?:\.[^.\[\]'"\s]+|\['[^']+'\]|\["[^"]+"\])*)""")
_PART: Final = re.compile(r"""\.([^.\[\]'"\s]+)|\['([^']+)'\]|\["([^"]+)"\]""")
ONLY: Final = ""
"""The step that a call outside of a flow is."""


class AnswerHead(NamedTuple):
    """What an answer says beside its body.

    Attributes:
        status: the HTTP status.
        headers: names in lower case, in the order in which they came; no credential of ours in them.
    """

    status: int
    headers: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class StatusOf:
    """The HTTP status of a step's answer."""

    step: str

    def __call__(self, scope: Any) -> Any:
        """Return it, a number, or ABSENT where there is no answer."""
        head: AnswerHead | None = scope.answers.get(self.step)
        return ABSENT if head is None else head.status

    def __str__(self) -> str:
        return f"$status.{self.step}" if self.step else "$status"


@dataclass(frozen=True, slots=True)
class HeaderOf:
    """A header of a step's answer.

    Attributes:
        name: in lower case: the case of a field's name says nothing (RFC 9110, 5.1).
        is_list: whether it is the list of its fields; else they are joined by commas (RFC 9110, 5.3).
    """

    step: str
    name: str
    is_list: bool = False

    def __call__(self, scope: Any) -> Any:
        """Return its value, or ABSENT where the answer has none."""
        head: AnswerHead | None = scope.answers.get(self.step)
        found = [] if head is None else [value for name, value in head.headers if name == self.name]
        if not found:
            return ABSENT
        return found if self.is_list else ", ".join(found)

    def __str__(self) -> str:
        return f"$header.{self.step}.{self.name}" if self.step else f"$header.{self.name}"


OfAnswer: TypeAlias = "StatusOf | HeaderOf"


def is_of_answer(text: str) -> bool:
    """Tell whether a text is written as what stands beside an answer's body; no JSONPath is."""
    return _WRITTEN.fullmatch(text.strip()) is not None


def of_answer(text: str, steps: Collection[str], *, is_list: bool = False) -> OfAnswer | None:
    """Return what a text names of an answer, ``None`` where it is nothing of these steps' answers.

    Args:
        text: ``$status``, ``$header.Link`` or ``$header['Link']`` of the only call; ``$status.STEP`` and
            ``$header.STEP.Link`` in a flow.
        steps: those that have an answer; ``ONLY`` among them: the call is the only one.
        is_list: whether a list of a header's fields is wanted.
    """
    found = _WRITTEN.fullmatch(text.strip())
    if found is None:
        return None
    parts = [next(filter(None, part.groups())) for part in _PART.finditer(found[2])]
    if ONLY in steps:
        step = ONLY
    else:
        step, parts = (parts[0], parts[1:]) if parts else (ONLY, [])
        if step not in steps:
            return None
    if found[1] == "status":
        return None if parts else StatusOf(step)
    return HeaderOf(step, parts[0].lower(), is_list) if len(parts) == 1 else None
