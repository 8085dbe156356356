"""Diagnostics as text: the line, a caret under what is wrong, the rule, the reason, the fix."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any

import click

from naftiko.cli.diagnostics.excerpt import Excerpts, harmless
from naftiko.cli.diagnostics.report import Report, summary
from naftiko.ground.types import Diagnostic, Position, Severity

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.HINT: "cyan"}
_GUTTER = "blue"


def wants_colour(stream: IO[Any], environment: Mapping[str, str] | None = None) -> bool:
    """Tell whether to colour: on a terminal only, and not with NO_COLOR (https://no-color.org) set."""
    surroundings = os.environ if environment is None else environment
    if surroundings.get("NO_COLOR") or surroundings.get("TERM") == "dumb":
        return False
    return stream.isatty()


class TextRenderer:
    """Writes diagnostics as text.

    Args:
        colour: whether to colour.
        hints: whether hints are shown; they are counted anyway.
    """

    def __init__(self, *, colour: bool = False, hints: bool = False) -> None:
        self._colour = colour
        self._hints = hints

    def report(self, report: Report) -> str:
        """Return the whole report, its summary last."""
        blocks = [*self.blocks(report.diagnostics), self._summary(report)]
        return "\n\n".join(blocks)

    def blocks(self, diagnostics: Sequence[Diagnostic]) -> Iterator[str]:
        """Yield each diagnostic that is shown, without an empty line at its end."""
        excerpts = Excerpts(diagnostics)
        for found in diagnostics:
            if self._hints or found.severity is not Severity.HINT:
                yield "\n".join(self._diagnostic(found, excerpts))

    def _summary(self, report: Report) -> str:
        line = summary(report)
        if report.count(Severity.HINT) and not self._hints:
            line += " (--hints shows them)" if not report.skipped else "; --hints shows the hints"
        colour = "red" if report.count(Severity.ERROR) else "yellow" if report.count(Severity.WARNING) else "green"
        return self._style(line, fg=colour, bold=True)

    def _diagnostic(self, found: Diagnostic, excerpts: Excerpts) -> Iterator[str]:
        colour = _COLOURS[found.severity]
        where = self._style(harmless(str(found.position)), bold=True)
        kind = self._style(f"{found.severity.value}:", fg=colour, bold=True)
        rule = self._style(f"[{found.rule}]", fg=colour)
        yield f"{where}: {kind} {harmless(found.message)} {rule}"
        margin = max(len(str(position.line)) for position in (found.position, *found.related))
        yield from self._excerpt(found.position, excerpts, margin, colour)
        for position in found.related:
            yield f"{' ' * margin} {self._style('=', fg=_GUTTER)} see also {harmless(str(position))}"
            yield from self._excerpt(position, excerpts, margin, _GUTTER)
        if found.hint:
            bullet = f"{' ' * margin} {self._style('=', fg=_GUTTER)}"
            yield f"{bullet} {self._style('help:', bold=True)} {harmless(found.hint)}"

    def _excerpt(self, position: Position, excerpts: Excerpts, margin: int, colour: str) -> Iterator[str]:
        shown = excerpts.at(position)
        if shown is None:
            return
        bar = self._style("|", fg=_GUTTER)
        caret = self._style("^" * shown.width, fg=colour, bold=True)
        yield f"{self._style(str(shown.number).rjust(margin), fg=_GUTTER)} {bar} {shown.text}"
        yield f"{' ' * margin} {bar} {' ' * shown.offset}{caret}"

    def _style(self, text: str, *, fg: str | None = None, bold: bool = False) -> str:
        return click.style(text, fg=fg, bold=bold) if self._colour else text
