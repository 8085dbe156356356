"""What every inbound scheme is.

It looks at a request's credentials and says who calls, or refuses with a challenge (RFC 9110 chapter 11).
"""

from __future__ import annotations

import abc
import hashlib
import hmac
import re
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, TypeAlias

import orjson

from naftiko.expression.scope import Scope
from naftiko.expression.template import Value
from naftiko.expression.text import as_text
from naftiko.ground.errors import MissingVariable
from naftiko.ground.http import quoted
from naftiko.ground.types import ABSENT
from naftiko.observe.requests import request_id_now

PROBLEM_MEDIA_TYPE = "application/problem+json"


def problem(refusal: Refusal) -> tuple[str, bytes]:
    """Return the media type and the problem document."""
    document = {
        "type": f"urn:naftiko:problem:{refusal.kind}",
        "title": HTTPStatus(refusal.status).phrase,
        "status": int(refusal.status),
        "detail": refusal.detail,
    }
    identity = request_id_now()
    if identity:
        document["correlationId"] = identity
    return PROBLEM_MEDIA_TYPE, orjson.dumps(document)


_UNPRINTABLE: Final = re.compile(r"[^\x20-\x7e]")


def challenge(scheme: str, texts: Mapping[str, str], bare: Mapping[str, str] | None = None) -> tuple[str, str]:
    """Return the header.

    Args:
        scheme: its word.
        texts: parameters that are quoted strings.
        bare: parameters that are tokens, such as Digest's ``algorithm``.
    """
    fields = [f"{name}={quoted(_UNPRINTABLE.sub('?', value))}" for name, value in texts.items()]
    fields += [f"{name}={value}" for name, value in (bare or {}).items()]
    return "WWW-Authenticate", f"{scheme} {', '.join(fields)}"


AsgiScope: TypeAlias = MutableMapping[str, Any]
Headers: TypeAlias = tuple[tuple[str, str], ...]

REALM: Final = "naftiko"
AUTHORIZATION: Final = b"authorization"
METADATA_PATH: Final = "/.well-known/oauth-protected-resource"
"""Where the metadata of a protected resource is, before the resource's own path (RFC 9728 chapter 3.1)."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """The part of a request that a guard looks at.

    Attributes:
        raw_path: the path as it came, not percent-decoded.
        query: what follows the ``?``, not decoded.
        headers: all of them, as they came.
        address: the caller's, as the socket says.
    """

    method: str
    raw_path: str
    query: bytes = field(repr=False)
    headers: Sequence[tuple[bytes, bytes]] = field(repr=False)
    address: str = ""

    @classmethod
    def of(cls, scope: AsgiScope) -> Credentials:
        """Take them from an ASGI scope of type ``http``."""
        raw_path = scope.get("raw_path") or scope["path"].encode("utf-8", "surrogateescape")
        address = (scope.get("client") or ("",))[0]
        return cls(scope["method"], raw_path.decode("latin-1"), scope["query_string"], scope["headers"], address)

    def values(self, name: bytes) -> list[bytes]:
        """Return the values of all headers of a name, which is in lower case."""
        return [value for header, value in self.headers if header.lower() == name]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not let in; the adapter renders it.

    Attributes:
        status: 401, 403, or 503 where the server itself can't tell who may come in.
        headers: ``WWW-Authenticate`` (RFC 9110 chapter 11.6.1), ``Retry-After``.
        detail: a sentence for the caller; it never holds a secret.
        kind: a stable word for programs, such as ``wrong-credentials``.
    """

    status: int
    headers: Headers
    detail: str
    kind: str


@dataclass(frozen=True, slots=True)
class Principal:
    """Who was let in, for logs; an ASGI scope holds it under ``naftiko.principal``.

    Attributes:
        scheme: ``basic``, ``bearer``, ``apikey``, ``digest`` or ``oauth2``.
        subject: the user's name or the token's ``sub``; ``None`` where the scheme names nobody.
        claims: what a verified token says; never the token.
    """

    scheme: str
    subject: str | None = None
    claims: Mapping[str, Any] = field(default_factory=dict)


class Denied(Exception):
    """Ends a check inside a guard; it never leaves one."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.detail)
        self.refusal = refusal


class Guard(abc.ABC):
    """Stands before one adapter, made once at start."""

    @abc.abstractmethod
    async def identify(self, request: Credentials) -> Principal | Refusal:
        """Return who calls, or why the request is refused. Only a ``Principal`` lets in."""

    async def check(self, request: Credentials) -> Refusal | None:
        """Return why the request is refused; ``None`` lets it in."""
        found = await self.identify(request)
        return found if isinstance(found, Refusal) else None

    def stripped(self, scope: AsgiScope) -> AsgiScope:
        """Return the ASGI scope without the caller's credential: what is behind the guard can't pass it upstream."""
        return without_headers(scope, frozenset({AUTHORIZATION}))

    def metadata_paths(self) -> frozenset[str]:
        """Return where the metadata of the protected resource is served (RFC 9728); nowhere for most schemes.

        Raises:
            MissingVariable: it needs a variable without a value.
        """
        return frozenset()

    def metadata(self) -> Mapping[str, Any] | None:
        """Return the metadata of the protected resource, or ``None`` where there is none.

        Raises:
            MissingVariable: it needs a variable without a value.
        """
        return None


class SchemeGuard(Guard):
    """A guard whose expected secrets are the values of the authentication's keys."""

    def __init__(self, secrets: Mapping[str, Value], scope: Scope) -> None:
        self._secrets = secrets
        self._scope = scope

    async def identify(self, request: Credentials) -> Principal | Refusal:
        """See ``Guard.identify``; a missing variable is 503 and named, whatever the request brought."""
        try:
            return await self._identify(request)
        except Denied as denied:
            return denied.refusal
        except MissingVariable as missing:
            names = ", ".join(missing.names)
            return unavailable(f"no value for {names}, which this adapter's authentication needs", "missing-variable")

    @abc.abstractmethod
    async def _identify(self, request: Credentials) -> Principal:
        """Return who calls.

        Raises:
            Denied: nobody who may.
            MissingVariable: what is expected can't be known.
        """

    @abc.abstractmethod
    def _challenges(self) -> Headers:
        """Return how a caller may prove who it is."""

    def _text(self, key: str) -> str:
        """Return the value of one of the authentication's keys, ``""`` where the file has none."""
        compiled = self._secrets.get(key)
        value = ABSENT if compiled is None else compiled(self._scope)
        return "" if value is ABSENT or value is None else as_text(value)

    def _expected(self, key: str) -> bytes:
        """Return a secret; an empty one would let everybody in, so it lets in nobody."""
        text = self._text(key)
        if not text:
            raise incomplete(key)
        return as_sent(text)

    def _denied(self, detail: str, kind: str, headers: Headers | None = None) -> Denied:
        return Denied(
            Refusal(HTTPStatus.UNAUTHORIZED, self._challenges() if headers is None else headers, detail, kind)
        )

    def _authorization(self, request: Credentials, scheme: str) -> bytes:
        """Return what follows the scheme's word in ``Authorization``.

        Raises:
            Denied: there is no such header, several, one of another scheme, or nothing in it.
        """
        values = request.values(AUTHORIZATION)
        if not values:
            raise self._denied(f"this needs an `Authorization: {scheme} …` header", "missing-credentials")
        if len(values) > 1:
            raise self._denied("there are several Authorization headers; send one", "malformed-credentials")
        word, _, rest = values[0].strip(b" \t").partition(b" ")
        if word.lower() != scheme.lower().encode():
            raise self._denied(f"the Authorization header is not of the scheme {scheme}", "malformed-credentials")
        if not rest.strip(b" \t"):
            raise self._denied("the Authorization header holds nothing but its scheme", "malformed-credentials")
        return rest.strip(b" \t")


def incomplete(key: str) -> Denied:
    """Return the refusal of everybody, since a key of the authentication has no value."""
    detail = f"this adapter's authentication has no `{key}`; nobody is let in until it has"
    return Denied(unavailable(detail, "authentication-incomplete"))


def unavailable(detail: str, kind: str, headers: Headers = ()) -> Refusal:
    """Return a refusal for which the caller's credentials are not at fault."""
    return Refusal(HTTPStatus.SERVICE_UNAVAILABLE, headers, detail, kind)


def as_sent(text: str) -> bytes:
    """Return a secret's bytes on the wire; those of an environment variable that is no UTF-8 are kept."""
    return text.encode("utf-8", "surrogateescape")


def same_secret(given: bytes, expected: bytes) -> bool:
    """Compare in a time that depends on neither; the hashes hide the lengths too."""
    return hmac.compare_digest(hashlib.sha256(given).digest(), hashlib.sha256(expected).digest())


def without_headers(scope: AsgiScope, names: frozenset[bytes]) -> AsgiScope:
    """Return a copy of an ASGI scope without the headers of these names, which are in lower case."""
    kept = [(name, value) for name, value in scope["headers"] if name.lower() not in names]
    return {**scope, "headers": kept}
