"""Tokens that are JWTs, verified with the authorization server's keys (RFC 9068)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from naftiko.expose.authentication.authorization_server import AuthorizationServer
from naftiko.expose.authentication.keys import algorithm_and_kid, verified_claims


class SignedTokens:
    """The tokens of an authorization server that publishes its keys."""

    def __init__(self, server: AuthorizationServer) -> None:
        self._server = server

    async def claims(self, token: str, address: str = "") -> Mapping[str, Any]:
        """Return the claims of a token that one of the server's keys signed; a key that isn't there may be a new one.

        Raises:
            InvalidToken: none did.
            AuthorizationServerDown: the keys can't be had.
        """
        del address
        algorithm, kid = algorithm_and_kid(token)
        keys = (await self._server.keys()).named(algorithm, kid)
        if not keys:
            rotated = await self._server.rotated_keys()
            keys = rotated.named(algorithm, kid) or rotated.unnamed(algorithm)
        return verified_claims(token, keys)
