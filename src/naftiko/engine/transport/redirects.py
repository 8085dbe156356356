"""Redirects: which are followed, and what is said of the others (SEMANTICS 4.7, RFC 9110, 15.4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import httpx

from naftiko.ground.http import READING

MAX_REDIRECTS: Final = 10

REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_AS_IT_IS: Final = frozenset({307, 308})
"""What asks for the very same request again, method and body; 301 and 302 leave open what becomes of a POST."""
_SHOWN: Final = 200
"""Characters of a target that are shown."""


def is_redirect(response: httpx.Response) -> bool:
    """Tell an answer that sends its caller elsewhere; 304 says that the caller has the answer already."""
    return response.is_redirect and response.status_code != httpx.codes.NOT_MODIFIED


def redirected(request: httpx.Request, response: httpx.Response) -> httpx.Request | None:
    """The request that follows ``response``, or ``None`` if it is no redirect or none to follow.

    Followed are redirects within the origin, and from http to https of the same host: another origin would be handed
    this one's credential. A body that was streamed is gone, and can't be sent again.
    """
    if response.status_code not in REDIRECTS:
        return None
    url = _target(request, _location(response))
    if url is None or not is_ours(request.url, url):
        return None
    headers = [
        (b"Host", url.netloc),
        *((name, value) for name, value in request.headers.raw if name.lower() != b"host"),
    ]
    if response.status_code == httpx.codes.SEE_OTHER:
        method = "HEAD" if request.method == "HEAD" else "GET"
        return httpx.Request(method, url, headers=_without_body(headers), extensions=request.extensions)
    if not _is_repeated(request, response) or not isinstance(request.stream, httpx.ByteStream):
        return None
    return httpx.Request(request.method, url, headers=headers, stream=request.stream, extensions=request.extensions)


def _is_repeated(request: httpx.Request, response: httpx.Response) -> bool:
    """Tell whether the redirect asks for the same request again, and not for one that nobody wrote."""
    return request.method in READING or response.status_code in _AS_IT_IS


@dataclass(frozen=True, slots=True)
class NotFollowed:
    """Why a redirect was not followed.

    Attributes:
        reason: completes "the upstream answered 302 …"; a target in it has neither its query nor a user.
        leaves: whether it leads to another origin, which a base URI can name.
    """

    reason: str
    leaves: bool = False


def not_followed(response: httpx.Response, redact: Callable[[str], str]) -> NotFollowed:
    """Say why a redirect is the last answer of ``fetch``.

    Args:
        response: the redirect.
        redact: hides what is secret in its target, before that is cut: half of a credential is not known for one.
    """
    request, location = response.request, _location(response)
    url = _target(request, location)
    if url is None:
        said = "a Location that is no URL" if response.headers.get("Location", "").strip() else "no Location"
        return NotFollowed(f"with {said}: it doesn't say where to go")
    shown = _target(request, redact(location))
    to = f"and redirects to {'***' if shown is None else _shown(shown)}"
    if url.scheme not in {"http", "https"} or not url.host:
        return NotFollowed(f"{to}, which is no http or https address")
    if not is_ours(request.url, url):
        downgrade = url.host == request.url.host and (request.url.scheme, url.scheme) == ("https", "http")
        return NotFollowed(f"{to}, {'which is not encrypted' if downgrade else 'another origin'}", leaves=True)
    if response.status_code not in REDIRECTS:
        return NotFollowed(f"{to}, which is not followed for this status")
    if not _is_repeated(request, response):
        return NotFollowed(f"to a {request.method} {to}, without saying that the {request.method} is to be sent there")
    return NotFollowed(f"{to}, but the body was passed on while it came, and is gone")


def _location(response: httpx.Response) -> str:
    """What a redirect says of where it leads; ``""`` where it says nothing, or two things."""
    named = set(response.headers.get_list("Location"))
    return named.pop().strip() if len(named) == 1 else ""


def _target(request: httpx.Request, location: str) -> httpx.URL | None:
    """Where a redirect leads, or ``None`` if that is nowhere, or no URL."""
    if not location:
        return None
    try:
        url = request.url.join(location)
        return url.copy_with(fragment=None, username=None, password=None)
    except (httpx.InvalidURL, ValueError, TypeError):
        return None


def is_ours(base: httpx.URL, url: httpx.URL) -> bool:
    """Tell the same scheme, host and port, or the same host with TLS on top; httpx leaves out the scheme's own port."""
    if (base.scheme, base.netloc) == (url.scheme, url.netloc):
        return True
    is_upgrade = (base.scheme, url.scheme) == ("http", "https") and base.port is url.port is None
    return is_upgrade and base.netloc == url.netloc


def _shown(url: httpx.URL) -> str:
    """A target as a caller may see it: a pre-signed URL has its credential in its query."""
    text = str(url.copy_with(query=None))
    text = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return f"{text}?…" if url.query else text


def _without_body(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers that do not describe a body (RFC 9110, 15.4: Content-* goes with the content)."""
    return [
        (name, value)
        for name, value in headers
        if not name.lower().startswith(b"content-") and name.lower() != b"transfer-encoding"
    ]
