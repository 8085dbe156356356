"""Conditional requests (RFC 9110 chapter 13): a caller who has the answer already gets 304 instead.

Where an upstream's answer is passed on, the caller's conditions go with the request, and its 304 comes back. Where the
answer is made here, so are its validators: ``ETag`` is a hash of its bytes, which costs a microsecond a kilobyte;
``Last-Modified`` is the upstream's, or when the capability was loaded, if that is later: then its mapping was new.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from email.utils import format_datetime, parsedate_to_datetime
from hashlib import blake2b
from typing import Final

from naftiko.engine.answer import Answer

_NONE_MATCH: Final = "if-none-match"
_MODIFIED_SINCE: Final = "if-modified-since"
_READING: Final = frozenset({"GET", "HEAD"})
_ETAG: Final = re.compile(r'(?:W/)?("[^"]*")')
_HASH_BYTES: Final = 12

Conditions = Sequence[tuple[str, str]]


def conditions_of(method: str, headers: Mapping[str, str]) -> Conditions:
    """Return the conditions of a request: those that a reading method can have.

    Args:
        method: of the request.
        headers: by name in lower case.
    """
    if (_NONE_MATCH not in headers and _MODIFIED_SINCE not in headers) or method not in _READING:
        return ()
    return [(name, headers[name]) for name in (_NONE_MATCH, _MODIFIED_SINCE) if name in headers]


def validated(answer: Answer, method: str, conditions: Conditions, loaded: dt.datetime) -> Answer:
    """Return an answer with its validators, or 304 if the caller has it already.

    Args:
        answer: what a GET or a HEAD gets; others are returned as they are.
        method: of the request.
        conditions: of the request.
        loaded: when the capability was loaded.
    """
    if answer.status != 200 or method not in _READING:  # noqa: PLR2004  # OK
        return answer
    if answer.is_made and answer.sent:
        answer.headers = [*answer.headers, *_validators(answer, loaded)]
    if not conditions or not _has_it(dict(answer.headers), dict(conditions)):
        return answer
    unchanged = Answer(status=304, headers=answer.headers)
    unchanged.links = answer.links
    return unchanged


def _validators(answer: Answer, loaded: dt.datetime) -> Conditions:
    made: list[tuple[str, str]] = []
    if not any(name == "etag" for name, _ in answer.headers):
        made.append(("etag", f'"{blake2b(answer.sent, digest_size=_HASH_BYTES).hexdigest()}"'))
    modified = _moment(answer.modified)
    if modified is not None:
        made.append(("last-modified", format_datetime(max(modified, loaded), usegmt=True)))
    return made


def _has_it(headers: Mapping[str, str], conditions: Mapping[str, str]) -> bool:
    """Tell whether the caller has what these headers say; a date counts only where no ``ETag`` is asked about."""
    asked = conditions.get(_NONE_MATCH)
    if asked is not None:
        etag = headers.get("etag", "")
        return asked.strip() == "*" or (bool(etag) and _opaque(etag) in _opaques(asked))
    modified, since = _moment(headers.get("last-modified")), _moment(conditions.get(_MODIFIED_SINCE))
    return modified is not None and since is not None and modified <= since


def _opaque(etag: str) -> str:
    """Return an entity tag as it is compared here: weak ones and strong ones alike (RFC 9110, 8.8.3.2)."""
    return etag.strip().removeprefix("W/")


def _opaques(asked: str) -> set[str]:
    return {_opaque(asked), *_ETAG.findall(asked)}


def _moment(text: str | None) -> dt.datetime | None:
    """Return a date in UTC; ``None`` for none, and for what is none."""
    if not text:
        return None
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    return moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment.astimezone(dt.UTC)
