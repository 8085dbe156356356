"""Collect diagnostics while a file is read and linked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from yaml.nodes import Node, ScalarNode

from naftiko.ground.types import Diagnostic, Position, Severity


class Findings:
    """The diagnostics of one file, in the order in which they were found.

    Reporting never raises: everything wrong with a file is told in one go (SEMANTICS 1.4).
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self.text = ""
        self._found: dict[Diagnostic, None] = {}  # an ordered set: an alias is visited twice, told once

    def __iter__(self) -> Iterator[Diagnostic]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def add(self, diagnostic: Diagnostic) -> None:
        """Add a diagnostic, once."""
        self._found[diagnostic] = None

    def extend(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Add the diagnostics of another file, such as an imported one."""
        self._found.update(dict.fromkeys(diagnostics))

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The errors among them."""
        return tuple(found for found in self._found if found.severity is Severity.ERROR)

    def position(self, node: Node | None) -> Position:
        """Return where a node stands; the file's start for none."""
        if node is None or node.start_mark is None:
            return Position(self.file, 1, 1)
        start, end = node.start_mark, node.end_mark
        one_line = isinstance(node, ScalarNode) and end is not None and end.line == start.line
        width = max(1, end.column - start.column) if one_line else 1
        return Position(start.name, start.line + 1, start.column + 1, width)

    def at(self, node: Node | None) -> Reporter:
        """Report at a node."""
        return Reporter(self, self.position(node))

    def at_line(self, line: int, column: int) -> Reporter:
        """Report at a line and column, both from 1."""
        return Reporter(self, Position(self.file, line, column))

    def at_position(self, position: Position) -> Reporter:
        """Report at a position found earlier."""
        return Reporter(self, position)


@dataclass(frozen=True, slots=True)
class Reporter:
    """Reports findings at one position."""

    findings: Findings
    position: Position

    def error(self, rule: str, message: str, *, hint: str = "", related: tuple[Position, ...] = ()) -> None:
        """Report what can't be executed."""
        self._add(rule, Severity.ERROR, message, hint, related)

    def warning(self, rule: str, message: str, *, hint: str = "", related: tuple[Position, ...] = ()) -> None:
        """Report what works, but probably not as meant."""
        self._add(rule, Severity.WARNING, message, hint, related)

    def hint(self, rule: str, message: str, *, hint: str = "", related: tuple[Position, ...] = ()) -> None:
        """Report what works and could be said better."""
        self._add(rule, Severity.HINT, message, hint, related)

    def _add(self, rule: str, severity: Severity, message: str, hint: str, related: tuple[Position, ...]) -> None:
        self.findings.add(Diagnostic(rule, severity, self.position, message, hint, related))
