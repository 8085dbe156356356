"""OAuth 1 (RFC 5849): each request is signed with the secrets of the client and of its token, or with a private key.

A hash of the body goes along where the file says so (the extension OAuth Request Body Hash 1.0), which an API with
bodies other than forms can't do without: the specification itself signs no other body.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import unquote_plus, urlsplit

import httpx

from naftiko.document.model import OAuth1Authentication
from naftiko.engine.authentication.private_key import PrivateKey, private_key, version
from naftiko.engine.authentication.scheme import Credential, Means, Proof
from naftiko.engine.request import Draft
from naftiko.expression.text import quoted
from naftiko.ground import http
from naftiko.ground.media_types import FORM, bare

_PORTS: Final = {"http": 80, "https": 443}
_SIGNATURE: Final = "oauth_signature"


def base_string(method: str, url: str, parameters: Iterable[tuple[str, str]]) -> str:
    """Return what is signed of a request (RFC 5849 chapter 3.4.1).

    Args:
        method: the HTTP method.
        url: whole; its query is read as a form.
        parameters: those of the protocol, and those of a form in the body, decoded.
    """
    parts = urlsplit(url)
    port = "" if parts.port in {None, _PORTS.get(parts.scheme)} else f":{parts.port}"
    host = (parts.hostname or "").lower()
    address = f"{parts.scheme.lower()}://{f'[{host}]' if ':' in host else host}{port}{parts.path or '/'}"
    pairs = sorted((quoted(name), quoted(value)) for name, value in (*form_pairs(parts.query), *parameters))
    normal = "&".join(f"{name}={value}" for name, value in pairs)
    return "&".join(map(quoted, (method.upper(), address, normal)))


def form_pairs(text: str) -> list[tuple[str, str]]:
    """Return the pairs of a form, decoded; blank values too (RFC 5849 chapter 3.4.1.3.1)."""
    pairs = (pair.partition("=")[::2] for pair in text.split("&") if pair)
    return [(unquote_plus(name), unquote_plus(value)) for name, value in pairs]


class OAuth1Credential(Credential):
    """``Authorization: OAuth …``, or the same parameters in the query."""

    is_signature = True

    def __init__(self, means: Means) -> None:
        super().__init__(means)
        self._key: tuple[tuple[object, ...], PrivateKey] | None = None

    async def prove(self, draft: Draft) -> Proof:
        """Return the parameters of the protocol, signed."""
        kind = self._kind(OAuth1Authentication)
        method, digest = kind.method, kind.digest
        protocol = {
            "oauth_consumer_key": self._secret("consumer_key"),
            "oauth_nonce": secrets.token_hex(16),
            "oauth_signature_method": method,
            "oauth_timestamp": str(int(time.time())),
            "oauth_token": self._secret("token"),
            "oauth_version": "1.0",
        }
        protocol = {name: value for name, value in protocol.items() if value}
        form = await self._form(draft)
        if kind.body_hash and form is None:
            hashed = hashlib.new(digest or "sha1", await draft.content(), usedforsecurity=False).digest()
            protocol["oauth_body_hash"] = base64.b64encode(hashed).decode()
        text = base_string(draft.method, draft.full_url(), [*protocol.items(), *(form or ())])
        pairs = [*protocol.items(), (_SIGNATURE, self._signature(method, digest, text))]
        if kind.placed == "query":
            return Proof(query=pairs)
        realm = self._secret("realm")
        named = [f"realm={http.quoted(realm)}"] if realm else []
        named += [f'{name}="{quoted(text)}"' for name, text in pairs]
        return Proof(headers=[("Authorization", f"OAuth {', '.join(named)}")])

    def proofs(self, request: httpx.Request) -> Sequence[str]:
        """Return the signature; neither the time nor the names of the keys are secrets."""
        header = request.headers.get("Authorization", "").partition(f'{_SIGNATURE}="')[2].partition('"')[0]
        found = (unquote_plus(header), request.url.params.get(_SIGNATURE, ""))
        return [text for text in found if text]

    @staticmethod
    async def _form(draft: Draft) -> list[tuple[str, str]] | None:
        """Return the pairs of a form in the body, which are signed; ``None`` where it is no form."""
        kinds = [value for name, value in draft.sent_headers() if name.lower() == "content-type"]
        if bare(kinds[0] if kinds else "") != FORM:
            return None
        return form_pairs((await draft.content()).decode("utf-8", "replace"))

    def _signature(self, method: str, digest: str, text: str) -> str:
        if method.startswith("RSA"):
            return base64.b64encode(self._private_key().signed(text.encode(), digest)).decode()
        keys = f"{quoted(self._secret('consumer_secret'))}&{quoted(self._secret('token_secret'))}"
        if not digest:  # PLAINTEXT
            return keys
        return base64.b64encode(hmac.digest(keys.encode(), text.encode(), digest)).decode()

    def _private_key(self) -> PrivateKey:
        """Return the key; it is read once, and anew when its text is another."""
        text, password = self._secret("private_key"), self._secret("private_key_password")
        told = (*version(text), password)
        if self._key is None or self._key[0] != told:
            name = f"`privateKey` in the authentication of `{self._api.namespace}`"
            self._key = (told, private_key(name, text, password))
        return self._key[1]
