"""HTTP Digest (RFC 7616), with SHA-256 and, for old clients, MD5."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import unquote_to_bytes

from naftiko.expose.authentication.nonces import Nonces, shared_counts
from naftiko.expose.authentication.scheme import (
    REALM,
    Credentials,
    Denied,
    Headers,
    Principal,
    Refusal,
    SchemeGuard,
    challenge,
    same_secret,
)
from naftiko.expression.scope import Scope
from naftiko.expression.template import Value
from naftiko.ground.http import PARAMETER, parameter

_HASHES: Final = {"SHA-256": "sha256", "MD5": "md5"}
"""The algorithms that are offered, the preferred one first."""
_FIELD: Final = re.compile(rf"[ \t]*{PARAMETER}[ \t]*(?:,|\Z)")
_COUNT: Final = re.compile(r"[0-9a-fA-F]{8}")
_ORIGIN: Final = re.compile(r"https?://[^/?#]*", re.IGNORECASE)
_NEEDED: Final = ("realm", "nonce", "uri", "response", "qop", "nc", "cnonce")


class DigestGuard(SchemeGuard):
    """``Authorization: Digest …`` with ``qop=auth``.

    A request can't be replayed: every nonce is the server's own, lives for 5 minutes, and each of its counts is taken
    once. An answer that is right but of a nonce that is not (any more) gets ``stale=true``, which a client answers
    without asking its user again.

    Args:
        secrets: the values of the authentication's keys.
        scope: where variables are.
        nonce_key: signs the nonces; processes that share it take one another's, and those of one machine share what
            was used.
        clock: seconds, never going backwards.
    """

    def __init__(
        self,
        secrets: Mapping[str, Value],
        scope: Scope,
        *,
        nonce_key: bytes | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(secrets, scope)
        self._nonces = Nonces(nonce_key, clock, shared=shared_counts())

    async def _identify(self, request: Credentials) -> Principal:
        username, password = self._expected("username"), self._expected("password")
        fields = self._fields(request)
        given = self._username(fields)
        answer = _response(fields, request.method, username, password)
        # Both are compared, whatever the first one gives, and the answer is always made of what is expected.
        if not same_secret(given, username) & same_secret(_sent(fields["response"].lower()), answer):
            raise self._denied("the user name or the password is wrong", "wrong-credentials")
        if not await self._use(fields["nonce"], int(fields["nc"], 16)):
            detail = "the nonce is not fresh; answer the new one"
            raise Denied(Refusal(HTTPStatus.UNAUTHORIZED, self._offers(stale=True), detail, "stale-nonce"))
        return Principal("digest", username.decode("utf-8", "replace"))

    async def _use(self, nonce: str, count: int) -> bool:
        """Use a nonce's count; ``False`` where it can't be, or was."""
        return self._nonces.use(nonce, count)

    def _fields(self, request: Credentials) -> dict[str, str]:
        """Return the parameters of the answer, checked for being whole, and for this request."""
        fields = _parsed(self._authorization(request, "Digest").decode("latin-1"))
        missing = next((name for name in _NEEDED if not fields.get(name)), None)
        if missing is not None:
            raise self._malformed(f"it has no `{missing}`, or can't be read")
        if fields.get("algorithm", "MD5").upper() not in _HASHES:
            raise self._malformed("its algorithm was not offered")
        if fields["qop"] != "auth" or fields["realm"] != REALM or not _COUNT.fullmatch(fields["nc"]):
            raise self._malformed("its qop, realm or nc is not what was offered")
        if not _same_target(fields["uri"], request):
            raise self._malformed("its uri is not the one of the request")
        return fields

    def _username(self, fields: Mapping[str, str]) -> bytes:
        """Return the user name; ``username*`` is in RFC 5987's encoding."""
        plain, extended = fields.get("username"), fields.get("username*")
        if plain is not None and extended is None:
            return _sent(plain)
        charset, _, encoded = (extended or "").partition("''")
        if plain is not None or charset.upper() != "UTF-8":
            raise self._malformed("it needs either a `username` or a `username*` in UTF-8")
        return unquote_to_bytes(_sent(encoded))

    def _malformed(self, what: str) -> Denied:
        return self._denied(f"the Digest answer doesn't fit: {what}", "malformed-credentials")

    def _challenges(self) -> Headers:
        return self._offers(stale=False)

    def _offers(self, *, stale: bool) -> Headers:
        nonce = self._nonces.issue()
        return tuple(
            challenge(
                "Digest",
                {"realm": REALM, "qop": "auth", "nonce": nonce},
                {"algorithm": algorithm, "charset": "UTF-8", **({"stale": "true"} if stale else {})},
            )
            for algorithm in _HASHES
        )


def _parsed(text: str) -> dict[str, str]:
    """Return the parameters, names in lower case; none where the text is no list of them, or one is there twice."""
    fields: dict[str, str] = {}
    at = 0
    while at < len(text):
        found = _FIELD.match(text, at)
        name, value = parameter(found) if found is not None else ("", "")
        if found is None or name in fields:
            return {}
        fields[name] = value
        at = found.end()
    return fields


def _response(fields: Mapping[str, str], method: str, username: bytes, password: bytes) -> bytes:
    """Return the answer that is right (RFC 7616 chapter 3.4.1)."""
    name = _HASHES[fields.get("algorithm", "MD5").upper()]

    def hashed(*parts: bytes) -> bytes:
        return hashlib.new(name, b":".join(parts), usedforsecurity=False).hexdigest().encode()

    key = hashed(username, REALM.encode(), password)
    target = hashed(method.encode(), _sent(fields["uri"]))
    between = (_sent(fields[part]) for part in ("nonce", "nc", "cnonce", "qop"))
    return hashed(key, *between, target)


def _same_target(uri: str, request: Credentials) -> bool:
    """Tell whether an answer is for this request; ASGI doesn't tell ``/a`` from ``/a?``."""
    target = _ORIGIN.sub("", uri, count=1)
    query = request.query.decode("latin-1")
    return target == f"{request.raw_path}?{query}" or (not query and target == request.raw_path)


def _sent(text: str) -> bytes:
    return text.encode("latin-1")
