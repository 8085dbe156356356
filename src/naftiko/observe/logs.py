"""Logs: to stderr, as text or JSON lines, secrets hidden, never waiting for whoever reads them."""

from __future__ import annotations

import atexit
import datetime as dt
import json
import logging
import os
import select
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final, TextIO

from naftiko.observe import sanitize as neutral
from naftiko.observe.redaction import Redactor

_MOST_BYTES: Final = 1024 * 1024
"""Bytes that wait to be written; a line beyond them is dropped."""
_PIECE: Final = 4096
"""Bytes that a pipe which can be written to takes without waiting (``PIPE_BUF`` of pipe(7))."""
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
        self._changed = threading.Condition()
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
            if self._size + len(data) > _MOST_BYTES:
                self.dropped[descriptor] = self.dropped.get(descriptor, 0) + 1
                self._untold[descriptor] = self._untold.get(descriptor, 0) + 1
                return
            self._size += len(data)
            self._waiting.append((descriptor, data))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="naftiko-lines", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def drain(self, seconds: float = 2.0) -> None:
        """Wait until all lines are written, or the time is over: whoever doesn't read doesn't hold up the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._size == 0, seconds)

    def _run(self) -> None:
        while True:
            with self._changed:
                # What waits aside is tried again now and then, whether or not anything new comes.
                self._changed.wait_for(lambda: self._waiting, _PATIENCE_MS / 1000 if self._aside else None)
                found = self._waiting.popleft() if self._waiting else None
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
    while data:
        if not _can_be_written(descriptor, patience_ms):
            return data
        try:
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


_EXTRA = ("correlation_id", "unit", "operation", "status", "adapter")
"""What records may carry beside their message."""


class _Redacting(logging.Formatter):
    """Formats a record, then hides every secret that a capability knows of."""

    def __init__(self, redactors: list[Redactor]) -> None:
        super().__init__()
        self._redactors = redactors

    def format(self, record: logging.LogRecord) -> str:
        line = self._line(record)
        for redactor in self._redactors:
            line = redactor.redact(line)
        return line

    def _line(self, record: logging.LogRecord) -> str:
        raise NotImplementedError

    @staticmethod
    def _extras(record: logging.LogRecord) -> dict[str, object]:
        return {name: getattr(record, name) for name in _EXTRA if getattr(record, name, None) is not None}

    @staticmethod
    def _time(record: logging.LogRecord) -> str:
        return _shown(dt.datetime.fromtimestamp(record.created, tz=dt.UTC))


class TextFormatter(_Redacting):
    """``2026-01-31T12:00:00.000Z WARNING message key=value``, one line; what it quotes can't begin another."""

    def _line(self, record: logging.LogRecord) -> str:
        extras = "".join(f" {name}={value}" for name, value in self._extras(record).items())
        line = f"{self._time(record)} {record.levelname} {neutral.escaped(f'{_message(record)}{extras}')}"
        trace = _trace(record)
        # Indented, so that none of its lines looks like one of ours.
        return line + "".join(f"\n  {each}" for each in neutral.lines(trace).splitlines()) if trace else line


class JsonFormatter(_Redacting):
    """One JSON object a line: time, level, logger, message, and what the record carries."""

    def _line(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "time": self._time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
            **self._extras(record),
        }
        trace = _trace(record)
        if trace:
            entry["exception"] = trace
        return neutral.json_text(json.dumps(entry, ensure_ascii=False, default=str))


def _message(record: logging.LogRecord) -> str:
    """Return what a record says, without the traceback that it ends in."""
    trace = str(getattr(record, "trace", ""))
    return record.getMessage().removesuffix(trace).rstrip("\n") if trace else record.getMessage()


def _trace(record: logging.LogRecord) -> str:
    """Return the traceback of a record: one that it has as text (``extra={"trace": …}``), or of its exception."""
    if record.exc_info:
        return "".join(traceback.format_exception(*record.exc_info)).rstrip()
    return str(getattr(record, "trace", "")).rstrip()


def _shown(moment: dt.datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def json_line(level: str, message: str, facts: Mapping[str, object]) -> str:
    """Return a line that is no log record, such as where a server listens, in the shape of one."""
    time = _shown(dt.datetime.now(tz=dt.UTC))
    entry = {"time": time, "level": level, "logger": "naftiko", "message": message, **facts}
    return neutral.json_text(json.dumps(entry, ensure_ascii=False, default=str))


_FORMATTERS: dict[str, Callable[[list[Redactor]], logging.Formatter]] = {"text": TextFormatter, "json": JsonFormatter}


class _LineHandler(logging.Handler):
    """Writes a line for each record to stderr, without waiting for whoever reads it."""

    def emit(self, record: logging.LogRecord) -> None:
        """Format and hand over."""
        LINES.write(sys.stderr, self.format(record))


def configure(level: str, style: str, redactors: list[Redactor], stream: TextIO | None = None) -> None:
    """Send the logs of naftiko, and the warnings of its libraries, to stderr; a stalled reader stalls nothing.

    Args:
        level: ``debug``, ``info``, ``warning`` or ``error``.
        style: ``text`` or ``json``.
        redactors: those of the capabilities that are served; each is asked for every line.
        stream: where to; default: stderr, since stdout may be the wire of an MCP client.
    """
    handler = _LineHandler() if stream is None else logging.StreamHandler(stream)
    handler.setFormatter(_FORMATTERS[style](redactors))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("naftiko").setLevel(level.upper())
    # The MCP SDK logs a line for each request, uvicorn one for each start: ours say what matters.
    for name in ("mcp", "uvicorn", "uvicorn.error", "uvicorn.access", "httpx", "aiohttp"):
        logging.getLogger(name).setLevel(logging.WARNING if level != "debug" else logging.DEBUG)
