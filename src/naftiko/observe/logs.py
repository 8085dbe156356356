"""Logs: to stderr, as text or JSON lines, secrets hidden, never waiting for whoever reads them."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Mapping
from typing import TextIO

from naftiko.observe import sanitize as neutral
from naftiko.observe.access import LOGGER as ACCESS
from naftiko.observe.access import AccessLog, install
from naftiko.observe.audit import LOGGER as AUDIT
from naftiko.observe.formatters import JsonFormatter, TextFormatter
from naftiko.observe.levels import LEVELS, LoggerLevels, level_number, loggers, set_level
from naftiko.observe.lines import LINES
from naftiko.observe.redaction import Redactor
from naftiko.observe.repeats import Repeats
from naftiko.observe.times import shown_now

__all__ = [
    "LEVELS",
    "JsonFormatter",
    "LoggerLevels",
    "TextFormatter",
    "configure",
    "json_line",
    "level_number",
    "loggers",
    "set_level",
]


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
