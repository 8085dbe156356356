"""A bearer token (RFC 6750)."""

from __future__ import annotations

from naftiko.engine.authentication.fixed import FixedCredential


class BearerCredential(FixedCredential):
    """``Authorization: Bearer TOKEN``."""

    async def headers(self, method: str, url: str) -> list[tuple[str, str]]:  # noqa: ARG002  # a credential's shape
        """Return the header; a token that already says its scheme is sent as it is."""
        token = self._secret("token").strip()
        scheme = token.partition(" ")[0].lower()
        return [("Authorization", token if " " in token and scheme == "bearer" else f"Bearer {token}")]
