"""What every source of bind variables is: lazy, read once, and able to say why it can't be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, TypeAlias

from naftiko.expression.text import as_text
from naftiko.ground.types import Json

Read: TypeAlias = Callable[[], Mapping[str, Json]]
"""Reads a source whole; raises ``NotReadable``. Scalars come as text, written as they were."""


class NotReadable(Exception):
    """A source that can't be read; the text says why and what to do, in plain words and without a secret."""


class Source(Protocol):
    """A place that binds read from."""

    @property
    def reason(self) -> str:
        """Return why it can't be read, or ``""``."""
        ...

    def get(self, key: str) -> str | None:
        """Return the value under a key, or ``None``; never an empty text (SEMANTICS 2)."""
        ...


class Environment:
    """The process's environment, with the operator's variables and ``--env-file`` over it.

    An empty value is no value: it never becomes an empty string on the wire.
    """

    reason = ""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def get(self, key: str) -> str | None:
        """Return a variable that is set and not empty."""
        return self._values.get(key) or None


class UnreadableSource:
    """A bind's location that can't be read; its variables are missing, and the reason is told."""

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def get(self, key: str) -> str | None:  # noqa: ARG002  # a source's shape
        """Return nothing."""
        return None


class ReadOnce:
    """A source that is read whole at its first use, and never again."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._values: Mapping[str, Json] | None = None
        self._reason = ""

    @property
    def reason(self) -> str:
        """Return why it can't be read, or ``""``."""
        self._all()
        return self._reason

    def get(self, key: str) -> str | None:
        """Return the value under a key.

        A key that the source has as it is wins; else its dots walk into maps (``database.password``). A map or list is
        JSON text.
        """
        found = _walk(self._all(), key)
        return None if found is None else as_text(found) or None

    def _all(self) -> Mapping[str, Json]:
        if self._values is None:
            try:
                self._values = self._read()
            except NotReadable as error:
                self._values, self._reason = {}, str(error)
        return self._values


def _walk(values: Json | Mapping[str, Json], key: str) -> Json:
    """Return what a dotted key leads to; of several readings the one with the longest name at the front."""
    if not isinstance(values, Mapping):
        return None
    if key in values:
        return values[key]
    name, dot, rest = key.rpartition(".")
    while dot:
        if name in values:
            found = _walk(values[name], rest)
            if found is not None:
                return found
        name, dot, more = name.rpartition(".")
        rest = f"{more}.{rest}"
    return None
