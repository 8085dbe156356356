"""What a response's headers say, read once in one pass over the raw pairs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Final

import httpx

from naftiko.engine.transport.whole import raw_headers
from naftiko.expression.answers import AnswerHead
from naftiko.ground.media_types import bare, charset_of

_USEFUL: Final = frozenset(
    {
        b"age",
        b"etag",
        b"last-modified",
        b"cache-control",
        b"expires",
        b"vary",
        b"link",
        b"location",
        b"retry-after",
        b"content-language",
        b"content-disposition",
        b"x-request-id",
        b"x-total-count",
        b"naftiko-note",
    }
)
LINKS: Final = frozenset({"link", "location"})
_USEFUL_PREFIXES: Final = (b"ratelimit", b"x-ratelimit")
_POINTING: Final = LINKS | {"content-location", "refresh"}
"""They come as the upstream sent them (``naftiko.engine.masking``)."""
_CONTENT_TYPE: Final = "content-type"
_CONTENT_ENCODING: Final = "content-encoding"
_OF_THE_BODY: Final = frozenset({_CONTENT_TYPE.encode(), _CONTENT_ENCODING.encode()})
_LONGEST_KNOWN: Final = 40
"""Bytes of a name that is remembered."""
_KEPT: Final = "naftiko.head"
_DIGITS: Final = 16
"""Of a length that can't be meant."""


class Head:
    """The headers that the engine and its adapters look at.

    Attributes:
        content_type: as it came; ``""`` for none.
        media_type: the same without parameters, in lower case.
        coding: of a body that could not be decoded (``Content-Encoding``); ``""`` for none.
        useful: the ones that a REST caller gets (SEMANTICS 6), names in lower case.
        points: whether there are URLs among them, which a caller gets as URLs of the exposed routes.
    """

    __slots__ = ("coding", "content_type", "media_type", "points", "useful")

    def __init__(self, headers: Sequence[tuple[bytes, bytes]]) -> None:
        self.content_type = ""
        self.media_type = ""
        self.coding = ""
        self.useful: list[tuple[str, str]] = []
        self.points = False
        for raw_name, raw_value in headers:
            name = _known(raw_name) if len(raw_name) <= _LONGEST_KNOWN else _name(raw_name)
            if not name:
                continue
            value = raw_value.decode("latin-1")
            if name == _CONTENT_TYPE:
                self.content_type = value
                self.media_type = bare(value)
            elif name == _CONTENT_ENCODING:
                self.coding = value
            else:
                self.useful.append((name, value))
                self.points = self.points or name in LINKS

    @property
    def charset(self) -> str | None:
        """The charset that the media type names."""
        return charset_of(self.content_type) if ";" in self.content_type else None


def _name(raw_name: bytes) -> str:
    """Return the name of a header that is looked at, in lower case; ``""`` of any other."""
    name = raw_name.lower()
    is_meant = name in _USEFUL or name.startswith(_USEFUL_PREFIXES) or name in _OF_THE_BODY
    return name.decode("latin-1") if is_meant else ""


_known = lru_cache(maxsize=512)(_name)
"""The same for names that come again and again: looking one up costs a quarter."""


@dataclass(frozen=True, slots=True)
class UpstreamLinks:
    """The URLs that an upstream's answer points to.

    Attributes:
        url: of the request that was answered, which relative ones are relative to.
        pairs: ``link`` and ``location`` headers, names in lower case.
    """

    url: str
    pairs: Sequence[tuple[str, str]]


def links_of(response: httpx.Response) -> UpstreamLinks | None:
    """Return the URLs that an answer points to, ``None`` for none."""
    head = head_of(response)
    if not head.points:
        return None
    return UpstreamLinks(str(response.request.url), [pair for pair in head.useful if pair[0] in LINKS])


def head_of(response: httpx.Response) -> Head:
    """Return a response's head; it is kept with the response."""
    known = response.extensions.get(_KEPT)
    if isinstance(known, Head):
        return known
    made = Head(raw_headers(response))
    response.extensions[_KEPT] = made
    return made


def keep_head(response: httpx.Response, head: Head) -> None:
    """Keep the head of a response that is known already."""
    response.extensions[_KEPT] = head


def told_head(response: httpx.Response, redact: Callable[[str], str]) -> AnswerHead:
    """Return the status and the headers of an answer, as values of outputs (SEMANTICS 5.10).

    Args:
        response: the answer, credentials masked but in what points somewhere.
        redact: hides secrets in that.
    """
    pairs = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in raw_headers(response)]
    told = [(name, redact(value) if name in _POINTING else value) for name, value in pairs]
    return AnswerHead(response.status_code, told)


def annotate(response: httpx.Response, name: str, value: str) -> None:
    """Add a header to a response whose head may be known already."""
    response.headers[name] = value
    response.extensions.pop(_KEPT, None)


def retry_after(response: httpx.Response) -> float | None:
    """Return after how many seconds the upstream wants to be asked again; ``None`` where it doesn't say.

    It may say so as a number, or as a date (RFC 9110, 10.2.3).
    """
    said = response.headers.get("retry-after", "").strip()
    if said.isascii() and said.isdecimal():
        return float(said) if len(said) < _DIGITS else None
    try:
        moment = parsedate_to_datetime(said)
    except (ValueError, TypeError):
        return None
    if moment.tzinfo is None:  # `-0000`: UTC, from nowhere in particular
        moment = moment.replace(tzinfo=dt.UTC)
    return max(0.0, (moment - dt.datetime.now(tz=dt.UTC)).total_seconds())


def body_length(response: httpx.Response) -> int | None:
    """Return how long the body is that a GET would have got, of the answer to a HEAD; ``None`` where it isn't said.

    A body in a coding is another one for a caller, who gets it decoded.
    """
    if response.request.method != "HEAD":
        return len(response.content)
    said = response.headers.get("content-length", "")
    is_plain = not head_of(response).coding and said.isascii() and said.isdecimal()
    return int(said) if is_plain and len(said) < _DIGITS else None
