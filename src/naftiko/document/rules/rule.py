"""What a rule's page says."""

from __future__ import annotations

from dataclasses import dataclass

from naftiko.types import Severity


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that diagnostics name.

    Attributes:
        id: stable; diagnostics, SARIF and the documentation use it.
        severity: of every diagnostic of this rule.
        summary: one line.
        why: what happens at run time, and why it matters.
        fix: what to do.
        bad: sections of a capability that break the rule.
        good: the same, mended.
        covers: the rules of the reference's own rule set that it stands for.
    """

    id: str
    severity: Severity
    summary: str
    why: str
    fix: str
    bad: str
    good: str
    covers: tuple[str, ...] = ()


ERROR, WARNING, HINT = Severity.ERROR, Severity.WARNING, Severity.HINT
