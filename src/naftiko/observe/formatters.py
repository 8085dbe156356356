"""Log records as lines: text for people, JSON objects for machines; secrets hidden, control characters harmless."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Sequence
from typing import Any

from naftiko.observe import sanitize as neutral
from naftiko.observe.redaction import Redactor
from naftiko.observe.times import shown

_EXTRA = ("correlation_id", "unit", "operation", "status", "adapter")
"""What records may carry beside their message."""


class _Redacting(logging.Formatter):
    """Formats a record, then hides every secret that a capability knows of."""

    def __init__(self, redactors: Sequence[Redactor]) -> None:
        super().__init__()
        self._redactors = redactors

    def format(self, record: logging.LogRecord) -> str:
        return self._hidden(self._line(record))

    def _hidden(self, text: str) -> str:
        for redactor in self._redactors:
            text = redactor.redact(text)
        return text

    def _line(self, record: logging.LogRecord) -> str:
        raise NotImplementedError


class TextFormatter(_Redacting):
    """``2026-01-31T12:00:00.000Z WARNING message key=value``, one line; what it quotes can't begin another."""

    def _line(self, record: logging.LogRecord) -> str:
        extras = "".join(f" {name}={value}" for name, value in _extras(record).items())
        line = f"{shown(record.created)} {record.levelname} {neutral.escaped(f'{_message(record)}{extras}')}"
        trace = _trace(record)
        # Indented, so that none of its lines looks like one of ours.
        return line + "".join(f"\n  {each}" for each in neutral.lines(trace).splitlines()) if trace else line


class JsonFormatter(_Redacting):
    """One JSON object a line: time, level, logger, message, and what the record carries."""

    def entry(self, record: logging.LogRecord) -> dict[str, Any]:
        """Return the object itself."""
        entry = _entry(record)
        return {
            name: neutral.lines(self._hidden(value)) if isinstance(value, str) else value
            for name, value in entry.items()
        }

    def _line(self, record: logging.LogRecord) -> str:
        return neutral.json_text(json.dumps(_entry(record), ensure_ascii=False, default=str))


def _entry(record: logging.LogRecord) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "time": shown(record.created),
        "level": record.levelname.lower(),
        "logger": record.name,
        "message": _message(record),
        **_extras(record),
    }
    trace = _trace(record)
    if trace:
        entry["exception"] = trace
    return entry


def _extras(record: logging.LogRecord) -> dict[str, object]:
    return {name: getattr(record, name) for name in _EXTRA if getattr(record, name, None) is not None}


def _message(record: logging.LogRecord) -> str:
    """Return what a record says, without the traceback that it ends in."""
    trace = str(getattr(record, "trace", ""))
    return record.getMessage().removesuffix(trace).rstrip("\n") if trace else record.getMessage()


def _trace(record: logging.LogRecord) -> str:
    """Return the traceback of a record: one that it has as text (``extra={"trace": …}``), or of its exception."""
    if record.exc_info:
        return "".join(traceback.format_exception(*record.exc_info)).rstrip()
    return str(getattr(record, "trace", "")).rstrip()
