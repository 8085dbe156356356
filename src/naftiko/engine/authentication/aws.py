"""AWS Signature Version 4: the keys of a file or of the usual variables, and what of a body is signed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import httpx

from naftiko.document.model import AwsAuthentication
from naftiko.engine.authentication.scheme import Credential, Proof
from naftiko.engine.authentication.sigv4 import (
    ENCODED_ONCE,
    UNSIGNED_PAYLOAD,
    Asked,
    Signer,
    canonical_path,
    strict_pairs,
)
from naftiko.engine.request import Draft
from naftiko.expression.path import climbs
from naftiko.ground.errors import MissingVariable

REGIONS: Final = ("AWS_REGION", "AWS_DEFAULT_REGION")
SESSION_TOKEN: Final = "AWS_SESSION_TOKEN"  # noqa: S105  # a variable's name
EXPIRES: Final = 300
"""Seconds that a signature in the query holds: it is sent at once."""
_OWN: Final = ("x-amz-date", "x-amz-security-token")
_PROOFS: Final = ("x-amz-signature", "x-amz-security-token")


class AwsCredential(Credential):
    """``Authorization: AWS4-HMAC-SHA256 …`` with its headers, or the same in the query."""

    is_signature = True
    refusals = frozenset({400, 401, 403})
    """S3 says 400 of a session that has expired, and 403 of a key that it doesn't know; others say 403."""
    optional = (*REGIONS, SESSION_TOKEN)

    async def prove(self, draft: Draft) -> Proof:
        """Return the signature of the request."""
        kind = self._kind(AwsAuthentication)
        draft.query = strict_pairs("&".join(draft.query))
        draft.drop_headers(_OWN)
        signer = self._signer(kind)
        if signer.service in ENCODED_ONCE:
            self._unify(draft)
        url = draft.full_url()
        payload = await self._payload(draft, kind, signer.service, url)
        asked = Asked(draft.method, url, draft.sent_headers(), payload)
        if kind.placed == "query":
            return Proof(query=signer.query(asked, EXPIRES))
        return Proof(headers=signer.headers(asked))

    def proofs(self, request: httpx.Request) -> Sequence[str]:
        """Return the signature and the session's token; neither the time nor the hash of a body is a secret."""
        signature = request.headers.get("Authorization", "").rpartition("Signature=")[2]
        found = [signature, request.headers.get("X-Amz-Security-Token", "")]
        given = {name.lower(): value for name, value in request.url.params.items()}
        return [text for text in (*found, *(given.get(name, "") for name in _PROOFS)) if text]

    @staticmethod
    def _unify(draft: Draft) -> None:
        """Send the path of a key as it is signed: there are servers that sign what they get, and some what it means.

        A slash that was encoded is the slash of the key; one that would make a dot segment stays as it is.
        """
        path = canonical_path(draft.url, is_encoded_once=True)
        if not climbs(path):
            scheme, _, rest = draft.url.partition("://")
            draft.url = f"{scheme}://{rest.partition('/')[0]}{path}"

    def _signer(self, kind: AwsAuthentication) -> Signer:
        return Signer(
            region=self._secret("region") or self._region(),
            service=self._secret("service").lower(),
            key_id=self._secret("access_key_id"),
            secret=self._secret("secret_access_key"),
            token=self._token(kind),
            when=datetime.now(UTC),
        )

    def _token(self, kind: AwsAuthentication) -> str:
        """Return the token of the session: of the file, or of the variables where the keys are theirs too."""
        if kind.session_token is not None or kind.access_key_id is not None:
            return self._secret("session_token")
        token = self._scope.variables.get(SESSION_TOKEN) or ""
        if token:
            self._learn(token)
        return token

    def _region(self) -> str:
        found = next(filter(None, map(self._scope.variables.get, REGIONS)), "")
        if not found:
            raise MissingVariable(REGIONS[:1], hint=f"set {' or '.join(REGIONS)} in the environment of the server")
        return found

    @staticmethod
    async def _payload(draft: Draft, kind: AwsAuthentication, service: str, url: str) -> str:
        """Return what is signed of the body; one that is passed on is read first only where it has to be."""
        said = next((value for name, value in draft.headers if name.lower() == "x-amz-content-sha256"), "")
        if said:
            return said
        is_stored = service in ENCODED_ONCE
        if kind.signs_payload is False or (is_stored and kind.placed == "query"):
            return UNSIGNED_PAYLOAD
        if draft.streamed is not None and is_stored and kind.signs_payload is None and url.startswith("https:"):
            return UNSIGNED_PAYLOAD
        return hashlib.sha256(await draft.content()).hexdigest()
