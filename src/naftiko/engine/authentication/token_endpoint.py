"""Ask a token endpoint for an access token, with a client's credentials or a refresh token (RFC 6749, 4.4 and 6)."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final
from urllib.parse import quote_plus, urlencode

import httpx

from naftiko.engine.authentication.access_token import AccessToken
from naftiko.engine.authentication.scheme import Fetch
from naftiko.engine.authentication.server_metadata import ServerMetadata
from naftiko.engine.transport.redirects import is_redirect, not_followed
from naftiko.ground.errors import UpstreamBroken, UpstreamError, UpstreamRefused
from naftiko.ground.types import Json
from naftiko.observe.redaction import Redactor

BASIC: Final = "client_secret_basic"
POST: Final = "client_secret_post"
_LONGEST_LIFE: Final = 365 * 24 * 3600.0
_ERROR_CODE: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_HINTS: Final = {
    "invalid_client": "check the client id and secret",
    "invalid_grant": "the refresh token has expired, was revoked or was used already: give a new one",
    "unauthorized_client": "allow the client the grant",
    "invalid_scope": "check the scopes of the authentication",
    "invalid_target": "check the resource or audience of the authentication",
    "unsupported_grant_type": "this server gives no token for this grant",
}


@dataclass(frozen=True, slots=True)
class OAuth2Client:
    """Who asks; a public client has no secret."""

    id: str
    secret: str = field(repr=False)


async def request_token(
    server: ServerMetadata, client: OAuth2Client, grant: Mapping[str, str], fetch: Fetch
) -> tuple[AccessToken, str]:
    """Return a token, and the method by which the client proved itself.

    That is ``client_secret_basic``, unless the server says that it takes ``client_secret_post`` only, or there is no
    secret. To a server that says nothing and doesn't know the client, the second is tried after the first: many take
    nothing else.

    Args:
        server: the endpoint, and what it says about methods.
        client: who asks.
        grant: ``grant_type`` with what it takes, and of ``scope``, ``audience`` and ``resource`` (RFC 8707) those that
            are given.
        fetch: sends the request.

    Raises:
        UpstreamError: no token; the text names the endpoint's host and the error code, never a secret.
    """
    method = POST if not client.secret or (POST in server.methods and BASIC not in server.methods) else BASIC
    response = await _ask(server.token_endpoint, client, grant, method, fetch)
    if not server.methods and method == BASIC and _error_code(response, client) == "invalid_client":
        method = POST
        response = await _ask(server.token_endpoint, client, grant, method, fetch)
    return _token(response, client), method


async def _ask(
    endpoint: str, client: OAuth2Client, grant: Mapping[str, str], method: str, fetch: Fetch
) -> httpx.Response:
    form = dict(grant)
    headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
    if method == POST:
        form["client_id"] = client.id
        if client.secret:
            form["client_secret"] = client.secret
    else:  # RFC 6749 chapter 2.3.1: both are form-encoded before they are joined
        pair = f"{quote_plus(client.id)}:{quote_plus(client.secret)}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return await fetch(httpx.Request("POST", endpoint, headers=headers, content=urlencode(form).encode()))


def _token(response: httpx.Response, client: OAuth2Client) -> AccessToken:
    host = response.request.url.netloc.decode("ascii", "replace")
    if response.status_code != HTTPStatus.OK:
        raise _failure(response, host, client)
    document = _document(response)
    value = document.get("access_token")
    if not isinstance(value, str) or not value or not _sendable(value):
        raise UpstreamBroken(f"the token endpoint of {host} answered 200 without an access token")
    kind = document.get("token_type", "Bearer")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise UpstreamBroken(f"the token endpoint of {host} gave a token that is no bearer token")
    refresh = document.get("refresh_token")
    return AccessToken(value, life_of(document.get("expires_in")), refresh if isinstance(refresh, str) else "")


def _failure(response: httpx.Response, host: str, client: OAuth2Client) -> UpstreamError:
    code = _error_code(response, client)
    detail = f"the token endpoint of {host} answered {response.status_code} {code}".rstrip()
    hint = _HINTS.get(code, "")
    if is_redirect(response):
        told = not_followed(response, _redactor(client).redact)
        detail, hint = f"{detail} {told.reason}", "correct the tokenEndpoint of the authentication"
    error = UpstreamRefused(detail, hint=hint) if code == "invalid_client" else UpstreamError(detail, hint=hint)
    retry_after = response.headers.get("retry-after", "")
    error.retry_after = float(retry_after) if retry_after.isdecimal() else None
    return error


def _redactor(client: OAuth2Client) -> Redactor:
    found = Redactor()
    if client.secret:
        found.learn_credential(client.secret)
    return found


def _error_code(response: httpx.Response, client: OAuth2Client) -> str:
    """Return the OAuth error code (RFC 6749 chapter 5.2), or ``""``; descriptions may quote what was sent."""
    if response.status_code == HTTPStatus.OK:
        return ""
    code = _document(response).get("error")
    if not isinstance(code, str) or not _ERROR_CODE.fullmatch(code) or (client.secret and client.secret in code):
        return ""
    return code


def _document(response: httpx.Response) -> dict[str, Json]:
    try:
        document: Json = response.json()
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _sendable(token: str) -> bool:
    return token.isascii() and token.isprintable() and " " not in token


def life_of(expires_in: Json) -> float | None:
    """Return ``expires_in``, which some servers write as text, as seconds."""
    if isinstance(expires_in, bool) or not isinstance(expires_in, int | float | str):
        return None
    try:
        life = float(expires_in)
    except (ValueError, OverflowError):
        return None
    return min(max(life, 0.0), _LONGEST_LIFE) if math.isfinite(life) else None
