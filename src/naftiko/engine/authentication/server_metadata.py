"""What an authorization server says about itself (RFC 8414, OpenID Connect Discovery 1.0)."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit, urlunsplit

import httpx

from naftiko.engine.authentication.scheme import Fetch
from naftiko.ground.errors import UpstreamBroken, UpstreamError
from naftiko.ground.types import Json

_OAUTH = "/.well-known/oauth-authorization-server"
_OPENID = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class ServerMetadata:
    """The part of it that a client with credentials needs.

    Attributes:
        token_endpoint: its URL.
        methods: how the token endpoint takes a client's credentials; none: the server doesn't say.
    """

    token_endpoint: str
    methods: frozenset[str] = frozenset()


def metadata_urls(issuer: str) -> list[str]:
    """Return where an issuer's metadata may be, in the order to ask.

    RFC 8414 chapter 3.1 inserts the well-known path before the issuer's own, OpenID Connect appends its own; some
    servers append both. A URL that is one of metadata already is the only one.
    """
    scheme, host, path, query, _ = urlsplit(issuer)
    if "/.well-known/" in path:
        return [issuer]
    path = path.rstrip("/")
    paths = (f"{_OAUTH}{path}", f"{path}{_OPENID}", f"{path}{_OAUTH}", f"{_OPENID}{path}")
    return [urlunsplit((scheme, host, each, query, "")) for each in dict.fromkeys(paths)]


async def discover(issuer: str, fetch: Fetch) -> ServerMetadata:
    """Return an authorization server's metadata.

    Args:
        issuer: the authorization server's URI.
        fetch: sends the requests, one after the other until one answers with metadata of this issuer.

    Raises:
        UpstreamError: none does; the text says what came instead.
    """
    said: list[str] = []
    for url in metadata_urls(issuer):
        response = await fetch(httpx.Request("GET", url, headers={"Accept": "application/json"}))
        if response.status_code != HTTPStatus.OK:
            said.append(f"{urlsplit(url).path} answered {response.status_code}")
            continue
        try:
            return _metadata(response, issuer)
        except UpstreamBroken as error:
            said.append(f"{urlsplit(url).path} {error.detail}")
    raise UpstreamError(
        f"the authorization server {urlsplit(issuer).netloc.rpartition('@')[2]} tells no token endpoint: "
        + "; ".join(said),
        hint="give the authentication a tokenEndpoint",
    )


def _metadata(response: httpx.Response, issuer: str) -> ServerMetadata:
    try:
        document: Json = response.json()
    except (ValueError, RecursionError):
        raise UpstreamBroken("is not JSON") from None
    if not isinstance(document, dict):
        raise UpstreamBroken("is no JSON object")
    named, endpoint = document.get("issuer"), document.get("token_endpoint")
    written_out = "/.well-known/" in issuer
    if isinstance(named, str) and not written_out and named.rstrip("/") != issuer.rstrip("/"):
        raise UpstreamBroken("is of another issuer")  # RFC 8414 chapter 3.3: it must not be used
    if not isinstance(endpoint, str) or not endpoint:
        raise UpstreamBroken("names no token_endpoint")
    if issuer.startswith("https:") and not endpoint.startswith("https:"):
        raise UpstreamBroken("names a token_endpoint without TLS")
    methods = document.get("token_endpoint_auth_methods_supported")
    names = methods if isinstance(methods, list) else []
    return ServerMetadata(endpoint, frozenset(name for name in names if isinstance(name, str)))
