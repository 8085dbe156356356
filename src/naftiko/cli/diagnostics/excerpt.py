"""The offending line of a file, fit to be shown: secrets hidden, control characters harmless, long lines cut."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from naftiko.document.reader import source_lines
from naftiko.plan.addresses import without_user
from naftiko.types import Diagnostic, Position

WIDTH = 120
"""How many characters of a line are shown."""
_BEFORE = 60
_HIDDEN = "***"
_SECRET_LINE = re.compile(
    r"""^\s*(?:-\s+)?["']?(?:token|password|secret|client_?secret|api_?key)["']?\s*:\s*(?P<value>[^\s#{][^{]*?)\s*$""",
    re.IGNORECASE,
)
_WORD = re.compile(r"[\w$@.-]+")
_SECRET_RULES = frozenset({"literal-secret"})


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A line and where on it the caret stands.

    Attributes:
        number: the line's number, from 1.
        text: what is shown of it.
        offset: how many terminal cells stand before the caret.
        width: how many cells the caret spans.
    """

    number: int
    text: str
    offset: int
    width: int


class Excerpts:
    """Cuts excerpts out of files, each read once; secrets that diagnostics tell of are never shown."""

    def __init__(self, diagnostics: Iterable[Diagnostic] = ()) -> None:
        self._lines: dict[str, list[str]] = {}
        self._secret_lines = {
            (found.position.file, found.position.line): found.position
            for found in diagnostics
            if found.rule in _SECRET_RULES
        }

    def at(self, position: Position) -> Excerpt | None:
        """Return the line at a position; ``None`` where there is nothing to show."""
        line = self._line(position)
        if line is None or not line.strip():
            return None
        start = min(position.column - 1, len(line))
        end = min(start + max(position.width, _word(line, start)), len(line))
        line, end = self._without_secret(line, position, start, end)
        line = without_user(line)
        line = "".join(map(_harmless, line))
        cut = max(0, start - _BEFORE) if len(line) > WIDTH else 0
        text = line[cut : cut + WIDTH]
        before, marked = line[cut:start], line[start : max(end, start + 1)][: max(1, WIDTH - (start - cut))]
        lead = "…" if cut else ""
        tail = "…" if cut + WIDTH < len(line) else ""
        return Excerpt(position.line, f"{lead}{text}{tail}", cells(lead + before), max(1, cells(marked)))

    def _line(self, position: Position) -> str | None:
        lines = self._lines.get(position.file)
        if lines is None:
            lines = self._lines[position.file] = source_lines(Path(position.file))
        return lines[position.line - 1] if 0 < position.line <= len(lines) else None

    def _without_secret(self, line: str, position: Position, start: int, end: int) -> tuple[str, int]:
        """Hide a secret that stands on the line, told by a rule or by the name of its key."""
        told = self._secret_lines.get((position.file, position.line))
        if told is not None:
            from_, to = told.column - 1, told.column - 1 + told.width
            line = f"{line[:from_]}{_HIDDEN}{line[to:]}"
            return line, from_ + len(_HIDDEN) if start == from_ else end
        found = _SECRET_LINE.match(line)
        if found is None or found["value"] in {"|", ">", "|-", ">-", "[", "header", "query"}:
            return line, end
        shown = f"{line[: found.start('value')]}{_HIDDEN}{line[found.end('value') :]}"
        return shown, min(end, len(shown))


def _word(line: str, start: int) -> int:
    """Return how long the word is that begins here: a mapping, or where a parser stopped, is shown by its first one."""
    found = _WORD.match(line, start)
    return len(found[0]) if found else 1


def _harmless(character: str) -> str:
    """A tab is one cell wide here; what would command the terminal is shown as a sign."""
    if character == "\t":
        return " "
    return "\N{REPLACEMENT CHARACTER}" if unicodedata.category(character) in {"Cc", "Cf", "Cs"} else character


def harmless(text: str) -> str:
    """Return a text of a file without characters that would command the terminal."""
    return text if text.isprintable() else "".join(map(_harmless, text))


def cells(text: str) -> int:
    """Return how many terminal cells a text takes."""
    return sum(_cell(character) for character in text)


def _cell(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1
