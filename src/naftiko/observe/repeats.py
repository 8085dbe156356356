"""Lines that repeat are written a few times, and then counted: a fault, or an attacker, must not fill a disk."""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections.abc import Callable, Hashable
from typing import Final

PERIOD: Final = 60.0
"""Seconds after which a kind of line is written again, and those that were left out are summed up in one."""
_MOST_KINDS: Final = 1_000
"""Kinds that are told apart at once; what is new above that is let through."""
_EXEMPT: Final = logging.DEBUG
"""Who asks for the least severe lines wants all of them."""


class _Kind:
    __slots__ = ("count", "record", "untold")

    def __init__(self, record: logging.LogRecord) -> None:
        self.count = 0
        self.untold = 0
        self.record = record


class Repeats(logging.Filter):
    """Lets the first lines of a kind through in each period.

    A kind is a logger, a level and a message without its values, or what a record says it is:
    ``extra={"repeats": (key, most)}`` lets ``most`` lines of ``key`` through, or the usual number of ``None``.

    Args:
        most: lines of a kind in a period; 0: all.
        tell: gets the records that say how many were left out.
    """

    def __init__(self, most: int, tell: Callable[[logging.LogRecord], None]) -> None:
        super().__init__()
        self._most = most
        self._tell = tell
        self._begin()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._begin)
        atexit.register(self.flush)

    def _begin(self) -> None:
        """Begin anew, as a process that was forked does: what was left out is the other one's to tell."""
        self._kinds: dict[Hashable, _Kind] = {}
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a record is written."""
        if not self._most or record.levelno <= _EXEMPT:
            return True
        own = getattr(record, "repeats", None)
        key, most = own if own is not None else ((record.name, record.levelno, record.msg), None)
        most = self._most if most is None else most
        with self._lock:
            kind = self._kinds.get(key)
            if kind is None:
                if len(self._kinds) >= _MOST_KINDS:
                    return True
                kind = self._kinds[key] = _Kind(record)
                self._set_timer()
            kind.count += 1
            is_told = kind.count <= most
            kind.untold += not is_told
            kind.record = record
        return is_told

    def _set_timer(self) -> None:
        """Look again when the period is over, as long as there is anything to count."""
        if self._timer is None:
            self._timer = threading.Timer(PERIOD, self.flush)
            self._timer.daemon = True
            self._timer.start()

    def flush(self) -> None:
        """Tell what was left out, and begin the next period; the end of the process calls it too."""
        with self._lock:
            kinds, self._kinds, self._timer = self._kinds, {}, None
        for kind in kinds.values():
            if kind.untold:
                self._tell(_summary(kind))


def _summary(kind: _Kind) -> logging.LogRecord:
    """Return the line that stands for those that were left out."""
    known = kind.record
    said = f"{known.getMessage().splitlines()[0]} (and {kind.untold} more like it)"
    return logging.LogRecord(known.name, known.levelno, known.pathname, known.lineno, said, None, None)
