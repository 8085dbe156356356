"""Lines to stderr and stdout, written by a thread: whoever writes one never waits for whoever reads it."""

from __future__ import annotations

import atexit
import os
import select
import stat
import threading
from collections import deque
from typing import Final, TextIO

_MOST_BYTES: Final = 1024 * 1024
"""Bytes that wait to be written; a line beyond them is dropped."""
_PIECE: Final = 4096
"""Bytes that a pipe which can be written to takes without waiting (``PIPE_BUF`` of pipe(7))."""
_TOGETHER: Final = 0.03
"""Seconds in which lines that need not go at once come together: to wake the thread for each costs more than a line."""
_PATIENCE_MS: Final = 200
"""Milliseconds that a stream is waited for before its lines wait aside, and those of the other stream go on."""


class LineWriter:
    """Writes lines to file descriptors in the order in which they were given, from a thread of its own.

    A process that was forked begins anew, with nothing waiting.

    Attributes:
        dropped: how many lines were dropped since the start, by file descriptor.
    """

    def __init__(self) -> None:
        self.dropped: dict[int, int] = {}
        self._begin()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._begin)
        atexit.register(self.drain)

    def _begin(self) -> None:
        self._waiting: deque[tuple[int, bytes]] = deque()
        self._aside: dict[int, deque[bytes]] = {}
        self._size = 0
        self._untold: dict[int, int] = {}
        self._later: dict[int, list[bytes]] = {}
        self._hurry = threading.Event()
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._thread: threading.Thread | None = None

    def write(self, stream: TextIO, line: str) -> None:
        """Write a line to a stream of the process; it returns at once.

        A stream that is no file, as a test's, is written to directly.
        """
        try:
            descriptor = stream.fileno()
        except (OSError, ValueError):
            print(line, file=stream, flush=True)
        else:
            self.write_to(descriptor, line)

    def write_to(self, descriptor: int, line: str) -> None:
        """Write a line to a file descriptor; it returns at once."""
        data = f"{line}\n".encode("utf-8", "replace")
        with self._changed:
            if self._takes(descriptor, data):
                self._flush_later()  # in the order in which they came
                self._waiting.append((descriptor, data))
                self._wake()

    def write_later(self, stream: TextIO, line: bytes) -> None:
        """Write a line with its end soon, together with those that come in the same moment; as ``write`` otherwise."""
        try:
            descriptor = stream.fileno()
        except (OSError, ValueError):
            print(line.decode("utf-8", "replace"), end="", file=stream, flush=True)
            return
        with self._lock:  # of ``_changed``, which would take it in Python
            lines = self._later.get(descriptor)
            size = self._size + len(line)
            if lines is not None and size <= _MOST_BYTES:
                self._size = size
                lines.append(line)
            elif self._takes(descriptor, line):
                is_first = not self._later
                self._later.setdefault(descriptor, []).append(line)
                if is_first:
                    self._wake()

    def _takes(self, descriptor: int, data: bytes) -> bool:
        """Tell whether there is room for a line; one that is dropped is counted."""
        if self._size + len(data) > _MOST_BYTES:
            self.dropped[descriptor] = self.dropped.get(descriptor, 0) + 1
            self._untold[descriptor] = self._untold.get(descriptor, 0) + 1
            return False
        self._size += len(data)
        return True

    def _wake(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="naftiko-lines", daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _flush_later(self) -> None:
        for descriptor, lines in self._later.items():
            self._waiting.append((descriptor, b"".join(lines)))
        self._later.clear()

    def drain(self, seconds: float = 2.0) -> None:
        """Wait until all lines are written, or the time is over: whoever doesn't read doesn't hold up the end."""
        self._hurry.set()
        with self._changed:
            self._flush_later()
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._size == 0, seconds)
        self._hurry.clear()

    def _next(self) -> tuple[int, bytes] | None:
        """Return what is to be written next, once there is anything; ``None``: look at what waits aside."""
        with self._changed:
            # What waits aside is tried again now and then, whether or not anything new comes.
            self._changed.wait_for(lambda: self._waiting or self._later, _PATIENCE_MS / 1000 if self._aside else None)
            if self._waiting:
                return self._waiting.popleft()
            is_early = bool(self._later)
        if is_early:
            self._hurry.wait(_TOGETHER)
        with self._changed:
            if not self._waiting:
                self._flush_later()
            return self._waiting.popleft() if self._waiting else None

    def _run(self) -> None:
        while True:
            found = self._next()
            for descriptor in [*self._aside]:
                self._try_again(descriptor)
            if found is not None:
                self._give(*found)
            for descriptor in [*self._untold] if not self._waiting else ():
                self._tell_dropped(descriptor)

    def _tell_dropped(self, descriptor: int) -> None:
        """Tell how many lines were dropped, after those that waited before them."""
        if descriptor in self._aside:
            return
        data = f"{self._untold.pop(descriptor)} lines were dropped: nobody read them\n".encode()
        with self._changed:
            self._size += len(data)
        self._give(descriptor, data)

    def _give(self, descriptor: int, data: bytes) -> None:
        aside = self._aside.get(descriptor)
        if aside is not None:
            aside.append(data)
            return
        left = _written(descriptor, data, _PATIENCE_MS)
        self._done(len(data) - len(left))
        if left:
            self._aside[descriptor] = deque([left])

    def _try_again(self, descriptor: int) -> None:
        aside = self._aside[descriptor]
        while aside:
            data = aside.popleft()
            left = _written(descriptor, data, 0)
            self._done(len(data) - len(left))
            if left:
                aside.appendleft(left)
                return
        del self._aside[descriptor]

    def _done(self, size: int) -> None:
        with self._changed:
            self._size -= size
            if self._size == 0:
                self._changed.notify_all()


def _written(descriptor: int, data: bytes, patience_ms: int) -> bytes:
    """Write what can be written without waiting; return the rest. A stream that is closed takes everything."""
    try:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):  # it always takes all, but for a full disk
            while data:
                data = data[os.write(descriptor, data) :]
            return b""
        while data:
            if not _can_be_written(descriptor, patience_ms):
                return data
            data = data[os.write(descriptor, data[:_PIECE]) :]
    except OSError:
        return b""
    return data


def _can_be_written(descriptor: int, patience_ms: int) -> bool:
    if not hasattr(select, "poll"):  # no such call on Windows, where pipes can't be asked
        return True
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return bool(poll.poll(patience_ms))


LINES: Final = LineWriter()
"""The writer of this process."""
