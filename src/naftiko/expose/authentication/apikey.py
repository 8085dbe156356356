"""An API key in a header or the query, or several in headers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import unquote_to_bytes

from naftiko.document.model import ApiKeyAuthentication
from naftiko.expose.authentication.scheme import (
    REALM,
    AsgiScope,
    Credentials,
    Headers,
    Principal,
    SchemeGuard,
    as_sent,
    challenge,
    same_secret,
    without_headers,
)
from naftiko.expression.scope import Scope
from naftiko.expression.template import Value

_DEFAULT_KEY = "X-API-Key"


class ApiKeyGuard(SchemeGuard):
    """The key in a header (the default) or in a query parameter; every header of a ``headers`` map must fit.

    Its 401 has a challenge although no RFC defines the scheme ``ApiKey``: RFC 9110 chapter 15.5.2 asks for one, it
    tells a client which header to send, and browsers, which don't know it, open no password window.
    """

    def __init__(self, authentication: ApiKeyAuthentication, secrets: Mapping[str, Value], scope: Scope) -> None:
        super().__init__(secrets, scope)
        self._maps = tuple(authentication.headers)
        self._in_query = authentication.placement == "query"
        self._one = "value" in secrets or "key" in secrets or not self._maps

    async def _identify(self, request: Credentials) -> Principal:
        expected = [(place, name, self._expected(key)) for place, name, key in self._carriers()]
        fits = True
        for place, name, secret in expected:
            fits &= same_secret(self._given(request, place, name), secret)
        if not fits:
            raise self._denied("the API key is wrong", "wrong-credentials")
        return Principal("apikey")

    def _carriers(self) -> Iterator[tuple[str, str, str]]:
        """Yield where each key travels (``header`` or ``query``, name), and which value of the file it must have."""
        for name in self._maps:
            yield "header", name, f"headers.{name}"
        if self._one:
            yield "query" if self._in_query else "header", self._text("key") or _DEFAULT_KEY, "value"

    def _given(self, request: Credentials, place: str, name: str) -> bytes:
        if place == "query":
            values = [value for _, key, value in _parameters(request.query) if key == as_sent(name)]
            what = f"the query parameter {name}"
        else:
            values = [value.strip(b" \t") for value in request.values(as_sent(name.lower()))]
            what = f"the header {name}"
        if not values or not values[0]:
            raise self._denied(f"this needs {what} with an API key", "missing-credentials")
        if len(values) > 1:
            raise self._denied(f"{what} is there several times; send it once", "malformed-credentials")
        return values[0]

    def _challenges(self) -> Headers:
        return tuple(
            challenge("ApiKey", {"realm": REALM, "in": place, "name": name}) for place, name, _ in self._carriers()
        )

    def stripped(self, scope: AsgiScope) -> AsgiScope:
        """See ``Guard.stripped``; the other parameters of the query stay byte for byte."""
        carriers = list(self._carriers())
        headers = frozenset(as_sent(name.lower()) for place, name, _ in carriers if place == "header")
        names = {as_sent(name) for place, name, _ in carriers if place == "query"}
        kept = [piece for piece, name, _ in _parameters(scope["query_string"]) if name not in names]
        return {**without_headers(scope, headers), "query_string": b"&".join(kept) if names else scope["query_string"]}


def _parameters(query: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Yield each parameter as it was sent, its name and its value, decoded."""
    for piece in query.split(b"&"):
        name, _, value = piece.partition(b"=")
        yield piece, _decoded(name), _decoded(value)


def _decoded(text: bytes) -> bytes:
    return unquote_to_bytes(text.replace(b"+", b" "))
