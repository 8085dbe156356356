"""What the control adapter asks of the processes that serve, and in which form they answer.

It knows neither sockets nor workers. Each answer is made of what JSON has, so that one of another process is the same.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from naftiko.engine.capability import Capability

ADAPTERS: Final = "adapters"
"""``files``: a list of ``AdapterState`` members: ``file``, ``type``, ``namespace``, ``port``, ``state``, ``reason``."""
ABOUT: Final = "about"
"""``files``: ``capabilities`` (``display``, ``label``, ``specVersion``), ``uptime`` in seconds, ``otel``,
``isWhole``: whether the process serves nothing else, ``circuits`` (``namespace``, ``operation``, ``state``,
``retryAfter``), ``limits`` of callers (``adapter``, ``scope``, what a file says of them, ``refused``)."""
DOCUMENTS: Final = "documents"
"""``files``: a list of documents as they are served, without any value of a variable."""
VALIDATE: Final = "validate"
"""``files``, ``text``: what ``POST /config/validate`` answers."""
RELOAD: Final = "reload"
"""``files``, ``text``: what ``POST /config/reload`` answers."""
FIGURES: Final = "figures"
"""A snapshot of the metrics; ``None`` where nothing is measured."""
TRACES: Final = "traces"
"""``operation``, ``status``: ``traces``, ``bufferSize``, ``bufferUsed``; ``None`` where nothing is traced."""
TRACE: Final = "trace"
"""``id``: a trace with its spans, or ``None``."""
LOGGERS: Final = "loggers"
"""The loggers by name, each with its levels."""
SET_LEVEL: Final = "set_level"
"""``logger``, ``level``: nothing."""
DEPENDENCIES: Final = "dependencies"
"""``files``: a list of consumed APIs: ``namespace``, ``address``, ``state``, ``reason``."""
LIFECYCLE: Final = "lifecycle"
"""``files``: a list of adapters: ``namespace``, ``type``, ``port``, ``state``, ``inFlight``."""
STEER: Final = "steer"
"""``files``, ``namespace`` or ``None`` for all, ``state``: as ``LIFECYCLE``; empty where there is none of that name."""
SCRIPTING: Final = "scripting"
"""``files``, ``change`` or ``None``: what ``/scripting`` answers; ``None`` where no script may run."""

STARTED: Final = "started"
STOPPED: Final = "stopped"
FAILED: Final = "failed"


class Records(Protocol):
    """Log records as they come."""

    def __aiter__(self) -> AsyncIterator[Mapping[str, Any]]:
        """Return itself."""

    def __anext__(self) -> Awaitable[Mapping[str, Any]]:
        """Wait for the next one."""

    async def aclose(self) -> None:
        """Listen no more."""


class Processes(Protocol):
    """The processes that serve: this one, or the workers."""

    async def ask(self, question: str, **given: Any) -> list[Any]:
        """Ask each process; return the answers in the order of the processes.

        A process that doesn't answer in time has ``Silent`` for an answer.

        Args:
            question: one of the words of this module.
            given: what belongs to it.
        """

    async def stop(self) -> None:
        """End all of them in good order."""

    def records(self, logger: str, level: str) -> Records:
        """Return the log records of all processes from now on, as objects, secrets hidden.

        Args:
            logger: its name; those below it belong to it; ``ROOT``: all.
            level: the least severe one.
        """


@dataclass(frozen=True, slots=True)
class Silent:
    """A process that doesn't answer.

    Attributes:
        reason: a sentence.
    """

    reason: str


class Reloading(Protocol):
    """Replaces what a process serves while it serves."""

    async def reload(self, files: frozenset[str], text: str | None) -> Mapping[str, Any]:
        """Read capability files again, and serve them as they are now.

        Args:
            files: their paths.
            text: what to serve instead of the one file that there is; ``None``: what the files say.

        Returns:
            ``{"status": "applied", "changes": [{"path", "from", "to"}]}``, or ``{"status": "rejected", "reason"}``.
        """

    def follows(self, before: Capability, after: Capability) -> bool:
        """Tell whether a reload can serve another version of a file where it wants to be served."""


class Traces(Protocol):
    """The last traces of a process."""

    @property
    def buffer_size(self) -> int:
        """How many are kept."""

    @property
    def used(self) -> int:
        """How many there are."""

    def summaries(self, operation: str | None, status: str | None) -> list[dict[str, Any]]:
        """Return traces, the newest first: ``traceId, operation, durationMs, status, spanCount, timestamp``.

        Args:
            operation: what the name of its first span holds, as it is written.
            status: ``OK`` or ``ERROR``.
        """

    def trace(self, trace_id: str) -> dict[str, Any] | None:
        """Return one: ``traceId, operation, durationMs, status, timestamp, spans``."""
