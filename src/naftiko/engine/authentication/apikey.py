"""An API key in a header, the query, a cookie, a field of the body or the path, or several in headers."""

from __future__ import annotations

from naftiko.document.model import ApiKeyAuthentication
from naftiko.engine.authentication.fixed import FixedCredential
from naftiko.plan.credentials import DEFAULT_HEADER, placement_of


class ApiKeyCredential(FixedCredential):
    """The key as it is: ``Authorization`` as a key's name gets the value without a scheme."""

    @property
    def _authentication(self) -> ApiKeyAuthentication:
        authentication = self._api.authentication
        if not isinstance(authentication, ApiKeyAuthentication):
            raise TypeError("an API key needs its authentication")
        return authentication

    async def headers(self, method: str, url: str) -> list[tuple[str, str]]:  # noqa: ARG002  # a credential's shape
        """Return the headers."""
        named = [(name, self._secret(f"headers.{name}")) for name in self._authentication.headers]
        return named + self._placed("header")

    async def query(self) -> list[tuple[str, str]]:
        """Return the parameter, where the key is placed in the query."""
        return self._placed("query")

    async def cookies(self) -> list[tuple[str, str]]:
        """Return the cookie, where the key is one."""
        return self._placed("cookie")

    async def fields(self) -> list[tuple[str, str]]:
        """Return the field, where the key is placed in the body."""
        return self._placed("body")

    def path(self) -> list[tuple[str, str]]:
        """Return the placeholder's value, where the key is placed in the path."""
        return self._placed("path")

    def _placed(self, place: str) -> list[tuple[str, str]]:
        if placement_of(self._authentication) != place or "value" not in self._api.secrets:
            return []
        return [(self._secret("key") or DEFAULT_HEADER, self._secret("value"))]
