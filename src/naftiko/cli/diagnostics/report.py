"""What a run found, over all its files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from naftiko.ground.types import Diagnostic, Severity

if TYPE_CHECKING:
    from naftiko.cli.scoring import Score


@dataclass(frozen=True, slots=True)
class Checked:
    """One file.

    Attributes:
        usable: whether it is a capability at all.
        units: how many routes and tools it has.
        executable: how many of them can be executed.
        score: how well its tools say what they are for, where that was asked.
    """

    file: str
    diagnostics: tuple[Diagnostic, ...]
    usable: bool = True
    units: int = 0
    executable: int = 0
    score: Score | None = None

    def count(self, severity: Severity) -> int:
        """Return how many diagnostics are of a severity."""
        return sum(found.severity is severity for found in self.diagnostics)


@dataclass(frozen=True, slots=True)
class Report:
    """Several files.

    Attributes:
        skipped: how many YAML files of directories are no capabilities.
    """

    files: Sequence[Checked]
    skipped: int = 0

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """All of them, by file, then by place; what two files share (an import) is told once."""
        every = dict.fromkeys(found for checked in self.files for found in in_order(checked.diagnostics))
        return list(every)

    def count(self, severity: Severity) -> int:
        """Return how many diagnostics are of a severity."""
        return sum(found.severity is severity for found in self.diagnostics)


def in_order(diagnostics: Sequence[Diagnostic]) -> list[Diagnostic]:
    """Sort by place; the first one's file comes first, so that an imported file follows the one that imports it."""
    files = {file: at for at, file in enumerate(dict.fromkeys(found.position.file for found in diagnostics))}
    return sorted(diagnostics, key=lambda found: (files[found.position.file], found.position))


def summary(report: Report) -> str:
    """Return the last line, such as ``3 errors, 2 warnings in 1 file (4 hints: --hints shows them)``."""
    counts = Counter(found.severity for found in report.diagnostics)
    parts = [
        _plural(counts[severity], severity.value)
        for severity in (Severity.ERROR, Severity.WARNING)
        if counts[severity] or (severity is Severity.ERROR and not counts[Severity.WARNING])
    ]
    found = "no problems" if not (counts[Severity.ERROR] or counts[Severity.WARNING]) else ", ".join(parts)
    line = f"{found} in {_plural(len(report.files), 'file')}"
    if counts[Severity.HINT]:
        line += f", {_plural(counts[Severity.HINT], 'hint')}"
    if report.skipped:
        line += f" ({_plural(report.skipped, 'other YAML file')} without a root key left out)"
    return line


def _plural(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"
