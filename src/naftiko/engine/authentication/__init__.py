"""Authentication out: what each scheme adds to a request (SEMANTICS 4.5). One file for each scheme."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from naftiko.document.model import (
    ApiKeyAuthentication,
    BasicAuthentication,
    BearerAuthentication,
    DigestAuthentication,
    Model,
    OAuth2Authentication,
)
from naftiko.engine.authentication.apikey import ApiKeyCredential
from naftiko.engine.authentication.basic import BasicCredential
from naftiko.engine.authentication.bearer import BearerCredential
from naftiko.engine.authentication.contract import Credential, Fetch, Learn
from naftiko.engine.authentication.digest import DigestCredential
from naftiko.engine.authentication.oauth2 import oauth2_credential
from naftiko.plan.scope import Scope
from naftiko.plan.unit import ApiPlan

__all__ = ["SCHEMES", "Credential", "Fetch", "Make", "credential"]

Make: TypeAlias = Callable[[ApiPlan, Scope, Fetch, Learn], Credential]

SCHEMES: Final[Mapping[type[Model], Make]] = {
    ApiKeyAuthentication: ApiKeyCredential,
    BasicAuthentication: BasicCredential,
    BearerAuthentication: BearerCredential,
    DigestAuthentication: DigestCredential,
    OAuth2Authentication: oauth2_credential,
}


def credential(api: ApiPlan, scope: Scope, fetch: Fetch, learn: Learn = lambda _: None) -> Credential | None:
    """Return the credential for an API, or ``None`` where it has no authentication, or none that can be done.

    Args:
        api: the API, with the compiled values of its authentication's keys.
        scope: where variables are.
        fetch: sends what the scheme has to ask, such as a token endpoint.
        learn: told of each secret as it is used.
    """
    if api.authentication is None:
        return None
    make = SCHEMES.get(type(api.authentication))
    return None if make is None else make(api, scope, fetch, learn)
