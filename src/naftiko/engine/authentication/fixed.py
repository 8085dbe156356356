"""What credentials that never change have in common: nothing to learn from a 401."""

from __future__ import annotations

import httpx

from naftiko.engine.authentication.contract import ScopedCredential


class FixedCredential(ScopedCredential):
    """A credential made of variables alone."""

    async def headers(self, method: str, url: str) -> list[tuple[str, str]]:  # noqa: ARG002  # a credential's shape
        """Return no headers."""
        return []

    async def retry(self, request: httpx.Request, response: httpx.Response) -> bool:  # noqa: ARG002  # a credential's shape
        """Never: the same credential would be refused again."""
        return False
