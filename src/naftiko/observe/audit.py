"""The audit log: a line of each tool call, of who called what with which arguments, and what came of it.

Arguments stand as a fingerprint, never as they are: an HMAC (RFC 2104) under a key that is not in the log. Who has the
log alone can tell that two calls had the same arguments, and can't find out which by trying.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from naftiko.observe import sanitize as neutral
from naftiko.observe.lines import LINES
from naftiko.observe.redaction import Redactor
from naftiko.observe.requests import RequestRecord
from naftiko.observe.times import shown_now

LOGGER: Final = "naftiko.audit"
_OFF: Final = logging.CRITICAL + 1
_LONGEST: Final = 200
"""Characters of a name that comes from outside."""
_FINGERPRINT: Final = 32
"""Hexadecimal digits, 128 bits: as many as nobody finds two inputs for by chance."""
_log: Final = logging.getLogger(LOGGER)
_log.setLevel(_OFF)

Outcome: TypeAlias = Literal["ok", "error", "unknown"]


@dataclass(slots=True)
class _Key:
    """What fingerprints are made with: of this process and those that it forks, unless an operator gives one."""

    value: bytes


_KEY: Final = _Key(secrets.token_bytes(32))


def start_audit(descriptor: int, key: str, redactors: Sequence[Redactor]) -> None:
    """Write audit lines from now on.

    Args:
        descriptor: of the file that they are appended to.
        key: of the fingerprints, so that they are the same in the next process; ``""``: one of this process.
        redactors: those of what is served.
    """
    if key:
        _KEY.value = key.encode("utf-8", "surrogateescape")
    _log.handlers[:] = [_Handler(descriptor, redactors)]
    _log.setLevel(logging.INFO)


def audits() -> bool:
    """Tell whether anybody wants to know."""
    return _log.isEnabledFor(logging.INFO)


def audit(
    tool: str, arguments: Mapping[str, Any], outcome: Outcome, seconds: float, record: RequestRecord | None
) -> None:
    """Write the line of a call.

    Args:
        tool: its name, as the caller has it.
        arguments: of the call.
        outcome: ``ok``, ``error`` where the result is one, ``unknown`` where there is no such tool.
        seconds: that it took.
        record: of the request.
    """
    entry: dict[str, Any] = {
        "time": shown_now(),
        "logger": LOGGER,
        "tool": tool[:_LONGEST],
        "arguments": fingerprint(arguments),
        "outcome": outcome,
        "ms": round(seconds * 1000, 2),
    }
    if record is not None:
        entry |= {"caller": record.caller[:_LONGEST], "client": record.client, "request_id": record.request_id}
        if record.certificate:
            entry["certificate"] = record.certificate[:_LONGEST]
        if record.trace_id:
            entry["trace_id"] = record.trace_id
    _log.info("%s", neutral.json_text(json.dumps(entry, ensure_ascii=False)))


def fingerprint(arguments: Mapping[str, Any]) -> str:
    """Return what is the same for the same arguments, in whatever order they come, and tells nothing else of them."""
    text = json.dumps(arguments, sort_keys=True, ensure_ascii=True, default=str, separators=(",", ":"))
    return hmac.new(_KEY.value, text.encode(), hashlib.sha256).hexdigest()[:_FINGERPRINT]


class _Handler(logging.Handler):
    """Appends lines to a file."""

    def __init__(self, descriptor: int, redactors: Sequence[Redactor]) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._redactors = redactors

    def emit(self, record: logging.LogRecord) -> None:
        """Hide secrets, and hand over."""
        line = record.getMessage()
        for redactor in self._redactors:
            line = redactor.redact(line)
        LINES.write_to(self._descriptor, line)
