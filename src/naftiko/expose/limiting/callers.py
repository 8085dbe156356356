"""Who a caller is to a limit: a short key, never the credential itself."""

from __future__ import annotations

import hashlib
import ipaddress
import json
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any, Final, TypeAlias

from naftiko.expose.authentication.middleware import PRINCIPAL
from naftiko.expose.authentication.scheme import Principal
from naftiko.observe.requests import request_now
from naftiko.plan.limits import CallerLimits

Scope: TypeAlias = "Mapping[str, Any]"
"""Of a request (ASGI); empty for a client on stdin, who is the only one."""
KeyOf: TypeAlias = Callable[[Scope], bytes]

_NETWORK_BYTES: Final = 8
"""Of an IPv6 address: a /64 is the least that one subscriber has (RFC 6177), so it is one caller."""
_DIGEST: Final = 16


def key_of(limits: CallerLimits) -> KeyOf:
    """Return what makes the key of a request's caller."""
    if limits.by == "address":
        return _address
    if limits.by == "caller":
        return _caller
    if limits.by == "claim":
        return partial(_claim, limits.name)
    return partial(_header, limits.name.encode("latin-1"))


def _address(scope: Scope) -> bytes:
    """Return the network of the other end, or of whoever a trusted proxy says it is."""
    client = scope.get("client")
    return _network(client[0]) if client else b"a"


@lru_cache(maxsize=4096)
def _network(address: str) -> bytes:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:  # a Unix socket has none
        return b"a"
    plain = getattr(found, "ipv4_mapped", None) or found
    return b"a" + (plain.packed if plain.version == 4 else plain.packed[:_NETWORK_BYTES])  # noqa: PLR2004  # of IP


def _caller(scope: Scope) -> bytes:
    """Return who authentication says it is, else whose client certificate was shown, else the address."""
    principal: Principal | None = scope.get(PRINCIPAL)
    if principal is not None:
        return _digest(b"p", f"{principal.scheme}\0{principal.subject or ''}".encode("utf-8", "surrogatepass"))
    record = request_now.get()
    if record is not None and record.certificate:
        return _digest(b"x", record.certificate.encode("utf-8", "surrogatepass"))
    return _address(scope)


def _claim(name: str, scope: Scope) -> bytes:
    """Return the value of a claim; a token without it is known by whose it is."""
    principal: Principal | None = scope.get(PRINCIPAL)
    value = None if principal is None else _found(principal.claims, name)
    if value is None:
        return _caller(scope)
    # Not orjson: a token may have numbers and texts that it refuses.
    return _digest(b"c", json.dumps(value, sort_keys=True, default=str).encode())


def _found(claims: Mapping[str, Any], name: str) -> Any:
    """Return a claim by its name, which may have dots in it, or by a path into it such as ``org.id``."""
    if name in claims:
        return claims[name]
    value: Any = claims
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _header(name: bytes, scope: Scope) -> bytes:
    """Return the value of a header; a request without it is known by its address."""
    values = [value for header, value in scope.get("headers", ()) if header.lower() == name]
    return _digest(b"h", b"\0".join(values)) if values else _address(scope)


def _digest(kind: bytes, value: bytes) -> bytes:
    return kind + hashlib.blake2b(value, digest_size=_DIGEST).digest()
