"""Authentication that signs each request (SEMANTICS 4.5): a secret is never sent, only what is made with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from naftiko.document.model.authentication import (
    AUTHENTICATIONS,
    Authentication,
    Secret,
    Unusable,
    Value,
    given,
)
from naftiko.document.suggest import fold

_SIGNED: Final = "signed"
_UNSIGNED: Final = "unsigned"


class AwsAuthentication(Authentication):
    """AWS Signature Version 4.

    Attributes:
        region: such as ``eu-west-1``; without it ``AWS_REGION`` or ``AWS_DEFAULT_REGION``.
        service: as signatures have it, such as ``execute-api`` or ``s3``.
        access_key_id: without it the keys are ``AWS_ACCESS_KEY_ID`` and ``AWS_SECRET_ACCESS_KEY``, and
            ``AWS_SESSION_TOKEN`` where it is set.
        placement: ``header`` (the default) or ``query``.
        payload: ``signed`` or ``unsigned``; without it a body is signed, unless it is passed on to S3 while it comes.
    """

    kind = "awssigv4"
    called = "an awsSigV4 authentication"
    spellings = ("sigv4", "aws", "awsv4", "awssignature", "awssignaturev4", "aws4hmacsha256")
    key_spellings = {  # noqa: RUF012  # a constant
        "region": "awsregion",
        "service": "servicename awsservice",
        "accessKeyId": "accesskey keyid awsaccesskeyid key",
        "secretAccessKey": "secretkey secret awssecretaccesskey",
        "sessionToken": "securitytoken token awssessiontoken",
        "placement": "in location",
        "payload": "payloadsigning",
    }

    type: str | None = "awsSigV4"
    region: Value = None
    service: Value = None
    access_key_id: Value = None
    secret_access_key: Secret = None
    session_token: Secret = None
    placement: str | None = None
    payload: str | None = None

    @property
    def placed(self) -> str:
        """Where the signature is placed."""
        return fold(self.placement or "header")

    @property
    def signs_payload(self) -> bool | None:
        """Whether the hash of the body is signed; ``None``: as is usual."""
        return None if self.payload is None else fold(self.payload) == _SIGNED

    def places(self) -> tuple[tuple[str, str], ...]:
        """The headers or the parameters of a signature."""
        if self.placed == "query":
            parts = ("Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Security-Token", "Signature")
            return tuple(("query", f"X-Amz-{part}") for part in parts)
        names = ("authorization", "x-amz-date", "x-amz-content-sha256", "x-amz-security-token")
        return tuple(("header", name) for name in names)

    def texts(self) -> dict[str, str]:
        """The keys, which are the usual variables where the file says none."""
        usual = {"access_key_id": "{{AWS_ACCESS_KEY_ID}}", "secret_access_key": "{{AWS_SECRET_ACCESS_KEY}}"}
        own = super().texts()
        return {**({} if usual.keys() & own.keys() else usual), **own}

    def fault(self) -> Unusable | None:
        """A placement or a payload that there is none of, too."""
        if self.placed not in {"header", "query"}:
            reason = f"places its signature in `{self.placement}`, which is neither header nor query"
            return Unusable("unknown-placement", reason, "placement")
        if self.payload is not None and fold(self.payload) not in {_SIGNED, _UNSIGNED}:
            reason = f"has `{self.payload}` for its `payload`, which is neither signed nor unsigned"
            return Unusable("incomplete-authentication", reason, "payload")
        return super().fault()

    def lacking(self) -> Iterator[str]:
        """The service, and half of a pair of keys."""
        if not given(self.service):
            yield "`service`"
        pair = {"`accessKeyId`": self.access_key_id, "`secretAccessKey`": self.secret_access_key}
        if any(text is not None for text in pair.values()):
            yield from (name for name, text in pair.items() if not given(text))


for _kind in (AwsAuthentication,):
    AUTHENTICATIONS.add(_kind, (_kind.kind, *_kind.spellings))
