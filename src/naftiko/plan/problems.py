"""The problems of one call's inputs: all of them, up to as many as anybody reads (SEMANTICS 3.6)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from naftiko.ground.errors import Problem

MOST: Final = 25
"""Problems that are told one by one: a body of 4 MB may have 200,000 of them."""


class Problems(list[Problem]):
    """Collects problems; beyond the first ones they are only counted.

    A list, since one is made for each call, and nearly all of them stay empty.
    """

    _others = 0

    @property
    def is_full(self) -> bool:
        """Whether one more is only counted, so that nobody need say what it is."""
        return len(self) >= MOST

    def append(self, problem: Problem) -> None:
        """Add a problem."""
        if self.is_full:
            self._others += 1
        else:
            super().append(problem)

    def extend(self, problems: Iterable[Problem]) -> None:
        """Add problems; of those that are found one after the other, no more are looked for than are told."""
        for problem in problems:
            self.append(problem)
            if self.is_full:
                return

    def count_one(self) -> None:
        """Count one more."""
        self._others += 1

    def told(self) -> list[Problem]:
        """Return what is told: the problems, and how many there are beside them."""
        if not self._others:
            return self
        first = self[0]
        more = f"and {self._others:,} more problems" if self._others > 1 else "and 1 more problem"
        return [*self, Problem("inputs", first.location, more)]
