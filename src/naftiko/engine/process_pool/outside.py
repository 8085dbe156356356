"""What a job sees of upstreams: the answers that it was given, and nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

import httpx

from naftiko.engine.sending import Outgoing
from naftiko.ground.errors import CallError

Answered = httpx.Response | CallError
"""What came of a call."""


class NotYet(BaseException):  # no error, and nobody's to catch: it ends a job that has to wait
    """A call has no answer yet."""


class Calls:
    """Numbers the calls of one run: the same run makes the same calls in the same order."""

    __slots__ = ("_made",)

    def __init__(self) -> None:
        self._made: Counter[str] = Counter()

    def next(self, operation: str) -> str:
        """Return the key of the next call of an operation."""
        self._made[operation] += 1
        return f"{operation}#{self._made[operation]}"


class Outside:
    """The answers that a job has, and the requests that it waits for."""

    def __init__(self, answers: Mapping[str, Answered]) -> None:
        self._answers = answers
        self._calls = Calls()
        self.wanted: dict[str, Outgoing] = {}

    def next(self, operation: str) -> tuple[str, httpx.Response | None]:
        """Return the key of the next call of an operation, and its answer, or ``None``.

        Raises:
            CallError: the call failed.
        """
        key = self._calls.next(operation)
        found = self._answers.get(key)
        if isinstance(found, CallError):
            raise found
        return key, found


class _Role:
    """Whether this process works on a job.

    Attributes:
        outside: of the job; ``None`` in a server, which calls upstreams itself.
    """

    __slots__ = ("outside",)

    def __init__(self) -> None:
        self.outside: Outside | None = None


ROLE: Final = _Role()
"""Of this process."""


def lacks_memory(error: BaseException) -> bool:
    """Tell whether a job failed since it had too little memory; some libraries raise something else on top of that."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, MemoryError):
            return True
        seen = seen.__cause__ or seen.__context__
    return False
