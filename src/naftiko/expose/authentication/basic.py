"""HTTP Basic (RFC 7617)."""

from __future__ import annotations

import base64
import binascii

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


class BasicGuard(SchemeGuard):
    """``Authorization: Basic BASE64``.

    User name and password are compared as one text: an unknown user and a wrong password can't be told apart.
    """

    async def _identify(self, request: Credentials) -> Principal:
        expected = self._pair()
        given = self._authorization(request, "Basic")
        try:
            pair = base64.b64decode(given, validate=True)
        except (binascii.Error, ValueError):
            raise self._denied("what follows Basic is not base64", "malformed-credentials") from None
        if not same_secret(pair, expected):
            raise self._denied("the user name or the password is wrong", "wrong-credentials")
        return Principal("basic", expected.partition(b":")[0].decode("utf-8", "replace"))

    def _challenges(self) -> Headers:
        return (challenge("Basic", {"realm": REALM, "charset": "UTF-8"}),)

    def _pair(self) -> bytes:
        """Return ``user:password``; a file may have the pair, plain or in base64, as its ``token``."""
        if "token" not in self._secrets or "username" in self._secrets:
            return self._expected("username") + b":" + self._expected("password")
        token = self._expected("token")
        if b":" not in token:
            try:
                token = base64.b64decode(token, validate=True)
            except (binascii.Error, ValueError):
                raise incomplete("username") from None
        user, _, password = token.partition(b":")
        if not user or not password:
            raise incomplete("password" if user else "username")
        return token
