"""What a job sees of upstreams and scripts: the answers that it was given, and nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import httpx

from naftiko.engine.sending import Outgoing
from naftiko.ground.errors import CallError

if TYPE_CHECKING:
    from naftiko.engine.sending import Outgoing


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a script.

    Attributes:
        content: its result as JSON; empty where it has none.
    """

    content: bytes


Answered = httpx.Response | Ran | CallError
"""What came of a call, or of a script."""


class Wanted(Protocol):
    """What a job waits for: a request that is to be sent, a script that is to be run."""

    async def answer(self) -> httpx.Response | Ran:
        """Have it done in the server.

        Raises:
            CallError: it failed.
        """
        ...


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
    """The answers that a job has, and what it waits for."""

    def __init__(self, answers: Mapping[str, Answered]) -> None:
        self._answers = answers
        self._calls = Calls()
        self.wanted: dict[str, Wanted] = {}

    def next(self, operation: str) -> tuple[str, httpx.Response | None]:
        """Return the key of the next call of an operation, and its answer, or ``None``.

        Raises:
            CallError: the call failed.
        """
        key = self._calls.next(operation)
        found = self._found(key)
        return key, found if isinstance(found, httpx.Response) else None

    def ran(self, key: str) -> Ran | None:
        """Return what came of a script; ``None``: it has not been run yet.

        Raises:
            CallError: it failed.
        """
        found = self._found(key)
        return found if isinstance(found, Ran) else None

    def _found(self, key: str) -> httpx.Response | Ran | None:
        found = self._answers.get(key)
        if isinstance(found, CallError):
            raise found
        return found

    def want(self, key: str, outgoing: Outgoing) -> NotYet:
        """Note a request whose answer is waited for; return what ends the job until then."""
        made = outgoing.draft
        made.query = ["&".join(made.query)] if made.query else []
        outgoing.mapped = tuple(outgoing.mapped)
        self.wanted[key] = outgoing
        return NotYet()


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


async def sent_or_given(outgoing: Outgoing) -> httpx.Response:
    """Send a request that is drafted already; in a job, return the answer that it was given.

    Raises:
        NotYet: it was given none.
    """
    if ROLE.outside is None:
        return await outgoing.upstream.send_drafted(outgoing)
    key, answer = ROLE.outside.next(outgoing.operation)
    if answer is None:
        raise ROLE.outside.want(key, outgoing)
    return answer


def lacks_memory(error: BaseException) -> bool:
    """Tell whether a job failed since it had too little memory; some libraries raise something else on top of that."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, MemoryError):
            return True
        seen = seen.__cause__ or seen.__context__
    return False
