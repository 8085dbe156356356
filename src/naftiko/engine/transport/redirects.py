"""Redirects that stay within the same origin (SEMANTICS 4.7, RFC 9110, 15.4)."""

from __future__ import annotations

from typing import Final

import httpx

MAX_REDIRECTS: Final = 5

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


def redirected(request: httpx.Request, response: httpx.Response) -> httpx.Request | None:
    """The request that follows ``response``, or ``None`` if it is no redirect or none to follow.

    Another origin would be handed this one's credential, so its redirect is an answer like any other. So is one that
    asks for a body again that was streamed and is gone.
    """
    if response.status_code not in _REDIRECTS or "Location" not in response.headers:
        return None
    try:
        url = request.url.join(response.headers["Location"]).copy_with(fragment=None, username=None, password=None)
    except (httpx.InvalidURL, ValueError):
        return None
    if _origin(url) != _origin(request.url):
        return None
    method = _method(request.method, response.status_code)
    if method != request.method:
        return httpx.Request(method, url, headers=_without_body(request.headers), extensions=request.extensions)
    if not isinstance(request.stream, httpx.ByteStream):
        return None
    return httpx.Request(method, url, headers=request.headers, stream=request.stream, extensions=request.extensions)


def _origin(url: httpx.URL) -> tuple[str, bytes]:
    """Scheme, host and port; httpx leaves out the scheme's own port."""
    return url.scheme, url.netloc


def _method(method: str, status: int) -> str:
    if status == httpx.codes.SEE_OTHER and method != "HEAD":
        return "GET"
    if status in {301, 302} and method == "POST":
        return "GET"
    return method


def _without_body(headers: httpx.Headers) -> list[tuple[bytes, bytes]]:
    """The headers that do not describe a body (RFC 9110, 15.4: Content-* goes with the content)."""
    return [
        (name, value)
        for name, value in headers.raw
        if not name.lower().startswith(b"content-") and name.lower() != b"transfer-encoding"
    ]
