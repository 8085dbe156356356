"""What was seen of files while plans were made: another process can see the same, whatever has become of the files.

Whoever reads what a plan is made of looks by ``seen``. Where nobody takes note, that is a look at the file.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

FoundT = TypeVar("FoundT")
Key: TypeAlias = tuple[str, str]
"""What was looked for, and where."""


@dataclass(frozen=True, slots=True)
class Failed:
    """An error of the system, instead of what was looked for."""

    number: int | None
    reason: str | None
    path: str

    def error(self) -> OSError:
        """Return the error: of the class that its number has."""
        return OSError(self.number, self.reason, self.path)


class Seen:
    """What one reading has seen: of each file the same for all who look.

    Args:
        known: what is seen in place of the files.

    Attributes:
        noted: all that was looked for.
    """

    def __init__(self, known: Mapping[Key, Any] | None = None) -> None:
        self._known = known or {}
        self.noted: dict[Key, Any] = {}

    @contextlib.contextmanager
    def noting(self) -> Iterator[None]:
        """Take note of what is looked for while the block lasts, in this thread."""
        before = _now.set(self)
        try:
            yield
        finally:
            _now.reset(before)

    def look(self, key: Key, look: Callable[[], FoundT]) -> FoundT:
        """Return what is known, or what a look finds.

        Raises:
            OSError: what it fails with, each time.
        """
        if key not in self.noted:
            self.noted[key] = self._known[key] if key in self._known else _found(look)
        found = self.noted[key]
        if isinstance(found, Failed):
            raise found.error()
        known: FoundT = found
        return known


def _found(look: Callable[[], FoundT]) -> FoundT | Failed:
    try:
        return look()
    except OSError as error:
        return Failed(error.errno, error.strerror, str(error.filename or ""))


_now: ContextVar[Seen | None] = ContextVar("naftiko.seen", default=None)


def seen(what: str, where: Path | str, look: Callable[[], FoundT]) -> FoundT:
    """Return what a look finds, or has found for whoever takes note.

    Args:
        what: is looked for, such as ``text``.
        where: the file.
        look: looks at it.

    Raises:
        OSError: it fails.
    """
    now = _now.get()
    return look() if now is None else now.look((what, str(where)), look)


def text_of(path: Path) -> bytes:
    """Return the bytes of a file.

    Raises:
        OSError: it can't be read.
    """
    return seen("text", path, path.read_bytes)


def is_file(path: Path) -> bool:
    """Tell whether there is a file.

    Raises:
        OSError: that can't be told.
    """
    return seen("file", path, path.is_file)
