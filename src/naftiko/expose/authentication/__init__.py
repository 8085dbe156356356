"""Authentication in: who may use an exposed adapter (SEMANTICS 2). One file for each scheme, named with its RFC."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from naftiko.document.model import (
    ApiKeyAuthentication,
    Authentication,
    BasicAuthentication,
    BearerAuthentication,
    DigestAuthentication,
    Model,
    OAuth2Authentication,
)
from naftiko.engine.authentication import Fetch
from naftiko.expose.authentication.apikey import ApiKeyGuard
from naftiko.expose.authentication.basic import BasicGuard
from naftiko.expose.authentication.bearer import BearerGuard
from naftiko.expose.authentication.digest import DigestGuard
from naftiko.expose.authentication.middleware import (
    PRINCIPAL,
    Authenticated,
    Render,
    ResourceMetadata,
    admit,
    refuse,
    tell_refused,
)
from naftiko.expose.authentication.scheme import Credentials, Guard, Principal, Refusal, problem
from naftiko.expose.authentication.unknown import ClosedGuard
from naftiko.expression.scope import Scope
from naftiko.expression.template import Value

if TYPE_CHECKING:
    from naftiko.engine.shared_state import SharedState

__all__ = [
    "PRINCIPAL",
    "SCHEMES",
    "Authenticated",
    "Credentials",
    "Guard",
    "Make",
    "Principal",
    "Refusal",
    "Render",
    "ResourceMetadata",
    "Setting",
    "admit",
    "guard",
    "problem",
    "refuse",
    "tell_refused",
]


@dataclass(frozen=True, slots=True)
class Setting:
    """What a guard is made of.

    Attributes:
        secrets: the values of the authentication's keys, compiled.
        scope: where variables are.
        resource_path: where the adapter is, if that isn't the path of OAuth 2's ``resource``.
        other_paths: where else it is.
        fetch: sends a request to an authorization server; ``None``: on a connection of its own.
        nonce_key: signs the nonces of Digest.
        shared: where the counts of nonces are known to other processes; ``None``: nowhere.
    """

    secrets: Mapping[str, Value]
    scope: Scope
    resource_path: str | None
    other_paths: tuple[str, ...]
    fetch: Fetch | None
    nonce_key: bytes | None
    shared: SharedState | None = None


Make: TypeAlias = Callable[[Authentication, Setting], Guard]


def _basic(_: Authentication, setting: Setting) -> Guard:
    return BasicGuard(setting.secrets, setting.scope)


def _bearer(_: Authentication, setting: Setting) -> Guard:
    return BearerGuard(setting.secrets, setting.scope)


def _api_key(authentication: Authentication, setting: Setting) -> Guard:
    return ApiKeyGuard(cast(ApiKeyAuthentication, authentication), setting.secrets, setting.scope)


def _digest(_: Authentication, setting: Setting) -> Guard:
    if setting.shared is None or setting.nonce_key is None:  # nobody else takes nonces of a key of this process
        return DigestGuard(setting.secrets, setting.scope, nonce_key=setting.nonce_key)
    from naftiko.expose.authentication.shared_nonces import SharedDigestGuard  # noqa: PLC0415  # only where it is shared

    return SharedDigestGuard(setting.secrets, setting.scope, nonce_key=setting.nonce_key, shared=setting.shared)


def _oauth2(authentication: Authentication, setting: Setting) -> Guard:
    from naftiko.expose.authentication import authorization_server, oauth2  # noqa: PLC0415  # PyJWT and OpenSSL: only who needs them waits for them

    return oauth2.OAuth2Guard(
        cast(OAuth2Authentication, authentication),
        setting.secrets,
        setting.scope,
        resource_path=setting.resource_path,
        other_paths=setting.other_paths,
        fetch=setting.fetch or authorization_server.send,
    )


SCHEMES: Final[Mapping[type[Model], Make]] = {
    ApiKeyAuthentication: _api_key,
    BasicAuthentication: _basic,
    BearerAuthentication: _bearer,
    DigestAuthentication: _digest,
    OAuth2Authentication: _oauth2,
}


def _shared_nonce_key() -> bytes | None:
    """Return the key that a supervisor gives its workers, so that each accepts the nonces of the others."""
    key = os.environ.get("NAFTIKO_NONCE_KEY")
    return key.encode() if key else None


def guard(
    authentication: Authentication | None,
    secrets: Mapping[str, Value],
    scope: Scope,
    *,
    resource_path: str | None = None,
    other_paths: tuple[str, ...] = (),
    fetch: Fetch | None = None,
    nonce_key: bytes | None = None,
    shared: SharedState | None = None,
) -> Guard | None:
    """Return the guard of an adapter; ``None`` only where the file asks for no authentication at all.

    A scheme that isn't known gets a guard that lets nobody in.

    Args:
        authentication: the adapter's, as the file declares it.
        secrets: the values of its keys, compiled.
        scope: where variables are; they are read at each request.
        resource_path: where the adapter is, such as ``/mcp``, if that isn't the path of OAuth 2's ``resource``.
        other_paths: where else the same adapter is, with a guard of its own; OAuth 2's ``resource`` may be one of
            these. Each path is a resource of its own (RFC 9728 chapter 3.3).
        fetch: sends a request to an authorization server; raises ``CallError`` or ``httpx.HTTPError``. By default each
            goes out on a connection of its own, with 5 seconds.
        nonce_key: signs the nonces of Digest: processes behind one address share it. By default a new one.
        shared: what its capability shares with other processes, or ``None``.
    """
    if authentication is None:
        return None
    make = SCHEMES.get(type(authentication))
    if isinstance(authentication, ApiKeyAuthentication) and authentication.placed not in authentication.by_callers:
        return ClosedGuard(f"apikey in {authentication.placement}")
    if make is None:
        return ClosedGuard(authentication.type)
    setting = Setting(secrets, scope, resource_path, other_paths, fetch, nonce_key or _shared_nonce_key(), shared)
    return make(authentication, setting)
