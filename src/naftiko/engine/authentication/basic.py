"""HTTP Basic (RFC 7617)."""

from __future__ import annotations

import base64

from naftiko.engine.authentication.fixed import FixedCredential


class BasicCredential(FixedCredential):
    """``Authorization: Basic BASE64``."""

    async def headers(self, method: str, url: str) -> list[tuple[str, str]]:  # noqa: ARG002  # a credential's shape
        """Return the header; a ``token`` instead of a user is the encoded pair itself."""
        username, password = self._secret("username"), self._secret("password")
        if not username and not password and "token" in self._api.secrets:
            token = self._secret("token")
            pair = base64.b64encode(token.encode()).decode() if ":" in token else token
        else:
            pair = base64.b64encode(f"{username}:{password}".encode()).decode()
        return [("Authorization", f"Basic {pair}")]
