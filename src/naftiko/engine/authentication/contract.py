"""What every outbound scheme is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeAlias

import httpx

from naftiko.plan.credentials import is_secret_key
from naftiko.plan.scope import Scope, StandIn
from naftiko.plan.sendable import sendable
from naftiko.plan.text import as_text
from naftiko.plan.unit import ApiPlan

Learn: TypeAlias = Callable[[str], None]
"""Takes note of a secret, which is hidden from then on."""
Fetch: TypeAlias = Callable[[httpx.Request], Awaitable[httpx.Response]]
"""Sends a request through the API's transport and returns the answer, read; raises what ``transport.fetch`` does."""


class Credential(Protocol):
    """What a request carries to prove who we are."""

    async def headers(self, method: str, url: str) -> list[tuple[str, str]]:
        """Return the headers to add.

        Raises:
            MissingVariable: a variable of the credential has no value.
            UpstreamError: a token can't be had.
        """
        ...

    async def query(self) -> list[tuple[str, str]]:
        """Return the query parameters to add, not yet encoded."""
        ...

    async def cookies(self) -> list[tuple[str, str]]:
        """Return the cookies to add."""
        ...

    async def fields(self) -> list[tuple[str, str]]:
        """Return the fields to add to a body that is a JSON object or a form."""
        ...

    def path(self) -> list[tuple[str, str]]:
        """Return the values of placeholders, not yet encoded.

        Raises:
            MissingVariable: a variable of the credential has no value.
        """
        ...

    async def retry(self, request: httpx.Request, response: httpx.Response) -> bool:
        """After a 401: learn from it (a challenge, a stale token); return whether a second try makes sense.

        The second try asks ``headers`` and ``query`` anew.
        """
        ...


class ScopedCredential:
    """A credential made of the values of the authentication's keys."""

    def __init__(self, api: ApiPlan, scope: Scope, fetch: Fetch, learn: Learn) -> None:
        self._api = api
        self._scope = scope
        self._fetch = fetch
        self._learn = learn

    def _secret(self, key: str) -> str:
        """Return the value of one of the authentication's keys, ``""`` where the file has none.

        Raises:
            MissingVariable: a variable of it has no value.
            UnusableVariable: it holds a control character.
        """
        value = self._api.secrets.get(key)
        if value is None:
            return ""
        name = f"`{key}` in the authentication of `{self._api.namespace}`"
        text = sendable(name, as_text(value(self._scope)), one_line=True)
        if is_secret_key(key) and not isinstance(text, StandIn):
            self._learn(text)
        return text

    async def query(self) -> list[tuple[str, str]]:
        """Return no parameters."""
        return []

    async def cookies(self) -> list[tuple[str, str]]:
        """Return no cookies."""
        return []

    async def fields(self) -> list[tuple[str, str]]:
        """Return no fields."""
        return []

    def path(self) -> list[tuple[str, str]]:
        """Return no values."""
        return []
