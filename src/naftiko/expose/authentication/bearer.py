"""A bearer token that never changes (RFC 6750)."""

from __future__ import annotations

from naftiko.expose.authentication.scheme import (
    REALM,
    Credentials,
    Headers,
    Principal,
    SchemeGuard,
    challenge,
    incomplete,
    same_secret,
)

_SCHEME = b"bearer"


class BearerGuard(SchemeGuard):
    """``Authorization: Bearer TOKEN``."""

    async def _identify(self, request: Credentials) -> Principal:
        expected = self._token()
        if not same_secret(self._authorization(request, "Bearer"), expected):
            error = {"error": "invalid_token", "error_description": "The token is not valid"}
            header = challenge("Bearer", {"realm": REALM, **error})
            raise self._denied("the bearer token is wrong", "wrong-credentials", (header,))
        return Principal("bearer")

    def _challenges(self) -> Headers:
        return (challenge("Bearer", {"realm": REALM}),)

    def _token(self) -> bytes:
        """Return the token; one that is written with its scheme is meant without."""
        token = self._expected("token").strip()
        word, _, rest = token.partition(b" ")
        if word.lower() == _SCHEME:
            token = rest.strip()
        if not token:
            raise incomplete("token")
        return token
