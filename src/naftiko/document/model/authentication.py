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
    """An API key in a header or a query parameter, or several in ``headers``."""

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
    """OAuth 2: client credentials out (RFC 6749 chapter 4.4), a resource server in (RFC 6750, RFC 9728)."""

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
    token: str | None = None


class UnknownAuthentication(Model):
    """A scheme that this runtime doesn't know, such as ``awsSigV4``."""

    open_ended: ClassVar[bool] = True

    type: str | None = None
    region: str | None = None
    service: str | None = None


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
        },
        default=UnknownAuthentication,
        unknown=UnknownAuthentication,
    ),
]
