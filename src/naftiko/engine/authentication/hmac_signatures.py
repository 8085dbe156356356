"""An HMAC of a text that the file makes of the request, sent in headers or parameters (RFC 2104)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final

import httpx

from naftiko.document.model import HmacAuthentication
from naftiko.document.model.hmac_signatures import ALGORITHMS, PLACEHOLDER
from naftiko.document.suggest import fold
from naftiko.engine.authentication.scheme import Credential, Proof
from naftiko.engine.request import Draft
from naftiko.ground.errors import UnusableVariable
from naftiko.observe.redaction import credential_text

_BODY: Final = ("{body}", "{bodyHash}", "{bodyHashBase64}")
_ENCODED: Final[Mapping[str, Callable[[bytes], str]]] = {
    "hex": bytes.hex,
    "base64": lambda data: base64.b64encode(data).decode(),
    "base64url": lambda data: base64.urlsafe_b64encode(data).rstrip(b"=").decode(),
}


class HmacCredential(Credential):
    """The headers and parameters of the file, with the signature in them."""

    is_signature = True

    async def prove(self, draft: Draft) -> Proof:
        """Return them; a body that is passed on is read first only where it is signed."""
        kind = self._kind(HmacAuthentication)
        template = kind.template or ""
        moment = self._moment()
        body = await draft.content() if any(name in template for name in _BODY) else b""
        digest = ALGORITHMS[fold(kind.algorithm or "sha256")]
        signed = _filled(template, {**moment, **_of_request(draft, body, digest)}, draft)
        made = hmac.digest(self._key(kind), signed, digest)
        sent = {**moment, "signature": _ENCODED[fold(kind.encoding or "hex")](made).encode()}
        return Proof(
            headers=[(name, _filled(text, sent).decode()) for name, text in kind.headers.items()],
            query=[(name, _filled(text, sent).decode()) for name, text in kind.query.items()],
        )

    def proofs(self, request: httpx.Request) -> Sequence[str]:
        """Return the values with the signature in them; times and names of keys are no secrets."""
        kind = self._kind(HmacAuthentication)
        found = [request.headers.get(name, "") for name, text in kind.headers.items() if "{signature}" in text]
        found += [request.url.params.get(name, "") for name, text in kind.query.items() if "{signature}" in text]
        return [credential_text(text) for text in found if text]

    def _key(self, kind: HmacAuthentication) -> bytes:
        text, encoding = self._secret("secret"), fold(kind.secret_encoding or "text")
        if encoding == "text":
            return text.encode()
        try:
            return bytes.fromhex(text) if encoding == "hex" else base64.b64decode(text, validate=True)
        except (ValueError, binascii.Error):
            name = f"`secret` in the authentication of `{self._api.namespace}`"
            raise UnusableVariable([name], f"is no {encoding}") from None

    def _moment(self) -> dict[str, bytes]:
        now = datetime.now(UTC)
        made = {
            "timestamp": str(int(now.timestamp())),
            "timestampMs": str(int(now.timestamp() * 1000)),
            "date": format_datetime(now, usegmt=True),
            "isoDate": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "nonce": secrets.token_hex(16),
            "keyId": self._secret("key_id"),
        }
        return {name: text.encode() for name, text in made.items()}


def _of_request(draft: Draft, body: bytes, digest: str) -> dict[str, bytes]:
    url = draft.full_url()
    address, _, query = url.partition("?")
    authority, _, path = address.partition("://")[2].partition("/")
    target = f"/{path}" + (f"?{query}" if query else "")
    hashed = hashlib.new(digest, body, usedforsecurity=False).digest()
    made = {"method": draft.method, "url": url, "host": authority, "path": f"/{path}", "query": query, "target": target}
    return {
        **{name: text.encode() for name, text in made.items()},
        "body": body,
        "bodyHash": hashed.hex().encode(),
        "bodyHashBase64": base64.b64encode(hashed),
    }


def _filled(text: str, values: Mapping[str, bytes], draft: Draft | None = None) -> bytes:
    """Return a text with its placeholders filled; ``header.NAME`` is what is sent under it, ``""`` for nothing."""

    def value(found: re.Match[bytes]) -> bytes:
        name = found[1].decode()
        if name in values or draft is None:
            return values.get(name, b"")
        wanted = name.partition(".")[2].lower()
        return ",".join(each for own, each in draft.sent_headers() if own.lower() == wanted).encode()

    return _PLACEHOLDER.sub(value, text.encode())


_PLACEHOLDER: Final = re.compile(PLACEHOLDER.pattern.encode())
