"""An authorization server's keys (RFC 7517), and the signatures that they make (RFC 7515).

PyJWT verifies; it is there already, since the MCP SDK stands on it. Its own client for key sets blocks a thread and
looks for unknown keys as often as anybody asks, so keys are fetched here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import jwt

from naftiko.expose.authentication.failures import InvalidToken
from naftiko.types import Json

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
