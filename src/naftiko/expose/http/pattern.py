"""Match texts of literals and placeholders, such as ``{id}.json`` or ``ship://{imo}/info``, in linear time.

A regular expression with several placeholders tries every way to cut a text, which a caller who chooses the text can
make take minutes. Here each literal is looked for once, from where the one before it ended.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_PLACEHOLDER = re.compile(r"\{\{\s*([^{}/]+?)\s*\}\}|\{([^{}/]+)\}")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern, ready to match.

    Attributes:
        literals: the texts before, between and after the placeholders: one more than there are placeholders.
        names: the placeholders, as they are written.
    """

    literals: tuple[str, ...]
    names: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Pattern:
        """Read a pattern with ``{x}`` or ``{{x}}``."""
        literals: list[str] = []
        names: list[str] = []
        at = 0
        for found in _PLACEHOLDER.finditer(text):
            literals.append(text[at : found.start()])
            names.append(found[1] or found[2])
            at = found.end()
        return cls((*literals, text[at:]), tuple(names))

    def match(self, text: str) -> tuple[str, ...] | None:
        """Return what the placeholders stand for in a whole text, or ``None``.

        Each stands for one character at least; of several ways the first ones stand for as little as can be.
        """
        first, *between, last = self.literals if self.names else (*self.literals, "")
        end = len(text) - len(last)
        if not self.names:
            return () if text == first else None
        if not text.startswith(first) or not text.endswith(last) or end < len(first) + 1:
            return None
        values: list[str] = []
        at = len(first)
        for literal in between:
            found = text.find(literal, at + 1, end)
            if found < 0:
                return None
            values.append(text[at:found])
            at = found + len(literal)
        return None if at >= end else (*values, text[at:end])
