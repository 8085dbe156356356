"""Put a credential into a request, wherever its parts belong."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from naftiko.engine.authentication.fields import with_fields
from naftiko.engine.authentication.scheme import Proof
from naftiko.engine.query import drop_pairs, name_of
from naftiko.engine.request import Draft, query_pairs

_COOKIE_VALUE: Final = re.compile(r"[!#-+\--:<-\[\]-~]*")
"""What a cookie's value may be as it is (RFC 6265, 4.1.1)."""


@dataclass(frozen=True, slots=True)
class Carried:
    """What a credential adds to a request.

    Attributes:
        pairs: of the query, encoded.
        cookies: names, and values as they are sent.
        is_header_alone: whether it is headers and nothing else, as most are.
    """

    headers: tuple[tuple[str, str], ...]
    pairs: tuple[str, ...]
    cookies: tuple[tuple[str, str], ...]
    fields: tuple[tuple[str, str], ...]
    is_header_alone: bool

    def put(self, made: Draft, mapped: Collection[str], *, replace: bool) -> bool:
        """Add it; what is there already, because the file maps it, stays.

        Args:
            made: the request.
            mapped: the names that the file maps to fields of the body.
            replace: whether ours wins all the same, as over what a forwarded request brings.

        Returns:
            whether it is there now, by our doing: there may be nothing to add yet, or all of it may be in the path.

        Raises:
            InputError: the credential is a field of the body, and the body can't have any.
        """
        if replace:
            made.drop_headers({name.lower() for name, _ in self.headers})
        added = False
        for name, value in self.headers:
            if not made.has_header(name):
                made.add_header(name, value)
                added = True
        if self.is_header_alone:
            return added
        if self.pairs:
            added |= _put_pairs(made, self.pairs, replace=replace)
        if self.cookies:
            added |= _put_cookies(made, self.cookies, replace=replace)
        if self.fields:
            own = next((value for name, value in made.headers if name.lower() == "content-type"), None)
            made.body = with_fields(made.body, own, self.fields, mapped)
            added = True
        # A digest has nothing to send before the first challenge: its first 401 is a question, not a refusal.
        return added or not (self.headers or self.pairs or self.cookies or self.fields)


def clear(made: Draft, places: Collection[tuple[str, str]]) -> None:
    """Leave out what stands where a signature belongs, so that it is none of what is signed."""
    made.drop_headers([name for place, name in places if place == "header"])
    drop_pairs(made, [name for place, name in places if place == "query"])


def carried(proof: Proof) -> Carried:
    """Return what a credential adds to a request, as it goes on the wire."""
    headers = proof.headers
    own = tuple((name, value) for name, value in headers if name.lower() != "cookie")
    pairs = tuple(pair for name, value in proof.query for pair in query_pairs(name, value))
    cookies = [pair for name, value in headers if name.lower() == "cookie" for pair in _cookies_of(value)]
    cookies += [(name, _cookie_value(value)) for name, value in proof.cookies]
    fields = tuple(proof.fields)
    is_header_alone = bool(own) and not (pairs or cookies or fields)
    return Carried(own, pairs, tuple(cookies), fields, is_header_alone)


def _put_pairs(made: Draft, pairs: Iterable[str], *, replace: bool) -> bool:
    if replace:
        drop_pairs(made, {name_of(pair) for pair in pairs})
    names = {name_of(pair) for pair in made.query}
    fresh = [pair for pair in pairs if name_of(pair) not in names]
    made.query.extend(fresh)
    return bool(fresh)


def _cookies_of(header: str) -> list[tuple[str, str]]:
    pairs = (text.strip().partition("=") for text in header.split(";"))
    return [(name, value) for name, _, value in pairs if name]


def _put_cookies(made: Draft, cookies: Sequence[tuple[str, str]], *, replace: bool) -> bool:
    """Add cookies, written as they are sent, to the one header that may hold them (RFC 6265, 5.4)."""
    there = [text.strip() for name, value in made.headers if name.lower() == "cookie" for text in value.split(";")]
    ours = {name for name, _ in cookies}
    if replace:
        there = [text for text in there if text.partition("=")[0] not in ours]
    names = {text.partition("=")[0] for text in there}
    fresh = [f"{name}={value}" for name, value in cookies if name not in names]
    made.drop_headers({"cookie"})
    made.add_header("Cookie", "; ".join([*filter(None, there), *fresh]))
    return bool(fresh)


def _cookie_value(value: str) -> str:
    return value if _COOKIE_VALUE.fullmatch(value) else quote(value, safe="")
