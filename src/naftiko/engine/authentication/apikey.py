"""An API key in a header, the query, a cookie, a field of the body or the path, or several in headers."""

from __future__ import annotations

from naftiko.document.model import ApiKeyAuthentication
from naftiko.document.model.authentication import DEFAULT_HEADER
from naftiko.engine.authentication.scheme import Credential, Proof
from naftiko.engine.request import Draft


class ApiKeyCredential(Credential):
    """The key as it is: ``Authorization`` as a key's name gets the value without a scheme."""

    is_fixed = True

    @property
    def _authentication(self) -> ApiKeyAuthentication:
        return self._kind(ApiKeyAuthentication)

    async def prove(self, draft: Draft) -> Proof:
        """Return the key, where it is placed."""
        del draft
        named = [(name, self._secret(f"headers.{name}")) for name in self._authentication.headers]
        return Proof(
            headers=named + self._placed("header"),
            query=self._placed("query"),
            cookies=self._placed("cookie"),
            fields=self._placed("body"),
        )

    def path(self) -> list[tuple[str, str]]:
        """Return the placeholder's value, where the key is placed in the path."""
        return self._placed("path")

    def _placed(self, place: str) -> list[tuple[str, str]]:
        if self._authentication.placed != place or "value" not in self._api.secrets:
            return []
        return [(self._secret("key") or DEFAULT_HEADER, self._secret("value"))]
