"""Authentication that signs each request (SEMANTICS 4.5): a secret is never sent, only what is made with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from naftiko.document.model.authentication import (
    AUTHENTICATIONS,
    Authentication,
    Secret,
    SecretLines,
    Unusable,
    Value,
    Verbatim,
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
            return _misplaced(self.placement)
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


_METHODS: Final = {
    "hmacsha1": ("HMAC-SHA1", "sha1"),
    "hmacsha256": ("HMAC-SHA256", "sha256"),
    "hmacsha512": ("HMAC-SHA512", "sha512"),
    "rsasha1": ("RSA-SHA1", "sha1"),
    "rsasha256": ("RSA-SHA256", "sha256"),
    "rsasha512": ("RSA-SHA512", "sha512"),
    "plaintext": ("PLAINTEXT", ""),
}
"""What signs in OAuth 1, folded: as requests say it, and its hash."""


class OAuth1Authentication(Authentication):
    """OAuth 1 (RFC 5849), with what came after it: SHA-2, and a hash of the body.

    Attributes:
        signature_method: ``HMAC-SHA1`` (the default), ``HMAC-SHA256``, ``RSA-SHA256``, ``PLAINTEXT`` and their like.
        private_key: PEM text, or the path of a file of PEM or PKCS #12; of the methods of RSA.
        body_hash: whether ``oauth_body_hash`` goes along.
        placement: ``header`` (the default) or ``query``.
    """

    kind = "oauth1"
    called = "an oauth1 authentication"
    spellings = ("oauth1a", "oauth10", "oauth10a", "oauthv1", "rfc5849")
    key_spellings = {  # noqa: RUF012  # a constant
        "consumerKey": "clientid clientkey key oauthconsumerkey apikey",
        "consumerSecret": "clientsecret secret oauthconsumersecret apisecret",
        "token": "accesstoken oauthtoken tokenkey",
        "tokenSecret": "accesstokensecret oauthtokensecret",
        "signatureMethod": "signature method oauthsignaturemethod algorithm",
        "privateKey": "signingkey rsaprivatekey keyfile privatekeyfile keystore",
        "privateKeyPassword": "signingkeypassword keypassword keystorepassword passphrase",
        "bodyHash": "includebodyhash oauthbodyhash",
        "placement": "in location",
    }

    type: str | None = "oauth1"
    consumer_key: Value = None
    consumer_secret: Secret = None
    token: Value = None
    token_secret: Secret = None
    signature_method: str | None = None
    private_key: SecretLines = None
    private_key_password: Secret = None
    realm: Verbatim = None
    body_hash: bool = False
    placement: str | None = None

    @property
    def placed(self) -> str:
        """Where the parameters of the protocol are placed."""
        return fold(self.placement or "header")

    @property
    def method(self) -> str:
        """What signs, as requests say it; ``""`` for what isn't known."""
        return _METHODS.get(fold(self.signature_method or "HMAC-SHA1"), ("", ""))[0]

    @property
    def digest(self) -> str:
        """The hash of what signs; ``""`` for none."""
        return _METHODS.get(fold(self.signature_method or "HMAC-SHA1"), ("", ""))[1]

    def places(self) -> tuple[tuple[str, str], ...]:
        """The header, or the parameters."""
        if self.placed != "query":
            return super().places()
        names = ("consumer_key", "nonce", "signature_method", "timestamp", "token", "version", "body_hash", "signature")
        return tuple(("query", f"oauth_{name}") for name in names)

    def fault(self) -> Unusable | None:
        """A placement or a method that there is none of, too."""
        if self.placed not in {"header", "query"}:
            return _misplaced(self.placement)
        if not self.method:
            reason = f"has `{self.signature_method}` for its `signatureMethod`, which can't be done"
            return Unusable("unknown-authentication", reason, "signatureMethod")
        return super().fault()

    def lacking(self) -> Iterator[str]:
        """The client's name, and its secret or key."""
        if not given(self.consumer_key):
            yield "`consumerKey`"
        if self.method.startswith("RSA"):
            if not given(self.private_key):
                yield "`privateKey`"
        elif not given(self.consumer_secret):
            yield "`consumerSecret`"


def _misplaced(placement: str | None) -> Unusable:
    reason = f"places its signature in `{placement}`, which is neither header nor query"
    return Unusable("unknown-placement", reason, "placement")


for _kind in (AwsAuthentication, OAuth1Authentication):
    AUTHENTICATIONS.add(_kind, (_kind.kind, *_kind.spellings))
