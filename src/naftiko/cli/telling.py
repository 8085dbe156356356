"""What an operator is told at the start; of hundreds of files how many, not each."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import Final, Self, TypeVar

from naftiko.expose.announcement import Announcement
from naftiko.observe import sanitize as neutral
from naftiko.observe.lines import LINES
from naftiko.observe.logs import json_line
from naftiko.observe.redaction import Redactor

ItemT = TypeVar("ItemT")
MANY: Final = 20
"""Lines of one kind above which the rest is counted."""
_ALWAYS: Final = frozenset({"listening", "no-authentication", "environment", "advice", "left-out", "unknown-name"})
_WIDTH: Final = 30
_EVERY: Final = 0.1
"""Seconds between two looks of the bar."""


class Teller:
    """Tells the operator: warnings on stderr, where things are on stdout; all of it as JSON if wanted.

    Nothing goes to stdout that is the wire of an MCP client: over stdio, nothing listens.

    Args:
        form: ``text`` or ``json``.
        redactors: hide secrets.
        verbose: whether every line is told, however many there are.
    """

    def __init__(self, form: str, redactors: Sequence[Redactor], *, verbose: bool) -> None:
        self._form = form
        self._redactors = redactors
        self._verbose = verbose
        self._told: Counter[str] = Counter()
        self.bar: ProgressBar | None = None

    def __call__(self, announcement: Announcement) -> None:
        """Tell one thing; what is one of many is counted."""
        event = str(announcement.facts.get("event", ""))
        if not self._verbose and event and event not in _ALWAYS:
            self._told[event] += 1
            if self._told[event] > MANY:
                return
        self._write(announcement)

    def tell_left_out(self) -> None:
        """Say how much was only counted, and begin anew."""
        for event, count in self._told.items():
            if count > MANY:
                left = count - MANY
                facts = {"event": "left-out", "of": event, "count": left}
                self._write(Announcement(f"{event}: and {left} more; --verbose names them", facts, is_warning=True))
        self._told.clear()

    def _write(self, announcement: Announcement) -> None:
        line = neutral.one_line(announcement.text)
        if self._form == "json":
            level = "warning" if announcement.is_warning else "info"
            line = json_line(level, announcement.text, announcement.facts)
        for redactor in self._redactors:
            line = redactor.redact(line)
        is_aside = announcement.is_warning or announcement.is_aside
        if self.bar is not None:
            self.bar.clear()
        LINES.write(sys.stderr if is_aside else sys.stdout, line)


class ProgressBar:
    """How far loading is, on a terminal; for a few files and elsewhere it is nothing.

    Args:
        count: of the files.
        teller: writes lines of its own meanwhile.
    """

    def __init__(self, count: int, teller: Teller | None = None) -> None:
        self._count = count
        self._teller = teller
        self._is_shown = count > MANY and sys.stderr.isatty()
        self._next = 0.0

    def over(self, items: Iterable[ItemT]) -> Iterator[ItemT]:
        """Yield the items, and show how many are done."""
        for at, item in enumerate(items):
            if self._is_shown and time.monotonic() >= self._next:
                self._next = time.monotonic() + _EVERY
                done = _WIDTH * at // self._count
                sys.stderr.write(f"\r[{'#' * done}{'.' * (_WIDTH - done)}] {at} of {self._count} files")
                sys.stderr.flush()
            yield item

    def clear(self) -> None:
        """Make room for a line; the bar is there again a moment later."""
        if self._is_shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def __enter__(self) -> Self:
        if self._teller is not None:
            self._teller.bar = self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._teller is not None:
            self._teller.bar = None
        self.clear()
