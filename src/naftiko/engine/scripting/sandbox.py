"""What a sandbox of a language is: sources and a context in, one JSON text out, within limits."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from naftiko.ground.errors import Overloaded

MEMORY: Final = 64 * 1024 * 1024
"""Bytes that a script may have."""
MOST_RESULT: Final = 4 * 1024 * 1024
"""Bytes of JSON that a script may return."""
MOST_PRINTED: Final = 8 * 1024
"""Characters of what a script prints that are logged."""
AT_ONCE: Final = max(2, os.cpu_count() or 1)
"""Scripts of a language that run at once."""
PATIENCE: Final = 30.0
"""Seconds that a script waits for its turn; then the caller is told to try again."""
_SECONDS_A_STATEMENT: Final = 10e-6
"""No sandbox counts statements: they are counted by the time that so many take, which is well above what is usual."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file of a script.

    Attributes:
        name: its path below its location.
        text: what it holds.
    """

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one run.

    Attributes:
        timeout: milliseconds, of the clock.
        statements: the most.
        memory: bytes.
    """

    timeout: int
    statements: int
    memory: int = MEMORY

    @property
    def processor_seconds(self) -> float:
        """How long the script may use a processor."""
        return min(self.timeout / 1000, self.statements * _SECONDS_A_STATEMENT)

    @property
    def out_of_memory(self) -> str:
        """Say what a script did that was stopped since it wanted more memory."""
        return f"exceeded the memory limit ({self.memory} bytes)"

    @property
    def exceeded(self) -> str:
        """Say what the script did that was stopped after ``processor_seconds``."""
        if self.processor_seconds < self.timeout / 1000:
            took = f"{self.processor_seconds:g} s of a processor"
            return f"exceeded the statement limit ({self.statements}): it took more than {took}"
        return f"exceeded the timeout limit ({self.timeout} ms)"


CHECKING: Final = Limits(5_000, 500_000)
"""Of sources that are compiled and not run."""
HINT: Final = "install it: pip install 'naftiko[scripts]'"
"""For who lacks a sandbox."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a script returned.

    Attributes:
        result: JSON; empty where it has no result.
        printed: what it printed, cut to ``MOST_PRINTED``.
    """

    result: bytes
    printed: str = ""


class ScriptError(Exception):
    """A script failed.

    Attributes:
        reason: completes "Script step 'NAME' …".
        where: ``FILE:LINE:COLUMN``, or as much of it as is known, or ``""``.
        hint: what to do about it, or ``""``.
    """

    def __init__(self, reason: str, where: str = "", hint: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.where = where
        self.hint = hint


class Unread(ScriptError):
    """A file of a script can't be read, or may not."""


class Lacking(ScriptError):
    """What runs a language is not installed."""


def too_large() -> ScriptError:
    """Return the error of a script whose result is one of more than ``MOST_RESULT`` bytes."""
    return ScriptError(f"exceeded the limit of a result ({MOST_RESULT} bytes)", hint="return less")


def overloaded() -> Overloaded:
    """Return the error of a script whose turn doesn't come in time."""
    return Overloaded("too many scripts run", retry_after=5.0)


class Sandbox(Protocol):
    """A language. It is bound to the event loop that it is first used in."""

    async def run(self, sources: Sequence[Source], context: bytes, limits: Limits) -> Outcome:
        """Run sources one after the other in one fresh global scope, which has ``context``; return its ``result``.

        A task that is cancelled ends the script.

        Raises:
            ScriptError: it failed, or a limit is reached.
        """
        ...

    async def check(self, source: Source) -> ScriptError | None:
        """Return what is wrong with the syntax of a source, which is not run; ``None``: nothing."""
        ...

    async def aclose(self) -> None:
        """End its processes."""
        ...
