"""What `serve` says at the start about what files use, and asks of those that have changed (SEMANTICS 9)."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

import click

from naftiko.cli.diagnostics.excerpt import harmless
from naftiko.cli.trusted import TrustStore, Use
from naftiko.expose.announcement import Announce, Announcement
from naftiko.observe.lines import LINES

_MOST: Final = 20
"""Lines about hosts; more of them are counted."""


class Admission:
    """Looks at files before they are served.

    Args:
        tell: told what they use.
        strict: whether what has changed, or lies outside, is refused.
        asks: whether there is somebody at a terminal to ask.
    """

    def __init__(self, tell: Announce, *, strict: bool, asks: bool | None = None) -> None:
        self._tell = tell
        self._strict = strict
        self._asks = sys.stdin.isatty() and sys.stderr.isatty() if asks is None else asks
        self._store = TrustStore.read()
        self._uses: Sequence[Use] = ()

    def refused(self, uses: Sequence[Use]) -> list[Use]:
        """Return the files that are not to be served; tell why, and of what is outside.

        Args:
            uses: the files as they are now.
        """
        self._uses = uses
        refused: list[Use] = []
        for use in uses:
            is_refused = False
            for line in _outside(use):
                self._tell(line)
                is_refused = is_refused or (self._strict and line.is_warning)
            for line in _unreadable(use) if self._strict else ():
                self._tell(line)
                is_refused = True
            changes = self._store.changes(use) if self._store.knows(use) else []
            if changes:
                is_refused = not self._admitted(use, changes) or is_refused
            if is_refused:
                refused.append(use)
        return refused

    def tell_uses(self) -> None:
        """Tell which variables go to which host, of the files that nobody has said to trust."""
        for line in _fresh(use for use in self._uses if not self._store.knows(use)):
            self._tell(replace(line, is_aside=True))

    def _admitted(self, use: Use, changes: Sequence[str]) -> bool:
        """Tell that a trusted file has changed, and return whether it is served all the same."""
        what = f"changed: {use.path} is not as it was trusted on {self._store.when(use)}: {'; '.join(changes)}"
        facts = {"event": "changed", "file": str(use.path), "changes": list(changes)}
        self._tell(Announcement(f"{what}; `naftiko trust {use.path}` records it", facts, is_warning=True))
        if self._strict:
            return False
        if not self._asks:
            return True
        LINES.drain()  # what is asked stands below what it is about
        if not click.confirm(f"Trust {harmless(str(use.path))} as it is now?", err=True):
            return False
        try:
            self._store.trust([use])
        except OSError as error:
            text = f"warning: {self._store.path}: {(error.strerror or 'can not be written').lower()}"
            self._tell(Announcement(text, {"event": "trust"}, is_warning=True))
        return True


def _fresh(uses: Iterable[Use]) -> Iterator[Announcement]:
    """Yield which variables go to which host, of files that nobody has said to trust; a line a host."""
    found: dict[str, dict[str, None]] = {}
    for use in uses:
        for target, names in use.reach.by_target(set_ones=True):
            found.setdefault(target, {}).update(dict.fromkeys(names))
    for at, (target, several) in enumerate(found.items()):
        if at == _MOST:
            text = f"uses: and {len(found) - _MOST} more hosts; `naftiko inspect FILE` tells"
            yield Announcement(text, {"event": "uses", "more": len(found) - _MOST})
            return
        text = f"uses: {', '.join(several)} → {target}"
        yield Announcement(text, {"event": "uses", "variables": list(several), "target": target})


def _unreadable(use: Use) -> Iterator[Announcement]:
    """Yield the files that a capability names and may not read."""
    for file in use.reach.files:
        if file.refused:
            text = f"not read: {file.path} ({file.used_as} of {use.path}): {file.refused}"
            facts = {"event": "not-read", "file": str(use.path), "path": str(file.path), "reason": file.refused}
            yield Announcement(text, facts, is_warning=True)


def _outside(use: Use) -> Iterator[Announcement]:
    """Yield the files of binds outside of the directory, which are read; a warning where no root names them."""
    for file in use.reach.outside:
        if file.targets and not file.refused:
            goes = ", ".join(file.targets)
            text = (
                f"reads: {file.path} ({file.used_as} of {use.path}), outside of its directory; its values go to {goes}"
            )
            facts: dict[str, object] = {
                "event": "reads",
                "file": str(use.path),
                "path": str(file.path),
                "targets": list(file.targets),
            }
            yield Announcement(text, facts, is_warning=not file.is_named, is_aside=True)
