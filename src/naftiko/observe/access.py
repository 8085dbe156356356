"""The access log: a line for each request, of what it was for, how it went and how long it took.

No value of a request is in it: a route stands as the file has it, a tool by its name. So only what comes from outside
is looked through for secrets, which would cost more than all the rest of a line: the caller's name, and an id that is
the caller's own.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any, Final

import orjson

from naftiko.observe import sanitize as neutral
from naftiko.observe.lines import LINES
from naftiko.observe.redaction import Redactor
from naftiko.observe.requests import RequestRecord
from naftiko.observe.times import shown_now

LOGGER: Final = "naftiko.access"
_LONGEST: Final = 200
"""Characters of what comes from outside."""
_GONE: Final = 499
"""The status of a request whose caller went away before the answer, as nginx has it."""
_MOST_KNOWN: Final = 256
"""Names of callers that were looked through already."""

_OF_WHOM: Final = ("caller", "certificate", "client", "request_id", "trace_id")

Watcher = Callable[[dict[str, Any]], None]
"""Gets each line as data, for whoever watches the logs live."""


class AccessLog:
    """Writes the lines of requests that are answered.

    Args:
        style: ``text`` or ``json``.
        redactors: those of what is served.
    """

    def __init__(self, style: str, redactors: Sequence[Redactor]) -> None:
        self._is_json = style == "json"
        self._redactors = redactors
        self._logger = logging.getLogger(LOGGER)
        self._known: dict[str, str] = {}

    @property
    def is_on(self) -> bool:
        """Whether lines are written: the level of its logger says so."""
        return self._logger.isEnabledFor(logging.INFO)

    def tell(self, record: RequestRecord) -> None:
        """Write the line of a request that has ended."""
        entry = self._entry(record)
        line = _as_json(entry) if self._is_json else _as_text(entry)
        LINES.write_later(sys.stderr, line)
        for watcher in WATCHERS:
            watcher(entry)

    def _entry(self, record: RequestRecord) -> dict[str, Any]:
        """Return the facts of a request; those that it has not are left out."""
        entry: dict[str, Any] = {"time": shown_now(), "level": "info", "logger": LOGGER, "message": "request"}
        self._add_what(entry, record)
        entry["status"] = record.status or _GONE
        entry["ms"] = round((perf_counter() - record.began) * 1000, 2)
        if record.timing is not None:
            entry["upstream_ms"] = round(record.timing.upstream.seconds * 1000, 2)
        entry["bytes"] = record.sent
        if record.caller:
            entry["caller"] = self._shown(record.caller)
        if record.certificate:
            entry["certificate"] = self._shown(record.certificate)
        if record.client:
            entry["client"] = record.client
        entry["request_id"] = self._redacted(record.request_id) if record.is_callers else record.request_id
        if record.trace_id:
            entry["trace_id"] = record.trace_id
        return entry

    def _add_what(self, entry: dict[str, Any], record: RequestRecord) -> None:
        if record.method:
            entry["method"] = record.method
        if record.route:
            entry["adapter"], entry["route"] = record.adapter, record.route
        elif record.path:  # nobody's: that it came is all that is known of it
            entry["path"] = neutral.escaped(self._redacted(record.path[: 10 * _LONGEST])[:_LONGEST])
        if record.rpc:
            entry["rpc"] = record.rpc
        if record.tool:
            entry["tool"] = record.tool
            if record.failed:
                entry["failed"] = True

    def _shown(self, caller: str) -> str:
        """Return a caller's name without secrets; most requests are of callers that were here before."""
        known = self._known.get(caller)
        if known is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            known = self._known[caller] = neutral.escaped(self._redacted(caller)[:_LONGEST])
        return known

    def _redacted(self, text: str) -> str:
        for redactor in self._redactors:
            text = redactor.redact(text)
        return text


_INSTALLED: Final[list[AccessLog]] = []


def install(log: AccessLog) -> None:
    """Let this be the access log of the process."""
    _INSTALLED[:] = [log]


def access_log() -> AccessLog | None:
    """Return the access log; ``None`` where there is none, or its level says that it is off."""
    return _INSTALLED[0] if _INSTALLED and _INSTALLED[0].is_on else None


WATCHERS: Final[list[Watcher]] = []
"""Those who watch the logs live."""


def _as_json(entry: dict[str, Any]) -> bytes:
    line = orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE)
    return line if line.isascii() else neutral.json_text(line.decode()).encode()


def _as_text(entry: dict[str, Any]) -> bytes:
    """Return a line for people: what it was first, then how it went, then the rest by names."""
    what = " ".join(str(entry[name]) for name in ("method", "route", "path", "rpc", "tool") if name in entry)
    upstream = f" (upstream {entry['upstream_ms']:g} ms)" if entry.get("upstream_ms") else ""
    rest = "".join(f" {name}={entry[name]}" for name in _OF_WHOM if name in entry)
    status = f"{entry['status']}{' failed' if entry.get('failed') else ''}"
    line = f"{what or '-'} {status} {entry['ms']:g} ms{upstream} {entry['bytes']} bytes{rest}"
    return f"{entry['time']} INFO {neutral.escaped(line)}\n".encode("utf-8", "replace")
