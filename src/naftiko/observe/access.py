"""The access log: a line for each request, of what it was for, how it went and how long it took.

No value of a request is in it: a route stands as the file has it, a tool by its name. So only what comes from outside
is looked through for secrets, which would cost more than all the rest of a line: the caller's name, and an id that is
the caller's own.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence
from time import perf_counter, time
from typing import Any, Final

import orjson

from naftiko.observe import sanitize as neutral
from naftiko.observe.lines import LINES
from naftiko.observe.redaction import Redactor
from naftiko.observe.requests import RequestRecord
from naftiko.observe.times import shown_now, shown_second

LOGGER: Final = "naftiko.access"
_LONGEST: Final = 200
"""Characters of what comes from outside."""
_GONE: Final = 499
"""The status of a request whose caller went away before the answer, as nginx has it."""
_MOST_KNOWN: Final = 256
"""Of callers' names, addresses, and kinds of lines: those that are remembered."""

_OF_WHOM: Final = ("caller", "certificate", "client", "request_id", "trace_id")

Watcher = Callable[[dict[str, Any]], None]
"""Gets each line as data, for whoever watches the logs live."""


class AccessLog:
    """Writes the lines of requests that are answered.

    Args:
        style: ``text`` or ``json``.
        redactors: those of what is served.

    Attributes:
        takes: tells whether lines of a level are written: that of its logger says so.
    """

    def __init__(self, style: str, redactors: Sequence[Redactor]) -> None:
        self._is_json = style == "json"
        self._redactors = redactors
        self.takes = logging.getLogger(LOGGER).isEnabledFor
        self._known: dict[str, str] = {}
        self._quoted: dict[str, str] = {}
        self._whats: dict[tuple[str | int | bool, ...], str] = {}
        self._second = 0
        self._stamp = ""

    def tell(self, record: RequestRecord) -> None:
        """Write the line of a request that has ended."""
        if self._is_json and record.route and not WATCHERS:
            line = self._line(record)
            if line.isascii():
                LINES.write_later(sys.stderr, line.encode())
                return
        entry = self._entry(record)
        LINES.write_later(sys.stderr, _as_json(entry) if self._is_json else _as_text(entry))
        for watcher in WATCHERS:
            watcher(entry)

    def _line(self, record: RequestRecord) -> str:
        """Return what ``_entry`` has as a line of JSON, its parts put together as text."""
        moment = time()
        second = int(moment)
        if second != self._second:
            self._second, self._stamp = second, shown_second(second)
        status = record.status or _GONE
        what = (record.method, record.adapter, record.route, record.rpc, record.tool, record.failed, status)
        said = self._whats.get(what) or self._said(record, what, status)
        timing = record.timing
        upstream = "" if timing is None else f',"upstream_ms":{timing.upstream.seconds * 1000:.2f}'
        caller = f',"caller":{self._in_quotes(self._shown(record.caller))}' if record.caller else ""
        shown = record.certificate
        certificate = f',"certificate":{self._in_quotes(self._shown(shown))}' if shown else ""
        client = f',"client":{self._in_quotes(record.client)}' if record.client else ""
        identity = (
            _as_text_of_json(self._redacted(record.request_id)) if record.is_callers else f'"{record.request_id}"'
        )
        trace = f',"trace_id":"{record.trace_id}"' if record.trace_id else ""
        return (
            f'{{"time":"{self._stamp}.{int((moment - second) * 1000):03d}Z",{said}'
            f'"ms":{(perf_counter() - record.began) * 1000:.2f}{upstream},"bytes":{record.sent}'
            f'{caller}{certificate}{client},"request_id":{identity}{trace}}}\n'
        )

    def _said(self, record: RequestRecord, what: tuple[str | int | bool, ...], status: int) -> str:
        """Return what is the same in the lines of many requests: what they were for, and how they went."""
        entry: dict[str, Any] = {"level": "info", "logger": LOGGER, "message": "request"}
        self._add_what(entry, record)
        entry["status"] = status
        if len(self._whats) >= _MOST_KNOWN:
            self._whats.clear()
        said = self._whats[what] = f"{_as_text_of_json(entry)[1:-1]},"
        return said

    def _in_quotes(self, text: str) -> str:
        """Return text as JSON has it; most of it was there before."""
        known = self._quoted.get(text)
        if known is None:
            if len(self._quoted) >= _MOST_KNOWN:
                self._quoted.clear()
            known = self._quoted[text] = _as_text_of_json(text)
        return known

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
    if not _INSTALLED:
        return None
    log = _INSTALLED[0]
    return log if log.takes(logging.INFO) else None


WATCHERS: Final[list[Watcher]] = []
"""Those who watch the logs live."""


def _as_text_of_json(value: object) -> str:
    return orjson.dumps(value).decode()


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
