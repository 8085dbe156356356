"""How many calls may run at once."""

from __future__ import annotations

from types import TracebackType

from naftiko.ground.errors import Overloaded


class CallLimit:
    """A context for each call of an app; it refuses more than so many at once, instead of letting them wait.

    Args:
        most: calls at once in this process; 0 for any number.
    """

    __slots__ = ("_most", "_running")

    def __init__(self, most: int) -> None:
        self._most = most
        self._running = 0

    def __enter__(self) -> None:
        """Begin a call.

        Raises:
            Overloaded: as many as may are running.
        """
        if self._most and self._running >= self._most:
            raise Overloaded(f"{self._most} calls are running, and this server takes no more at once")
        self._running += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running -= 1
