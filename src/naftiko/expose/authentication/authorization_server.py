"""What an authorization server says about itself: its metadata (RFC 8414, OpenID Connect Discovery) and its keys."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

import httpx

from naftiko.engine import transport
from naftiko.engine.authentication import Fetch
from naftiko.engine.authentication.server_metadata import metadata_urls
from naftiko.expose.authentication.single_flight import RETRY_AFTER, Kept
from naftiko.expose.authentication.tokens import AuthorizationServerDown, KeySet
from naftiko.ground.errors import CallError
from naftiko.ground.types import Json

TIME_LIMIT: Final = 5.0
KEPT: Final = 300.0
"""Seconds that metadata and keys are kept."""
ROTATION: Final = 30.0
"""Seconds between two looks for a key that isn't there: anybody can send tokens of unknown keys."""
_LIMITS: Final = transport.Limits(
    connections=8, queue=TIME_LIMIT, connect=TIME_LIMIT, read=TIME_LIMIT, total=TIME_LIMIT, response_bytes=1 << 20
)


async def send(request: httpx.Request) -> httpx.Response:
    """Send a request to an authorization server, on a connection of its own, within 5 seconds and 1 MiB.

    Raises:
        UpstreamError: no answer.
    """
    pool = transport.Transport(_LIMITS)
    try:
        return await transport.fetch(pool, request, _LIMITS)
    finally:
        await pool.aclose()


class AuthorizationServer:
    """An authorization server, known by its issuer; what it says is kept for 5 minutes.

    Args:
        issuer: its URI.
        fetch: sends a request; raises ``CallError`` or ``httpx.HTTPError``.
        clock: seconds, never going backwards.
    """

    def __init__(self, issuer: str, fetch: Fetch, clock: Callable[[], float]) -> None:
        self.issuer = issuer
        self._fetch = fetch
        self._metadata: Kept[Mapping[str, Json]] = Kept(self._discover, life=KEPT, clock=clock)
        self._keys: Kept[KeySet] = Kept(self._ask_keys, life=KEPT, clock=clock)

    async def keys(self) -> KeySet:
        """Return its keys.

        Raises:
            AuthorizationServerDown: they can't be had.
        """
        return await self._keys.get()

    async def rotated_keys(self) -> KeySet:
        """Return its keys after a look whether there are new ones, at most every 30 seconds.

        Raises:
            AuthorizationServerDown: the last look failed.
        """
        return await self._keys.newer(no_more_than_every=ROTATION)

    async def endpoint(self, name: str) -> str:
        """Return a URL of its metadata, such as ``introspection_endpoint``.

        Raises:
            AuthorizationServerDown: it has none, or one without TLS where the issuer has TLS.
        """
        url = (await self._metadata.get()).get(name)
        if not self._is_usable(url):  # the server may have been put right since
            url = (await self._metadata.newer(no_more_than_every=RETRY_AFTER)).get(name)
        if not isinstance(url, str) or not self._is_usable(url):
            raise AuthorizationServerDown(
                f"the metadata of the authorization server names no {name}, or none with TLS as its issuer has"
            )
        return url

    def _is_usable(self, url: Json) -> bool:
        return isinstance(url, str) and _is_url(url) and (url.startswith("https:") or self.issuer.startswith("http:"))

    async def ask(self, request: httpx.Request, what: str) -> tuple[int, Mapping[str, Json] | None]:
        """Return the status of an answer, and its JSON object, if it is one.

        Raises:
            AuthorizationServerDown: no answer within 5 seconds.
        """
        try:
            async with asyncio.timeout(TIME_LIMIT):
                response = await self._fetch(request)
        except (CallError, httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise AuthorizationServerDown(f"the {what} of the authorization server can't be reached") from error
        try:
            document: Json = response.json()
        except (ValueError, RecursionError):
            document = None
        return response.status_code, document if isinstance(document, dict) else None

    async def _ask_keys(self) -> KeySet:
        url = await self.endpoint("jwks_uri")
        status, document = await self.ask(_get(url), "key set")
        if status != HTTPStatus.OK or document is None:
            raise AuthorizationServerDown(f"the key set of the authorization server can't be had: status {status}")
        return KeySet(document)

    async def _discover(self) -> Mapping[str, Json]:
        """Return the metadata at the first URL that has it; a server that can't be reached is not asked again."""
        if not _is_url(self.issuer):
            raise AuthorizationServerDown("the authorizationServerUri of this adapter is no http or https URL")
        said: list[str] = []
        for url in metadata_urls(self.issuer):
            status, document = await self.ask(_get(url), "metadata")
            if status == HTTPStatus.OK and document is not None and self._is_of_issuer(document):
                return document
            of_another = status == HTTPStatus.OK and document is not None
            said.append(f"{urlsplit(url).path} {'is of another issuer' if of_another else f'answered {status}'}")
        raise AuthorizationServerDown(f"the authorization server tells no metadata: {'; '.join(said)}")

    def _is_of_issuer(self, document: Mapping[str, Json]) -> bool:
        """RFC 8414 chapter 3.3: metadata of another issuer must not be used."""
        named = document.get("issuer")
        return not isinstance(named, str) or named.rstrip("/") == self.issuer.rstrip("/")


def _is_url(text: str) -> bool:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        return False
    return url.scheme in ("http", "https") and bool(url.host)


def _get(url: str) -> httpx.Request:
    return httpx.Request("GET", url, headers={"Accept": "application/json"})
