"""An OAuth 2 authorization server that signs real tokens: metadata, keys with rotation, tokens, introspection."""

from __future__ import annotations

import base64
import hmac
import secrets
import time
from collections.abc import Mapping
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qs, unquote_plus

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from starlette.responses import JSONResponse

from naftiko.ground.types import Json
from naftiko.testing.exchange import Answer, RecordedRequest
from naftiko.testing.upstream import StandInUpstream

PrivateKey: TypeAlias = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

_CURVES: Final[Mapping[str, type[ec.EllipticCurve]]] = {
    "ES256": ec.SECP256R1,
    "ES384": ec.SECP384R1,
    "ES512": ec.SECP521R1,
}
_NO_STORE: Final = {"cache-control": "no-store"}


class StandInIdentityProvider(StandInUpstream):
    """A ``StandInUpstream`` that is an authorization server; it may misbehave like any other.

    Its issuer is its ``url``. It serves RFC 8414 and OpenID Connect metadata, ``/jwks``, ``/token`` (the grant
    ``client_credentials``) and ``/introspect`` (RFC 7662).

        with StandInIdentityProvider(audience="https://api.example.com") as identity:
            token = identity.token(scope="orders:read")

    Args:
        audience: whom its tokens are meant for.
        scopes: what a client may ask for at ``/token``.
        client_id: its one client.
        client_secret: the client's secret.
        algorithm: what it signs with: RS256 and its kin, ES256 and its kin, EdDSA.
        host: the address to listen on.
        port: the port; 0 takes a free one.
    """

    def __init__(
        self,
        *,
        audience: str = "https://api.example.com",
        scopes: tuple[str, ...] = (),
        client_id: str = "stand-in-client",
        client_secret: str = "stand-in-secret",  # noqa: S107  # it opens a stand-in and nothing else
        algorithm: str = "RS256",
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        super().__init__(host=host, port=port)
        self.audience = audience
        self.scopes = scopes
        self.client_id = client_id
        self.client_secret = client_secret
        self.algorithm = algorithm
        self._keys: dict[str, PrivateKey] = {}
        self._revoked: set[str] = set()
        self._opaque: dict[str, dict[str, Any]] = {}
        self.rotate()
        for path in ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"):
            self.on("GET", path, lambda _: self._metadata())
        self.on("GET", "/jwks", lambda _: self._key_set())
        self.on("POST", "/token", self._give_token)
        self.on("POST", "/introspect", self._introspect)

    # Keys

    @property
    def kid(self) -> str:
        """The name of the key that signs now."""
        return next(reversed(self._keys))

    def rotate(self, *, keep_old: bool = False) -> str:
        """Sign with a new key from now on; without ``keep_old`` the published ones are withdrawn. Return its name."""
        kid = f"key-{secrets.token_hex(4)}"
        # One assignment: the server reads the keys in a thread of its own.
        self._keys = {**(self._keys if keep_old else {}), kid: _new_key(self.algorithm)}
        return kid

    # Tokens

    def claims(self, **claims: Any) -> dict[str, Any]:
        """Return the claims of a good token, with others in their place; ``None`` leaves one out."""
        now = int(time.time())
        usual = {"iss": self.url, "sub": "alice", "aud": self.audience, "iat": now, "exp": now + 300}
        return {name: value for name, value in {**usual, **claims}.items() if value is not None}

    def token(self, *, header: Mapping[str, Any] | None = None, **claims: Any) -> str:
        """Return a signed token.

        Args:
            header: members of its header, such as another ``kid``; ``None`` as a value leaves one out.
            claims: as for ``claims``.
        """
        members = {"kid": self.kid, **(header or {})}
        members = {name: value for name, value in members.items() if value is not None}
        return jwt.encode(self.claims(**claims), self._keys[self.kid], self.algorithm, headers=members)

    def opaque_token(self, **claims: Any) -> str:
        """Return a token that says nothing by itself; ``/introspect`` knows its claims."""
        token = secrets.token_urlsafe(24)
        self._opaque[token] = self.claims(**claims)
        return token

    def revoke(self, token: str) -> None:
        """Make ``/introspect`` call a token inactive."""
        self._revoked.add(token)

    # What it serves

    def _metadata(self) -> Json:
        return {
            "issuer": self.url,
            "jwks_uri": f"{self.url}/jwks",
            "token_endpoint": f"{self.url}/token",
            "introspection_endpoint": f"{self.url}/introspect",
            "grant_types_supported": ["client_credentials"],
            "response_types_supported": [],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "introspection_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "scopes_supported": list(self.scopes),
        }

    def _key_set(self) -> Json:
        by_name = jwt.get_algorithm_by_name(self.algorithm)
        keys: list[Json] = []
        for kid, key in self._keys.items():
            public: dict[str, Json] = by_name.to_jwk(key.public_key(), as_dict=True)
            keys.append({**public, "kid": kid, "use": "sig", "alg": self.algorithm})
        return {"keys": keys}

    def _give_token(self, request: RecordedRequest) -> Answer:
        form = _form(request)
        if not self._knows(request, form):
            return _refused_client()
        if form.get("grant_type") != "client_credentials":
            return JSONResponse({"error": "unsupported_grant_type"}, 400, _NO_STORE)
        wanted = form.get("scope", " ".join(self.scopes))
        if not set(wanted.split()) <= set(self.scopes):
            return JSONResponse({"error": "invalid_scope"}, 400, _NO_STORE)
        audience = form.get("resource") or form.get("audience") or self.audience
        token = self.token(sub=self.client_id, aud=audience, client_id=self.client_id, scope=wanted)
        given = {"access_token": token, "token_type": "Bearer", "expires_in": 300, "scope": wanted}
        return JSONResponse(given, headers=_NO_STORE)

    def _introspect(self, request: RecordedRequest) -> Answer:
        form = _form(request)
        if not self._knows(request, form):
            return _refused_client()
        claims = self._claims_of(form.get("token", ""))
        return JSONResponse({"active": False} if claims is None else {**claims, "active": True}, headers=_NO_STORE)

    def _claims_of(self, token: str) -> dict[str, Any] | None:
        """Return what an active token of ours says."""
        if token in self._revoked:
            return None
        if token in self._opaque:
            claims = self._opaque[token]
            return claims if claims.get("exp", time.time() + 1) > time.time() else None
        for key in self._keys.values():
            try:
                found: dict[str, Any] = jwt.decode(
                    token, key.public_key(), algorithms=[self.algorithm], options={"verify_aud": False}
                )
            except jwt.InvalidTokenError:
                continue
            return found
        return None

    def _knows(self, request: RecordedRequest, form: Mapping[str, str]) -> bool:
        """Tell whether the client is ours, by ``client_secret_basic`` or ``client_secret_post``."""
        scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
        name, secret = form.get("client_id", ""), form.get("client_secret", "")
        if scheme.lower() == "basic":
            try:
                pair = base64.b64decode(encoded, validate=True).decode()
            except ValueError:
                return False
            name, secret = (unquote_plus(part) for part in pair.partition(":")[::2])
        return name == self.client_id and hmac.compare_digest(secret.encode(), self.client_secret.encode())


def _new_key(algorithm: str) -> PrivateKey:
    if algorithm in _CURVES:
        return ec.generate_private_key(_CURVES[algorithm]())
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _form(request: RecordedRequest) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(request.text).items()}


def _refused_client() -> JSONResponse:
    return JSONResponse({"error": "invalid_client"}, 401, {**_NO_STORE, "www-authenticate": 'Basic realm="stand-in"'})
