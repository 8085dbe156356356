"""The offending line of a file, fit to be shown: secrets hidden, control characters harmless, long lines cut."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from naftiko.document.reader import source_lines
from naftiko.ground.types import Diagnostic, Position
from naftiko.observe import sanitize as neutral
from naftiko.plan.addresses import user_spans

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
        self._shown: dict[tuple[str, int], _Line] = {}
        self._secrets: dict[tuple[str, int], list[Position]] = {}
        for found in diagnostics:
            if found.rule in _SECRET_RULES:
                self._secrets.setdefault((found.position.file, found.position.line), []).append(found.position)

    def at(self, position: Position) -> Excerpt | None:
        """Return the line at a position; ``None`` where there is nothing to show.

        A file may be one line, of which a thousand diagnostics tell: each looks at its own part of it.
        """
        line = self._line(position)
        if line is None or line.is_blank:
            return None
        length = len(line.text)
        start = min(position.column - 1, length)
        end = min(start + max(position.width, _word(line.text, start)), length)
        cut = max(0, start - _BEFORE) if length > WIDTH else 0
        stop = min(cut + WIDTH, length)
        before = line.part(cut, start, is_first=True)
        marked = line.part(start, min(max(end, start + 1), max(stop, start + 1)), is_first=cut == start)
        rest = line.part(min(max(end, start + 1), max(stop, start + 1)), stop)
        lead, tail = "…" if cut else "", "…" if stop < length else ""
        text = f"{lead}{before}{marked}{rest}{tail}"
        return Excerpt(position.line, text, cells(lead + before), max(1, cells(marked)))

    def _line(self, position: Position) -> _Line | None:
        key = position.file, position.line
        known = self._shown.get(key)
        if known is None:
            lines = self._lines.get(position.file)
            if lines is None:
                lines = self._lines[position.file] = source_lines(Path(position.file))
            if not 0 < position.line <= len(lines):
                return None
            text = lines[position.line - 1]
            known = self._shown[key] = _Line(text, _hidden(text, self._secrets.get(key, ())))
        return known


class _Line:
    """A line and the parts of it that are not shown, in order.

    Args:
        text: the line.
        hidden: from and to of each part.
    """

    def __init__(self, text: str, hidden: list[tuple[int, int]]) -> None:
        self.text = text
        self.is_blank = not text.strip()
        self._hidden = hidden
        self._ends = [to for _, to in hidden]

    def part(self, start: int, stop: int, *, is_first: bool = False) -> str:
        """Return what is shown of a part; a secret that begins before it is shown where it begins, or in the first."""
        pieces: list[str] = []
        at = start
        for from_, to in self._hidden[bisect_right(self._ends, start) :]:
            if from_ >= stop:
                break
            pieces.append(self.text[at:from_])
            if from_ >= start or is_first:
                pieces.append(_HIDDEN)
            at = max(at, to)
        pieces.append(self.text[at:stop])
        return harmless("".join(pieces))


def _hidden(line: str, told: Iterable[Position]) -> list[tuple[int, int]]:
    """Return where secrets stand on a line: those that a rule tells, in URLs, and after the names of keys."""
    found = [(secret.column - 1, secret.column - 1 + secret.width) for secret in told]
    found += user_spans(line)
    named = _SECRET_LINE.match(line) if not found else None
    if named is not None and named["value"] not in {"|", ">", "|-", ">-", "[", "header", "query"}:
        found.append(named.span("value"))
    merged: list[tuple[int, int]] = []
    for from_, to in sorted(found):
        if merged and from_ <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(to, merged[-1][1])
        else:
            merged.append((from_, to))
    return merged


def _word(line: str, start: int) -> int:
    """Return how long the word is that begins here: a mapping, or where a parser stopped, is shown by its first one."""
    found = _WORD.match(line, start)
    return len(found[0]) if found else 1


def harmless(text: str) -> str:
    """Return a text of a file on one line, without characters that would command the terminal or hide text."""
    return neutral.one_line(text)


def cells(text: str) -> int:
    """Return how many terminal cells a text takes."""
    return sum(_cell(character) for character in text)


def _cell(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1
