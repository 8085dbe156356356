"""Access tokens.

Signatures, keys and claims (RFC 7515, RFC 7517, RFC 7519, RFC 9068), and what can be wrong with them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, TypeGuard

import jwt

from naftiko.ground.types import Json


class InvalidToken(Exception):
    """A token that lets nobody in (RFC 6750 chapter 3.1).

    Attributes:
        description: why, for the caller; it holds nothing of the token.
    """

    def __init__(self, description: str) -> None:
        super().__init__(description)
        self.description = description


class AuthorizationServerDown(Exception):
    """The authorization server doesn't answer usefully: nobody knows whether the token is good.

    Attributes:
        detail: what it did, for the caller.
    """

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


LEEWAY: Final = 30
"""Seconds by which clocks may differ."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What is expected of a token.

    Attributes:
        issuer: the authorization server; a slash at the end makes no difference, here and in ``audiences``.
        audiences: whom the token must be meant for, one of them.
        whole: whether ``exp``, ``iss`` and ``aud`` must be there. A JWT must have them; an introspection answer may
            leave them out, since the authorization server judged them itself (RFC 7662 chapter 2.2).
        named_audience: whether the file names the audience itself; then an introspection answer must have it too.
    """

    issuer: str
    audiences: tuple[str, ...]
    whole: bool = True
    named_audience: bool = False


def check_claims(claims: Mapping[str, Any], expected: Expectation, now: float) -> None:
    """Check a token's time, issuer and audience.

    Args:
        claims: what the token says.
        expected: what it must say.
        now: seconds since 1970.

    Raises:
        InvalidToken: the first that doesn't fit.
    """
    expires = claims.get("exp")
    if not is_time(expires) and (expected.whole or expires is not None):
        raise InvalidToken("Token without an expiry time")
    if is_time(expires) and expires + LEEWAY <= now:
        raise InvalidToken("Token expired")
    starts = claims.get("nbf")
    if starts is not None and (not is_time(starts) or starts - LEEWAY > now):
        raise InvalidToken("Token not yet valid")
    issuer = claims.get("iss")
    if issuer is None and expected.whole:
        raise InvalidToken("Invalid issuer")
    if issuer is not None and (not isinstance(issuer, str) or issuer.rstrip("/") != expected.issuer.rstrip("/")):
        raise InvalidToken("Invalid issuer")
    if not _is_meant_for(claims.get("aud"), expected):
        raise InvalidToken("Invalid audience")


def is_time(value: Any) -> TypeGuard[float]:
    """Tell whether a claim is a NumericDate; infinite ones and NaN, which Python's JSON takes, are none."""
    return (isinstance(value, int) and not isinstance(value, bool)) or (
        isinstance(value, float) and math.isfinite(value)
    )


def granted_scopes(claims: Mapping[str, Any]) -> frozenset[str]:
    """Return the scopes of ``scope`` (text, RFC 9068) and ``scp`` (a list, or text, as some servers have it)."""
    granted: set[str] = set()
    for name in ("scope", "scp"):
        value = claims.get(name)
        if isinstance(value, str):
            granted.update(value.split())
        elif isinstance(value, list):
            granted.update(item for item in value if isinstance(item, str))
    return frozenset(granted)


def _is_meant_for(audience: Any, expected: Expectation) -> bool:
    if audience is None:
        return not expected.whole and not expected.named_audience
    named = audience if isinstance(audience, list) else [audience]
    # `https://a` and `https://a/` are one resource; which of them a client asks a token for depends on its URL parser.
    ours = {one.rstrip("/") for one in expected.audiences}
    return any(isinstance(one, str) and one.rstrip("/") in ours for one in named)


_ALGORITHMS: Final[Mapping[tuple[str, str], tuple[str, ...]]] = MappingProxyType(
    {
        ("RSA", ""): ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
        ("EC", "P-256"): ("ES256",),
        ("EC", "P-384"): ("ES384",),
        ("EC", "P-521"): ("ES512",),
        ("OKP", "Ed25519"): ("EdDSA",),
        ("OKP", "Ed448"): ("EdDSA",),
    }
)
"""What a key of a type and curve may sign with: nothing symmetric, and never ``none``."""
ALGORITHMS: Final = tuple(dict.fromkeys(name for names in _ALGORITHMS.values() for name in names))
_MOST_KEYS: Final = 100
_LONGEST: Final = 16 * 1024
_MALFORMED: Final = "Token validation failed"
_UNSIGNED: Final = "Signature verification failed"
_SIGNATURE_ONLY: Final[Any] = MappingProxyType(
    {
        "verify_signature": True,
        "enforce_minimum_key_length": True,
        **{f"verify_{claim}": False for claim in ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")},
    }
)
"""The claims are checked where those of introspected tokens are, so that both mean the same."""


class KeySet:
    """The keys that can verify; others (for encryption, symmetric, unknown) are passed over."""

    def __init__(self, document: Mapping[str, Json]) -> None:
        listed = document.get("keys")
        self._keys: list[tuple[str | None, dict[str, jwt.PyJWK]]] = []
        for key in (listed if isinstance(listed, list) else [])[:_MOST_KEYS]:
            if isinstance(key, dict) and (able := _able(key)):
                kid = key.get("kid")
                self._keys.append((kid if isinstance(kid, str) else None, able))

    def named(self, algorithm: str, kid: str | None) -> list[jwt.PyJWK]:
        """Return the keys that a token names; all that fit its algorithm where it names none."""
        return [able[algorithm] for name, able in self._keys if algorithm in able and kid in (None, name)]

    def unnamed(self, algorithm: str) -> list[jwt.PyJWK]:
        """Return the keys without a name."""
        return [able[algorithm] for name, able in self._keys if algorithm in able and name is None]


def _able(key: Mapping[str, Json]) -> dict[str, jwt.PyJWK]:
    """Return a key, ready for each algorithm that it may verify."""
    if key.get("use", "sig") != "sig":
        return {}
    kind, curve = key.get("kty"), key.get("crv")
    names = _ALGORITHMS.get((str(kind), "" if kind == "RSA" else str(curve)), ())
    able: dict[str, jwt.PyJWK] = {}
    for name in names:
        if key.get("alg", name) == name:
            try:
                able[name] = jwt.PyJWK(dict(key), name)
            except (jwt.PyJWTError, ValueError, TypeError, AttributeError):
                continue  # a broken key can't verify; the others can
    return able


def algorithm_and_kid(token: str) -> tuple[str, str | None]:
    """Return what an unverified token says it is signed with.

    Raises:
        InvalidToken: it is no JWT, or signed in a way that is not taken.
    """
    if len(token) > _LONGEST:
        raise InvalidToken(_MALFORMED)
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise InvalidToken(_MALFORMED) from None
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise InvalidToken(_UNSIGNED)
    return algorithm, kid if isinstance(kid, str) else None


def verified_claims(token: str, keys: Sequence[jwt.PyJWK]) -> dict[str, Any]:
    """Return a token's claims once one of the keys verifies its signature; the claims themselves are not checked.

    Raises:
        InvalidToken: none does.
    """
    for key in keys:
        try:
            return jwt.decode(token, key, algorithms=ALGORITHMS, options=_SIGNATURE_ONLY)
        except (jwt.InvalidSignatureError, jwt.InvalidAlgorithmError, jwt.InvalidKeyError):
            continue
        except (jwt.PyJWTError, ValueError, RecursionError):
            raise InvalidToken(_MALFORMED) from None
    raise InvalidToken(_UNSIGNED)
