"""The wire side of the corpus oracle: percent-encoding, paths, queries, and a form in which URLs compare.

RFC 3986 and the contract, chapter 4.1 and 4.2.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote, unquote_to_bytes, urlsplit

from oracle_document import PLACEHOLDER
from oracle_references import ABSENT, as_text
from oracle_slots import clean_path, keeps_slashes, placeholder_name

PATH_LITERAL = "/:@!$&'()*+,;=~%"
QUERY_LITERAL = "/?:@!$'()*,;=~%"
Pairs = list[tuple[str, str | None]]


class Unsendable(Exception):
    """The request can't be made: a path placeholder has no value."""


def encode(value: Any) -> str:
    """Encode a value as one path segment, or as one side of a query pair: only unreserved characters stay."""
    encoded = quote(as_text(value), safe="")
    return encoded.replace(".", "%2E") if encoded in (".", "..") else encoded


def encode_spanning(value: Any) -> str:
    """Encode a value that may keep its slashes, but no dot segments."""
    return "/".join(encode(part) for part in as_text(value).split("/"))


def fill_path(path: str, look: Callable[[str], Any]) -> tuple[str, Pairs]:
    """Fill a consumed path; return (encoded path, encoded pairs of its own query; a pair without ``=`` has None).

    Choice: a pair of the path's query whose placeholder is absent is left out.

    Raises:
        Unsendable: a placeholder outside the query has no value.
    """
    plain, _, query = clean_path(path).partition("?")

    def replace(hit: re.Match[str]) -> str:
        raw = hit[1] or hit[2]
        value = look(placeholder_name(raw))
        if value is ABSENT:
            raise Unsendable(f"the path's {placeholder_name(raw)} has no value")
        return encode_spanning(value) if keeps_slashes(raw) else encode(value)

    pairs: Pairs = []
    for part in query.split("&") if query else []:
        name, equals, _ = part.partition("=")
        try:
            filled = _fill(part.removeprefix(f"{name}{equals}"), QUERY_LITERAL, replace)
        except Unsendable:
            continue
        pairs.append((quote(name, safe=QUERY_LITERAL), filled if equals else None))
    return _fill(plain, PATH_LITERAL, replace), pairs


def _fill(literal: str, safe: str, replace: Callable[[re.Match[str]], str]) -> str:
    done, out = 0, []
    for hit in PLACEHOLDER.finditer(literal):
        out += [quote(literal[done : hit.start()], safe=safe), replace(hit)]
        done = hit.end()
    return "".join([*out, quote(literal[done:], safe=safe)])


def query_pairs(name: str, value: Any) -> Pairs:
    """Return the encoded pairs of one query parameter: an array repeats the name, an object is JSON text."""
    values = value if isinstance(value, list) else [value]
    return [(encode(name), encode(one)) for one in values]


def url(base: str, path: str, pairs: Iterable[tuple[str, str | None]]) -> str:
    """Join base, path and query; exactly one slash stands between base and path."""
    query = "&".join(name if value is None else f"{name}={value}" for name, value in pairs)
    joined = f"{base.rstrip('/')}/{path.lstrip('/')}"
    return f"{joined}?{query}" if query else joined


def canonical_url(address: str) -> str:
    """Return a form in which two URLs compare: same bytes, whatever was needlessly encoded or not; query sorted.

    ``a`` and ``a=`` stay different, so do ``/`` and ``%2F``, and ``.`` alone and ``%2E``. The order of equal names
    is kept. ``+`` in a query stays a plus sign: it never stands for a space.
    """
    parts = urlsplit(address)
    path = "/".join(_canonical(one) for one in parts.path.split("/"))
    pairs = [tuple(_canonical(side) for side in pair.split("=", 1)) for pair in parts.query.split("&") if pair]
    query = "&".join("=".join(pair) for pair in sorted(pairs, key=lambda pair: pair[0]))
    return f"{parts.scheme.lower()}://{parts.netloc.lower()}{path}" + (f"?{query}" if query else "")


def _canonical(part: str) -> str:
    if part in (".", ".."):
        return part
    return encode(unquote_to_bytes(part).decode("utf-8", "surrogateescape"))
