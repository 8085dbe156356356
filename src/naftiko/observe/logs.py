"""Logs: to stderr, as text or JSON lines, secrets hidden, never waiting for whoever reads them."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import TextIO

from naftiko.observe import sanitize as neutral
from naftiko.observe.access import LOGGER as ACCESS
from naftiko.observe.access import AccessLog, install
from naftiko.observe.audit import LOGGER as AUDIT
from naftiko.observe.levels import LEVELS, LoggerLevels, level_number, loggers, set_level
from naftiko.observe.lines import LINES
from naftiko.observe.redaction import Redactor
from naftiko.observe.repeats import Repeats
from naftiko.observe.times import shown, shown_now
from naftiko.observe.watching import Watch, watch

__all__ = [
    "LEVELS",
    "JsonFormatter",
    "LoggerLevels",
    "TextFormatter",
    "Watch",
    "configure",
    "json_line",
    "level_number",
    "loggers",
    "set_level",
    "watch",
]

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
        return shown(record.created)


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


def json_line(level: str, message: str, facts: Mapping[str, object]) -> str:
    """Return a line that is no log record, such as where a server listens, in the shape of one."""
    entry = {"time": shown_now(), "level": level, "logger": "naftiko", "message": message, **facts}
    return neutral.json_text(json.dumps(entry, ensure_ascii=False, default=str))


_FORMATTERS: dict[str, Callable[[list[Redactor]], logging.Formatter]] = {"text": TextFormatter, "json": JsonFormatter}


class _LineHandler(logging.Handler):
    """Writes a line for each record to stderr, without waiting for whoever reads it."""

    def emit(self, record: logging.LogRecord) -> None:
        """Format and hand over."""
        LINES.write(sys.stderr, self.format(record))


class _NotAudit(logging.Filter):
    """Audit lines have a file of their own."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.name != AUDIT


def configure(
    level: str,
    style: str,
    redactors: list[Redactor],
    stream: TextIO | None = None,
    *,
    levels: Mapping[str, str] | None = None,
    repeats: int = 0,
) -> None:
    """Send the logs of naftiko, and the warnings of its libraries, to stderr; a stalled reader stalls nothing.

    Args:
        level: of all loggers of naftiko, see ``LEVELS``; ``warning`` too.
        style: ``text`` or ``json``.
        redactors: those of the capabilities that are served; each is asked for every line.
        stream: where to; default: stderr, since stdout may be the wire of an MCP client.
        levels: of single loggers, by their names.
        repeats: how many lines of a kind are written in a minute; 0: all.

    Raises:
        ValueError: there is no such level, or that can't be the name of a logger.
    """
    handler = _LineHandler() if stream is None else logging.StreamHandler(stream)
    handler.setFormatter(_FORMATTERS[style](redactors))
    handler.addFilter(_NotAudit())
    handler.addFilter(Repeats(repeats, handler.emit))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    number = level_number(level)
    logging.getLogger("naftiko").setLevel(number)
    # The MCP SDK logs a line for each request, uvicorn one for each start: ours say what matters.
    for name in ("mcp", "uvicorn", "uvicorn.error", "uvicorn.access", "httpx", "aiohttp"):
        logging.getLogger(name).setLevel(number if number <= logging.DEBUG else max(number, logging.WARNING))
    logging.getLogger(ACCESS).setLevel(logging.WARNING)  # a line for each request is for who asks for it
    for name, own in (levels or {}).items():
        set_level(name, own)
    install(AccessLog(style, redactors))
