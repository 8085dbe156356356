"""Authentication out: what each kind adds to a request (SEMANTICS 4.5). One module for each kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from naftiko.document.model import (
    AUTHENTICATIONS,
    ApiKeyAuthentication,
    Authentication,
    AwsAuthentication,
    BasicAuthentication,
    BearerAuthentication,
    CertificateAuthentication,
    CustomTokenAuthentication,
    DigestAuthentication,
    HmacAuthentication,
    OAuth1Authentication,
    OAuth2Authentication,
    SeveralAuthentication,
)
from naftiko.engine.authentication.apikey import ApiKeyCredential
from naftiko.engine.authentication.aws import AwsCredential
from naftiko.engine.authentication.basic import BasicCredential
from naftiko.engine.authentication.bearer import BearerCredential
from naftiko.engine.authentication.certificates import CertificateCredential
from naftiko.engine.authentication.custom_token import CustomTokenCredential
from naftiko.engine.authentication.digest import DigestCredential
from naftiko.engine.authentication.hmac_signatures import HmacCredential
from naftiko.engine.authentication.oauth1 import OAuth1Credential
from naftiko.engine.authentication.oauth2 import oauth2_credential
from naftiko.engine.authentication.scheme import Credential, Fetch, Means, Proof
from naftiko.engine.authentication.several import SeveralCredential

__all__ = ["MAKERS", "Credential", "Fetch", "Make", "Means", "Proof", "credential", "register"]

Make: TypeAlias = Callable[[Means], Credential]

MAKERS: Final[dict[type[Authentication], Make]] = {}


def register(model: type[Authentication], make: Make) -> None:
    """Add a kind of authentication to consumed APIs, for all capabilities that are loaded from now on.

    Args:
        model: its keys, what ``type`` is in a file, and what else it says of itself.
        make: makes the credential of an API that has it; a ``Credential`` class, or what chooses one.

    Raises:
        ValueError: a word of it means another kind.
    """
    AUTHENTICATIONS.add(model, (model.kind, *model.spellings))
    MAKERS[model] = make


register(ApiKeyAuthentication, ApiKeyCredential)
register(BasicAuthentication, BasicCredential)
register(BearerAuthentication, BearerCredential)
register(DigestAuthentication, DigestCredential)
register(OAuth2Authentication, oauth2_credential)
register(AwsAuthentication, AwsCredential)
register(OAuth1Authentication, OAuth1Credential)
register(HmacAuthentication, HmacCredential)
register(CustomTokenAuthentication, CustomTokenCredential)
register(CertificateAuthentication, CertificateCredential)


def credential(means: Means) -> Credential | None:
    """Return the credential for an API, or ``None`` where it has no authentication, or none that can be done."""
    authentication = means.api.authentication
    make = None if authentication is None else MAKERS.get(type(authentication))
    return None if make is None else make(means)


register(SeveralAuthentication, lambda means: SeveralCredential(means, credential))
