"""SIGINT and SIGTERM: the first stops the process in good order, a second one at once. SIGHUP reads the files again."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable

from naftiko.observe.lines import LINES

_SIGNALLED = 128
"""What shells add to a signal's number to make an exit code of it."""
_NUMBERS = (signal.SIGINT, signal.SIGTERM)
_ECHO_SECONDS = 1.0
"""How long a signal that came early may be told of again; later the same signal is a second one."""
_log = logging.getLogger(__name__)


def end_while_loading() -> None:
    """Let a signal end a process that serves nothing yet, with exit code 0.

    A process with the id 1, as in a container, ignores SIGTERM unless it is told not to.
    """

    def end(number: int, frame: object) -> None:
        del number, frame
        LINES.drain(0.2)
        # Nothing is open, and an exception would come out of whatever is being imported just now.
        os._exit(0)

    for number in _NUMBERS:
        signal.signal(number, end)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        signal.signal(signal.SIGHUP, _survive)


def _survive(number: int, frame: object) -> None:
    """Do nothing: a log line may be half written just now."""


def _note_hangup() -> None:
    """SIGHUP asks for something that isn't done here; it ends neither the process nor a call all the same."""
    _log.warning("SIGHUP: over stdio the files are not read again; to load them, stop and start again")


class Signals:
    """The signals of a process that serves; one that comes before the event loop runs is kept for it."""

    def __init__(self) -> None:
        self._count = 0
        self._stop: Callable[[], None] | None = None
        self._early: set[int] = set()
        self._hung_up = False
        for number in _NUMBERS:
            signal.signal(number, lambda number, _: self._came_early(number))
        self._minds_hangup = hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is _survive
        if self._minds_hangup:
            signal.signal(signal.SIGHUP, self._hangs_up)

    def attach(self, stop: Callable[[], None], reload: Callable[[], None] | None = None) -> None:
        """Call ``stop`` at the first signal, in the running event loop, which wakes up for it.

        Args:
            stop: called once.
            reload: called at each SIGHUP, which ends neither the process nor a call.
        """
        loop = asyncio.get_running_loop()
        self._stop = stop
        for number in _NUMBERS:
            loop.add_signal_handler(number, self._came, number)
        if self._minds_hangup:
            loop.add_signal_handler(signal.SIGHUP, reload or _note_hangup)
            if self._hung_up:
                (reload or _note_hangup)()
        if self._count:
            stop()
            loop.call_later(_ECHO_SECONDS, self._early.clear)

    def _hangs_up(self, number: int, frame: object) -> None:
        """Take note that files shall be read again once there is an event loop."""
        del number, frame
        self._hung_up = True

    def _came_early(self, number: int) -> None:
        self._early.add(number)
        self._received(number)

    def _came(self, number: int) -> None:
        """Count a signal that the loop tells of, but not one that came early.

        The loop hears of each signal once it runs, so one that came before its handler was in place is told twice.
        """
        if number in self._early:
            self._early.discard(number)
        else:
            self._received(number)

    def _received(self, number: int) -> None:
        self._count += 1
        if self._count > 1:
            # Nothing may hold it up any more: not a library's cleanup, not a thread that waits for the network.
            LINES.drain(0.2)
            os._exit(_SIGNALLED + number)
        if self._stop is not None:
            self._stop()
