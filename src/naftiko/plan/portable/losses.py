"""What of a schema is not shown as it is written, as findings of ``validate``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from naftiko.types import Severity


@dataclass(frozen=True, slots=True)
class Loss:
    """One of them.

    Attributes:
        rule: the id of the rule that tells it.
        severity: a hint where it means the same, a warning where it doesn't.
        where: the place in the schema, such as ``filter.kind``; empty for all of it.
        text: what it is.
    """

    rule: str
    severity: Severity
    where: str
    text: str


class Losses:
    """Collects them, each once."""

    def __init__(self) -> None:
        self._found: dict[Loss, None] = {}

    def hint(self, rule: str, where: str, text: str) -> None:
        """Note what is shown otherwise, and means the same."""
        self._found[Loss(rule, Severity.HINT, where, text)] = None

    def warning(self, rule: str, where: str, text: str) -> None:
        """Note what is said in words, or not at all."""
        self._found[Loss(rule, Severity.WARNING, where, text)] = None

    def __iter__(self) -> Iterator[Loss]:
        return iter(self._found)
