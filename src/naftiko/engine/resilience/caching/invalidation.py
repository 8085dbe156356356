"""What changes something makes what is stored of it old (RFC 9111 chapter 4.4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from urllib.parse import urljoin, urlsplit

import httpx

from naftiko.engine.resilience.caching.store import Store
from naftiko.engine.sending import Outgoing, Send
from naftiko.ground.http import SAFE_METHODS

_FIRST_ERROR = 400


def tag_of(url: str) -> str:
    """Return what the stored answers of a URL are forgotten by: it, whatever the query."""
    return url.partition("?")[0].partition("#")[0]


class Invalidating:
    """Sends requests; after one that may have changed something what is stored of its URL is forgotten."""

    def __init__(self, send: Send, stores: Callable[[], Iterable[Store]]) -> None:
        self._send = send
        self._stores = stores

    async def __call__(self, outgoing: Outgoing) -> httpx.Response:
        """Send a request."""
        if outgoing.draft.method in SAFE_METHODS:
            return await self._send(outgoing)
        response = await self._send(outgoing)
        if response.status_code < _FIRST_ERROR:
            changed = {tag_of(url) for url in _changed(outgoing.draft.url, response)}
            for store in self._stores():
                for tag in changed:
                    await store.forget(tag)
        return response


def _changed(url: str, response: httpx.Response) -> Iterable[str]:
    """Yield the URLs of which an answer says that they changed: those of the same origin alone."""
    yield url
    origin = urlsplit(url)[:2]
    for name in ("location", "content-location"):
        said = response.headers.get(name)
        if said is None:
            continue
        try:
            target = urljoin(url, said)
            is_own = urlsplit(target)[:2] == origin
        except ValueError:  # brackets that are no IPv6 address
            continue
        if is_own:
            yield target
