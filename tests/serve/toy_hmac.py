"""A kind of authentication from outside of the package: an HMAC of a request's method, URL, own headers and body."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator

from naftiko.extend import Authentication, Credential, Draft, Proof, Secret, Value, register_authentication


class ToyAuthentication(Authentication):
    """Its keys, and what loading a file has to know of them."""

    kind = "toyhmac"
    spellings = ("toysignature",)
    called = "a toy authentication"
    key_spellings = {"keyId": "id", "secret": "hmackey"}  # noqa: RUF012  # a constant

    type: str | None = "toyhmac"
    key_id: Value = None
    secret: Secret = None

    def places(self) -> tuple[tuple[str, str], ...]:
        return (("header", "x-toy-key"), ("header", "x-toy-signature"))

    def lacking(self) -> Iterator[str]:
        if not self.key_id:
            yield "`keyId`"
        if not self.secret:
            yield "`secret`"


class ToyCredential(Credential):
    """What goes out."""

    is_signature = True

    async def prove(self, draft: Draft) -> Proof:
        body = await draft.content()
        own = sorted(name.lower() for name, _ in draft.sent_headers() if name.lower().startswith(("x-", "content-")))
        signed = f"{draft.method}\n{draft.full_url()}\n{own}\n".encode() + body
        signature = hmac.new(self._secret("secret").encode(), signed, hashlib.sha256).hexdigest()
        return Proof(headers=[("X-Toy-Key", self._secret("key_id")), ("X-Toy-Signature", signature)])


register_authentication(ToyAuthentication, ToyCredential)
