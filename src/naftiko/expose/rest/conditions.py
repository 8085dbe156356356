"""Conditional requests (RFC 9110 chapter 13): a caller who has the answer already gets 304 instead.

And what a caller wants done under a condition is done under it alone: the condition goes on to the upstream.
Where an upstream's answer is passed on, the caller's conditions go with the request, and its 304 comes back. Where the
answer is made here, so are its validators: ``ETag`` is a hash of its bytes, which costs a microsecond a kilobyte;
``Last-Modified`` is the upstream's, or when the capability was loaded, if that is later: then its mapping was new.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from email.utils import format_datetime, parsedate_to_datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Final

from naftiko.engine.answer import Answer
from naftiko.ground.errors import PreconditionFailed
from naftiko.ground.http import READING
from naftiko.plan.inputs import Input

_NONE_MATCH: Final = "if-none-match"
_MODIFIED_SINCE: Final = "if-modified-since"
_MATCH: Final = "if-match"
_UNMODIFIED_SINCE: Final = "if-unmodified-since"
_OF_READING: Final = (_MATCH, _UNMODIFIED_SINCE, _NONE_MATCH, _MODIFIED_SINCE)
_OF_CHANGING: Final = (_MATCH, _UNMODIFIED_SINCE, _NONE_MATCH)
"""``If-Modified-Since`` is for reading alone (RFC 9110 chapter 13.1.3)."""
CONDITIONS: Final = frozenset(name.encode() for name in _OF_READING)
"""The headers that a condition may be."""
_ETAG: Final = re.compile(r'(?:W/)?("[^"]*")')
_STRONG: Final = re.compile(r'(?<!/)"[^"]*"')
_HASH_BYTES: Final = 12
_LONGEST_DATE: Final = 40
"""Characters of a date that is remembered."""

Conditions = Sequence[tuple[str, str]]


def conditions_of(method: str, headers: Mapping[str, str], inputs: Iterable[Input]) -> Conditions:
    """Return the conditions of a request: those that its method can have, and that no input is.

    What is an input means what the operation says: the versions in it are those of the upstream.

    Args:
        method: of the request.
        headers: by name in lower case.
        inputs: of the unit.
    """
    names = _OF_READING if method in READING else _OF_CHANGING
    found = [(name, headers[name]) for name in names if name in headers]
    if found:
        taken = {each.wire_name.lower() for each in inputs if each.location == "header"}
        found = [pair for pair in found if pair[0] not in taken]
    return found


def validated(answer: Answer, method: str, conditions: Conditions, loaded: dt.datetime) -> Answer:
    """Return an answer with its validators, or 304 if the caller has it already.

    Raises:
        PreconditionFailed: the caller wants another version than the one that there is.

    Args:
        answer: what a GET or a HEAD gets; others are returned as they are.
        method: of the request.
        conditions: of the request.
        loaded: when the capability was loaded.
    """
    if answer.status != 200 or method not in READING:  # noqa: PLR2004  # OK
        return answer
    if answer.is_made and answer.sent:
        answer.headers = [*answer.headers, *_validators(answer, loaded)]
    return decided(answer, conditions) if conditions else answer


def decided(answer: Answer, conditions: Conditions) -> Answer:
    """Return an answer of 200 with its validators, or 304 if the caller has it already; as ``validated``."""
    headers, asked = dict(answer.headers), dict(conditions)
    if not _is_wanted(headers, asked):
        raise PreconditionFailed("there is another version than the one that is asked for", hint="read it anew")
    if not _has_it(headers, asked):
        return answer
    unchanged = Answer(status=304, headers=answer.headers)
    unchanged.links = answer.links
    return unchanged


def _validators(answer: Answer, loaded: dt.datetime) -> Conditions:
    made: list[tuple[str, str]] = []
    if not any(name == "etag" for name, _ in answer.headers):
        made.append(("etag", f'"{blake2b(answer.sent, digest_size=_HASH_BYTES).hexdigest()}"'))
    if answer.modified:
        made.extend(last_modified(answer.modified, loaded))
    return made


def last_modified(said: str, loaded: dt.datetime) -> Conditions:
    """Return the ``Last-Modified`` of an answer that is made of a document, whose date is given; none if it is none."""
    later = _later if len(said) <= _LONGEST_DATE else _later.__wrapped__
    modified = later(said, loaded)
    return [] if modified is None else [("last-modified", modified)]


@lru_cache(maxsize=256)  # a document changes less often than it is read: to know its date costs a fiftieth
def _later(said: str, loaded: dt.datetime) -> str | None:
    """Return the later one of a date and the time when the capability was loaded, as HTTP writes it."""
    modified = _moment(said)
    return None if modified is None else format_datetime(max(modified, loaded), usegmt=True)


def _has_it(headers: Mapping[str, str], conditions: Mapping[str, str]) -> bool:
    """Tell whether the caller has what these headers say; a date counts only where no ``ETag`` is asked about."""
    asked = conditions.get(_NONE_MATCH)
    if asked is not None:
        etag = headers.get("etag", "")
        return asked.strip() == "*" or (bool(etag) and _opaque(etag) in _opaques(asked))
    modified, since = _moment(headers.get("last-modified")), _moment(conditions.get(_MODIFIED_SINCE))
    return modified is not None and since is not None and modified <= since


def _is_wanted(headers: Mapping[str, str], conditions: Mapping[str, str]) -> bool:
    """Tell whether these headers say the version that the caller wants; a weak tag is none (RFC 9110, 13.1.1)."""
    asked = conditions.get(_MATCH)
    if asked is not None:
        etag = headers.get("etag", "").strip()
        return asked.strip() == "*" or (not etag.startswith("W/") and etag in _STRONG.findall(asked))
    modified, since = _moment(headers.get("last-modified")), _moment(conditions.get(_UNMODIFIED_SINCE))
    return modified is None or since is None or modified <= since


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
