"""An API key in a header or the query, or several in headers."""

from __future__ import annotations

from naftiko.document.model import ApiKeyAuthentication
from naftiko.engine.authentication.fixed import FixedCredential

_DEFAULT_KEY = "X-API-Key"


class ApiKeyCredential(FixedCredential):
    """The key as it is: ``Authorization`` as a key's name gets the value without a scheme."""

    @property
    def _authentication(self) -> ApiKeyAuthentication:
        authentication = self._api.authentication
        if not isinstance(authentication, ApiKeyAuthentication):
            raise TypeError("an API key needs its authentication")
        return authentication

    @property
    def _in_query(self) -> bool:
        return self._authentication.placement == "query"

    async def headers(self, method: str, url: str) -> list[tuple[str, str]]:  # noqa: ARG002  # a credential's shape
        """Return the headers."""
        named = [(name, self._secret(f"headers.{name}")) for name in self._authentication.headers]
        if "value" in self._api.secrets and not self._in_query:
            named.append((self._name(), self._secret("value")))
        return named

    async def query(self) -> list[tuple[str, str]]:
        """Return the parameter, where the key is placed in the query."""
        return [(self._name(), self._secret("value"))] if self._in_query else []

    def _name(self) -> str:
        return self._secret("key") or _DEFAULT_KEY
