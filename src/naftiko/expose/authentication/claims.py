"""What a token's claims must say (RFC 7519 chapter 4.1, RFC 9068 chapter 4)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeGuard

from naftiko.expose.authentication.failures import InvalidToken

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
