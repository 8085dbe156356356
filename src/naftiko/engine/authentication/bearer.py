"""A bearer token (RFC 6750)."""

from __future__ import annotations

from naftiko.engine.authentication.scheme import Credential, Proof
from naftiko.engine.request import Draft


class BearerCredential(Credential):
    """``Authorization: Bearer TOKEN``."""

    is_fixed = True

    async def prove(self, draft: Draft) -> Proof:
        """Return the header; a token that already says its scheme is sent as it is."""
        del draft
        token = self._secret("token").strip()
        scheme = token.partition(" ")[0].lower()
        return Proof(headers=[("Authorization", token if " " in token and scheme == "bearer" else f"Bearer {token}")])
