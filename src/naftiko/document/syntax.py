"""Say where YAML broke, and what to do: the parser tells where it gave up, which is often lines later."""

from __future__ import annotations

import bisect
import re
from dataclasses import dataclass
from typing import Final

import yaml
from yaml.cyaml import CParser  # type: ignore[attr-defined]  # the stubs forget the C extension

from naftiko.document.findings import Findings
from naftiko.document.quoting import unquoted
from naftiko.ground.types import Position

_HINTS: Final = (
    ("tab character", "indent with spaces, not tabs"),
    ("expected a single document", "one capability a file: split it at the `---`"),
    ("mapping values are not allowed", "quote the value: it holds a `: `, or check the indentation"),
    ("undefined alias", "define the anchor (`&name`) before the alias (`*name`); quote a value that starts with `*`"),
    ("nesting depth", "the document is nested too deeply"),
    ("did not find expected key", "check the indentation of this line and the ones before it"),
    ("did not find expected '-' indicator", "check the indentation: the list before this line ended here"),
    ("unexpected end of stream", "a quote is opened and never closed"),
    ("could not find expected ':'", "a `:` is missing after the key, or the indentation is off"),
    ("flow mapping", "a `,` is missing before this, or the `{` is never closed"),
    ("flow sequence", "a `,` is missing before this, or the `[` is never closed"),
)
_STARTS: Final = {
    "\t": "indent with spaces, not tabs",
    "%": "this is a template of another tool: render it first",
    "@": "quote the value: it starts with `@`",
    "`": "quote the value: it starts with a backtick",
}
"""Characters that no value begins with, with what to do."""
_SURROGATE = re.compile("[\ud800-\udfff]")
_ENTRY = re.compile(r"""\s*(?:- )*(?:"[^"]*"|'[^']*'|[^\s:#][^:#]*):(?:\s|$)""")
_WITH_VALUE = re.compile(r"""\s*(?:- )*(?:"[^"]*"|'[^']*'|[^\s:#][^:#]*):\s+[^\s#|>&]""")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a mistake is, from 0, with a hint that fits it better than the parser's words."""

    line: int
    column: int
    hint: str = ""


def report_syntax(error: yaml.MarkedYAMLError, text: str, findings: Findings) -> None:
    """Report a syntax error where the mistake most likely is; where the parser noticed it is related."""
    problem = str(error.problem or error.context or "broken YAML")
    mark = error.problem_mark or error.context_mark
    noticed = _Place(mark.line, mark.column) if mark else _Place(0, 0)
    place = _cause(error, noticed, text) or noticed
    hint = place.hint or next((advice for word, advice in _HINTS if word in f"{error.context} {problem}"), "")
    if "cannot start any token" in problem and not place.hint:
        hint = _STARTS.get(_character(noticed, text), hint)
    context = f"{error.context}, " if error.context and error.context not in problem else ""
    related: tuple[Position, ...] = ()
    if place.line != noticed.line:
        related = (Position(findings.file, noticed.line + 1, noticed.column + 1),)
    elif error.context_mark is not None and error.context_mark.line != noticed.line:
        related = (Position(findings.file, error.context_mark.line + 1, error.context_mark.column + 1),)
    findings.at_line(place.line + 1, place.column + 1).error(
        "yaml-syntax", f"{context}{problem}", hint=hint, related=related
    )


def report_character(error: Exception, text: str, findings: Findings) -> None:
    """Report a character that YAML does not allow; the parser gives its offset only."""
    surrogate = _SURROGATE.search(text)
    offset = surrogate.start() if surrogate else getattr(error, "position", 0) or 0
    line = text.count("\n", 0, offset) + 1
    column = offset - (text.rfind("\n", 0, offset) + 1) + 1
    reason = "half of a surrogate pair" if surrogate else getattr(error, "reason", "a character that can't be")
    findings.at_line(line, column).error("yaml-syntax", f"{reason}", hint="YAML does not allow this character")


def _unquoted(error: yaml.MarkedYAMLError, noticed: _Place, text: str) -> _Place | None:
    lines = text.split("\n")
    if noticed.line >= len(lines):
        return None
    found = unquoted(f"{error.context} {error.problem}", lines[noticed.line], noticed.column)
    return None if found is None else _Place(noticed.line, *found)


def _character(place: _Place, text: str) -> str:
    lines = text.split("\n")
    return lines[place.line][place.column : place.column + 1] if place.line < len(lines) else ""


def _cause(error: yaml.MarkedYAMLError, noticed: _Place, text: str) -> _Place | None:
    """Return where the mistake is if it is not where the parser noticed it."""
    began, context = error.context_mark, str(error.context or "")
    if began is not None and ("simple key" in context or "quoted scalar" in context):
        return _Place(began.line, began.column)
    return _open_quote(noticed, text) or _unquoted(error, noticed, text) or _odd_line(error, noticed, text)


def _open_quote(noticed: _Place, text: str) -> _Place | None:
    """Find a quote that was closed lines later, by the next quote of the file: it ends where the parser noticed."""
    parser = CParser(text)
    found: _Place | None = None
    try:
        while (token := parser.get_token()) is not None and token.start_mark.line <= noticed.line:
            if not isinstance(token, yaml.ScalarToken) or token.style not in {'"', "'"}:
                continue
            start, end = token.start_mark, token.end_mark
            if start.line < end.line == noticed.line:
                found = _Place(start.line, start.column, f"this quote is closed on line {end.line + 1} only")
    except yaml.YAMLError:
        pass  # the tokens up to the error are what is looked at
    return found


_ABOUT_LINES: Final = (
    "mapping values are not allowed",
    "did not find expected key",
    "did not find expected '-' indicator",
)


def _odd_line(error: yaml.MarkedYAMLError, noticed: _Place, text: str) -> _Place | None:
    """Find a line before the noticed one that doesn't fit the lines around it."""
    problem = str(error.problem or "")
    if not any(words in problem for words in _ABOUT_LINES):
        return None
    lines = _Lines(text)
    if not lines.indented_by_spaces(noticed.line + 1):
        return None
    for suspect, hint in (
        (lines.without_colon, "a `:` is missing"),
        (lines.without_dash, "a `- ` is missing"),
        (lines.too_shallow, "check the indentation: the lines around it stand deeper"),
    ):
        line = suspect(noticed.line + 1)
        if line is not None:
            return _Place(line - 1, lines.depth(line), hint)
    return None


class _Lines:
    """The lines of a broken file, judged by their indentation; line numbers count from 1."""

    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        self._shown = [at for at, line in enumerate(self._lines, 1) if line.strip() and line.lstrip()[0] != "#"]

    def indented_by_spaces(self, line: int) -> bool:
        """Tell whether there is such a line, with something on it, and no tab before that."""
        return line in self._shown and not self._lines[line - 1].lstrip(" ").startswith("\t")

    def depth(self, line: int) -> int:
        """Return how many spaces a line begins with."""
        text = self._lines[line - 1]
        return len(text) - len(text.lstrip(" "))

    def without_colon(self, line: int) -> int | None:
        """Return the line before this one, if it stands as deep and is no entry of a mapping."""
        before = self._before(line)
        if not before or self._inner_depth(before[-1]) != self.depth(line) or _ENTRY.match(self._lines[before[-1] - 1]):
            return None
        return before[-1]

    def without_dash(self, line: int) -> int | None:
        """Return the first line of a list that has no dash, where this line has one."""
        if not self._is_element(line):
            return None
        first = None
        for at in reversed(self._before(line)):
            if self.depth(at) < self.depth(line) or (self.depth(at) == self.depth(line) and not self._is_element(at)):
                break
            first = at
        return None if first is None or self._is_element(first) else first

    def too_shallow(self, line: int) -> int | None:
        """Return the line that this one stands under, if that has a value and lines before it stand as deep as this."""
        before = self._before(line)
        depth = self.depth(line)
        above = next((at for at in reversed(before) if self._inner_depth(at) <= depth), None)
        if above is None or self._inner_depth(above) == depth or not _WITH_VALUE.match(self._lines[above - 1]):
            return None
        for at in reversed(before[: before.index(above)]):
            if self._inner_depth(at) == depth:
                return above
            if self._inner_depth(at) < self._inner_depth(above):
                return None
        return None

    def _before(self, line: int) -> list[int]:
        return self._shown[: bisect.bisect_left(self._shown, line)]

    def _is_element(self, line: int) -> bool:
        return self._lines[line - 1].lstrip().startswith("- ")

    def _inner_depth(self, line: int) -> int:
        """Return how deep the entries stand that belong together with what the line begins."""
        return self.depth(line) + (2 if self._is_element(line) else 0)
