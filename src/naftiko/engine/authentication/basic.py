"""HTTP Basic (RFC 7617)."""

from __future__ import annotations

import base64

from naftiko.engine.authentication.scheme import Credential, Proof
from naftiko.engine.request import Draft


class BasicCredential(Credential):
    """``Authorization: Basic BASE64``."""

    is_fixed = True

    async def prove(self, draft: Draft) -> Proof:
        """Return the header; a ``token`` instead of a user is the encoded pair itself."""
        del draft
        username, password = self._secret("username"), self._secret("password")
        if not username and not password and "token" in self._api.secrets:
            token = self._secret("token")
            pair = base64.b64encode(token.encode()).decode() if ":" in token else token
        else:
            pair = base64.b64encode(f"{username}:{password}".encode()).decode()
        return Proof(headers=[("Authorization", f"Basic {pair}")])
