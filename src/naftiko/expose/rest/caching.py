"""The cache headers that a file declares for a route (SEMANTICS 6.5, RFC 9111 chapter 5.2)."""

from __future__ import annotations

import datetime as dt
from hashlib import sha256
from typing import Final

from naftiko.engine.answer import Answer
from naftiko.expose.rest.conditions import Conditions, decided, last_modified
from naftiko.ground.http import READING
from naftiko.plan.caching import CacheHeaders, merged

_CONTROL: Final = frozenset({"cache-control", "expires"})
_OF_CACHES: Final = frozenset({*_CONTROL, "age", "etag", "last-modified", "vary"})
_HEX_DIGITS: Final = 16
_MOST_HASHED: Final = 8 * 1024 * 1024
"""Bytes of an answer that gets an ``ETag``; to hash them takes a few milliseconds, in which nobody else is served."""


def marked(answer: Answer, method: str, conditions: Conditions, loaded: dt.datetime, *, cache: CacheHeaders) -> Answer:
    """Return a good answer with its cache headers, or 304 if the caller has it already.

    Raises:
        PreconditionFailed: the caller wants another version than the one that there is.

    Args:
        answer: of any status; an error is returned as it is.
        method: of the request.
        conditions: of the request.
        loaded: when the capability was loaded.
        cache: what is declared.
    """
    if not (200 <= answer.status < 300 or answer.status == 304):  # noqa: PLR2004  # success, and Not Modified
        return answer
    if method not in READING:
        kept = [pair for pair in answer.headers if pair[0] not in _CONTROL]
        answer.headers = [*kept, ("cache-control", cache.control)]
        return answer
    headers = _propagated(answer, cache, loaded) if cache.propagate else _declared(answer, cache)
    if cache.etag and answer.status == 200 and not any(name == "etag" for name, _ in headers):  # noqa: PLR2004  # OK
        headers += _etag(answer)
    answer.headers = headers
    return decided(answer, conditions) if conditions and answer.status == 200 else answer  # noqa: PLR2004  # OK


def _declared(answer: Answer, cache: CacheHeaders) -> list[tuple[str, str]]:
    """Return the headers of an answer whose upstream says nothing about caching."""
    headers = [pair for pair in answer.headers if pair[0] not in _OF_CACHES]
    if cache.directives:
        headers.append(("cache-control", cache.control))
    if cache.vary:
        headers.append(("vary", ", ".join(cache.vary)))
    return headers


def _propagated(answer: Answer, cache: CacheHeaders, loaded: dt.datetime) -> list[tuple[str, str]]:
    """Return the headers of an answer where what the upstream says counts, unless the file says otherwise.

    What of it tells the upstream's bytes is not there where the answer is made of them; its date is then no earlier
    than the mapping.
    """
    said = ", ".join(value for name, value in answer.headers if name == "cache-control")
    vary = [part.strip() for name, value in answer.headers if name == "vary" for part in value.split(",")]
    dropped = {"age", "cache-control", "vary"}
    if any(name in {"max-age", "no-store"} for name, _ in cache.directives):
        dropped.add("expires")
    headers = [pair for pair in answer.headers if pair[0] not in dropped]
    if answer.is_made and answer.modified:
        headers += last_modified(answer.modified, loaded)
    control = merged(said, cache.directives)
    if control:
        headers.append(("cache-control", control))
    names: dict[str, str] = {}
    for name in filter(None, (*cache.vary, *vary)):
        names.setdefault(name.lower(), name)
    if names:
        headers.append(("vary", ", ".join(names.values())))
    return headers


def _etag(answer: Answer) -> list[tuple[str, str]]:
    content = answer.sent
    if not content or len(content) > _MOST_HASHED:
        return []
    return [("etag", f'W/"{sha256(content).hexdigest()[:_HEX_DIGITS]}"')]
