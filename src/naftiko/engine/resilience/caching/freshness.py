"""What may be stored, and for how long it is good (RFC 9111 chapters 3 and 4, RFC 5861).

The store is a private one: whoever has it is one user of the API, the one whose credential calls it. What a request
carries of a caller's own is a part of its key, so that nobody gets what was answered to somebody else.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Final

import httpx

from naftiko.engine.resilience.caching.store import Entry
from naftiko.engine.transport.whole import raw_headers
from naftiko.plan.caching import parsed
from naftiko.plan.resilience import Cache

now = time.time
_GOOD: Final = frozenset({200, 203, 204})
"""Statuses of answers that a file's ``ttl`` is about, and that may be kept where nothing says for how long."""
_PARTIAL: Final = frozenset({206, 304})
"""Statuses of what is no whole answer."""
_FINAL: Final = 200
_HEURISTIC: Final = 10
"""The part of the time since it was changed last, for which an answer is good that doesn't say (chapter 4.2.2)."""
_LONGEST_HEURISTIC: Final = 86_400.0
_LONGEST: Final = 2**31
"""Seconds that are as good as forever (chapter 1.2.2)."""
_OF_THE_CONNECTION: Final = frozenset({b"connection", b"keep-alive", b"proxy-connection", b"te", b"upgrade", b"age"})
_OF_THE_BODY: Final = frozenset({b"content-length", b"content-encoding", b"content-type", b"content-range"})
_CONTROL: Final = b"cache-control"


def entry_of(response: httpx.Response, asked: Mapping[str, str], plan: Cache, began: float) -> Entry | None:
    """Return what is stored of an answer; ``None``: nothing may be (RFC 9111 chapter 3).

    Args:
        response: the answer, its body read.
        asked: the headers of the request, names in lower case.
        plan: what the file says.
        began: when it was asked for.
    """
    headers = [pair for pair in raw_headers(response) if pair[0].lower() not in _OF_THE_CONNECTION]
    made = _judged(response.status_code, headers, response.headers.get("age", ""), plan, began)
    vary = _vary(headers)
    if made is None or "*" in vary:
        return None
    made.body = response.content
    made.asked = {name: asked.get(name) for name in vary}
    return made


def freshened(entry: Entry, response: httpx.Response, plan: Cache, began: float) -> Entry:
    """Return a stored answer that the API says is unchanged: its headers are those of the 304 (RFC 9111, 3.2).

    One that may not be stored any longer is stale at once.
    """
    theirs = [pair for pair in raw_headers(response) if pair[0].lower() not in _OF_THE_CONNECTION | _OF_THE_BODY]
    said = {name.lower() for name, _ in theirs}
    headers = [*(pair for pair in entry.headers if pair[0].lower() not in said), *theirs]
    made = _judged(entry.status, headers, response.headers.get("age", ""), plan, began)
    if made is None:
        return Entry(entry.status, headers, entry.body, entry.asked, began, 0.0, 0.0, 0.0, 0.0)
    made.body, made.asked = entry.body, entry.asked
    return made


def matches(entry: Entry, asked: Mapping[str, str]) -> bool:
    """Tell whether a stored answer is one to this request (RFC 9111 chapter 4.1)."""
    return all(asked.get(name) == value for name, value in entry.asked.items())


def conditions(entry: Entry) -> list[tuple[str, str]]:
    """Return the conditions under which the API answers with another document (RFC 9111 chapter 4.3.1)."""
    etag, modified = entry.header(b"etag"), entry.header(b"last-modified")
    found = [("If-None-Match", etag)] if etag else []
    return [*found, ("If-Modified-Since", modified)] if modified else found


def _judged(status: int, headers: Sequence[tuple[bytes, bytes]], age: str, plan: Cache, began: float) -> Entry | None:
    control = _control(headers)
    if "no-store" in control or status < _FINAL or status in _PARTIAL:
        return None
    at = now()
    has_ttl = plan.ttl is not None and status in _GOOD
    if has_ttl and plan.ttl is not None:
        fresh, old = plan.ttl, 0.0
    else:
        lifetime = _lifetime(status, headers, control)
        if lifetime is None:
            return None
        fresh, old = lifetime, _age(headers, age, at, began)
    is_strict = not has_ttl and ("must-revalidate" in control or "no-cache" in control)
    grace = _longer(plan.stale_while_revalidate, control.get("stale-while-revalidate"))
    rescue = _longer(plan.stale_if_error, control.get("stale-if-error"))
    if is_strict or status not in _GOOD:
        grace = rescue = 0.0
    return Entry(status, headers, b"", {}, at, old, fresh, grace, rescue)


def _control(headers: Sequence[tuple[bytes, bytes]]) -> Mapping[str, str]:
    return parsed(", ".join(value.decode("latin-1") for name, value in headers if name.lower() == _CONTROL))


def _lifetime(status: int, headers: Sequence[tuple[bytes, bytes]], control: Mapping[str, str]) -> float | None:
    """Return for how long an answer is good (RFC 9111 chapter 4.2.1); ``None``: nothing says so, and it isn't stored.

    What must be asked about each time is good for no time.
    """
    if "no-cache" in control:
        return 0.0
    if "max-age" in control:
        return _seconds(control["max-age"]) or 0.0
    named = {name.lower(): value.decode("latin-1") for name, value in reversed(headers)}
    date = _moment(named.get(b"date")) or now()
    if b"expires" in named:
        expires = _moment(named[b"expires"])
        return 0.0 if expires is None else max(0.0, expires - date)
    if status not in _GOOD:
        return None
    modified = _moment(named.get(b"last-modified"))
    if modified is not None:
        return min(_LONGEST_HEURISTIC, max(0.0, (date - modified) / _HEURISTIC))
    return 0.0 if b"etag" in named else None


def _age(headers: Sequence[tuple[bytes, bytes]], said: str, at: float, began: float) -> float:
    """Return how old an answer is when it comes (RFC 9111 chapter 4.2.3)."""
    date = next((_moment(value.decode("latin-1")) for name, value in headers if name.lower() == b"date"), None)
    apparent = 0.0 if date is None else max(0.0, at - date)
    if apparent < 1:  # `Date` has no fractions of a second
        apparent = 0.0
    return max(apparent, (_seconds(said) or 0.0) + (at - began if said else 0.0))


def _vary(headers: Sequence[tuple[bytes, bytes]]) -> list[str]:
    values = (value.decode("latin-1") for name, value in headers if name.lower() == b"vary")
    return [part.strip().lower() for value in values for part in value.split(",") if part.strip()]


def _longer(declared: float | None, said: str | None) -> float:
    return max(declared or 0.0, 0.0 if said is None else _seconds(said) or 0.0)


def _seconds(text: str) -> float | None:
    """Read seconds; ``None`` for what are none. One that is quoted is read as well (RFC 9111 chapter 5.2)."""
    bare = text.strip().strip('"')
    return float(min(int(bare), _LONGEST)) if bare.isascii() and bare.isdecimal() and len(bare) < 20 else None  # noqa: PLR2004


def _moment(text: str | None) -> float | None:
    """Read a date of HTTP; ``None`` for none."""
    if not text:
        return None
    try:
        moment = parsedate_to_datetime(text)
        return (moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
