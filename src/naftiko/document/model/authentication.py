"""Authentication, of consumed APIs (ours to them) and of exposed adapters (callers to us)."""

from __future__ import annotations

from typing import Annotated, ClassVar, TypeAlias

from pydantic import Field

from naftiko.document.model.base import Choice, Model


class BasicAuthentication(Model):
    """HTTP Basic (RFC 7617)."""

    type: str = "basic"
    username: str | None = None
    password: str | None = None
    token: str | None = None


class BearerAuthentication(Model):
    """A bearer token (RFC 6750)."""

    type: str = "bearer"
    token: str | None = None


class ApiKeyAuthentication(Model):
    """An API key under a name, or several in ``headers``.

    Attributes:
        key: the name of the header, query parameter, cookie, body field or path placeholder.
        value: the key itself.
        placement: ``header`` (the default), ``query``, ``cookie``, ``body`` or ``path``; anything else is a mistake.
    """

    type: str = "apikey"
    key: str | None = None
    value: str | None = None
    placement: str | None = None
    headers: dict[str, str] = Field(default_factory=dict)


class DigestAuthentication(Model):
    """HTTP Digest (RFC 7616)."""

    type: str = "digest"
    username: str | None = None
    password: str | None = None


class OAuth2Authentication(Model):
    """OAuth 2: client credentials or a refresh token out (RFC 6749), a resource server in (RFC 6750, RFC 9728)."""

    type: str = "oauth2"
    authorization_server_uri: str | None = None
    resource: str | None = None
    scopes: tuple[str, ...] = ()
    audience: str | None = None
    token_endpoint: str | None = None
    token_validation: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    grant_type: str | None = None
    refresh_token: str | None = None
    token: str | None = None


class UnknownAuthentication(Model):
    """A kind that this runtime can't do, such as ``awsSigV4``, or none at all."""

    open_ended: ClassVar[bool] = True

    type: str | None = None
    region: str | None = None
    service: str | None = None


_BY_PLACEMENT = (
    *("header", "headers", "customheader", "query", "queryparam", "queryparameter", "querystring"),
    *("cookie", "body", "path"),
)
"""Types that say where an API key is placed."""

Authentication: TypeAlias = Annotated[
    BasicAuthentication
    | BearerAuthentication
    | ApiKeyAuthentication
    | DigestAuthentication
    | OAuth2Authentication
    | UnknownAuthentication,
    Choice(
        by="type",
        models={
            "basic": BasicAuthentication,
            "bearer": BearerAuthentication,
            "apikey": ApiKeyAuthentication,
            "digest": DigestAuthentication,
            "oauth2": OAuth2Authentication,
            **dict.fromkeys(_BY_PLACEMENT, ApiKeyAuthentication),
            **dict.fromkeys(("basicauth", "httpbasic"), BasicAuthentication),
            **dict.fromkeys(("bearertoken", "bearerauth", "httpbearer"), BearerAuthentication),
            **dict.fromkeys(("digestauth", "httpdigest"), DigestAuthentication),
            **dict.fromkeys(("apikeyauth",), ApiKeyAuthentication),
            **dict.fromkeys(("oauth", "oauth20", "oauth2clientcredentials"), OAuth2Authentication),
        },
        default=UnknownAuthentication,
        unknown=UnknownAuthentication,
    ),
]
