"""AWS Signature Version 4, as arithmetic: a request, keys and a time in, what is added to the request out.

What is signed is what goes on the wire: the path as it is encoded there, the query in its strict encoding. S3 reads the
path decoded, so that it is encoded once; every other service encodes again what came encoded, and takes out its dots.
"""

from __future__ import annotations

import hashlib
import hmac
import posixpath
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from urllib.parse import quote, unquote_plus, unquote_to_bytes

import httpx

ALGORITHM: Final = "AWS4-HMAC-SHA256"
UNSIGNED_PAYLOAD: Final = "UNSIGNED-PAYLOAD"
_UNRESERVED: Final = "-_.~"
_DEFAULT_PORTS: Final = frozenset({("http", 80), ("https", 443)})
ENCODED_ONCE: Final = frozenset({"s3", "s3-object-lambda", "s3-outposts", "s3express"})
"""Services whose keys are paths, dots and all."""
HASH_SENT: Final = ENCODED_ONCE | {"glacier", "aoss", "vpc-lattice-svcs"}
"""Services that want the hash of the body as a header, ``x-amz-content-sha256``."""
_UNSIGNED: Final = frozenset(
    {
        *("accept-encoding", "authorization", "baggage", "connection", "content-length", "expect", "te"),
        *("traceparent", "tracestate", "transfer-encoding", "user-agent", "x-amzn-trace-id"),
    }
)
"""Headers that somebody on the way may change, or that are made after the signature."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it is sent.

    Attributes:
        url: whole, encoded.
        headers: names and values, without ``Host``.
        payload: the SHA-256 of the body in hex, or ``UNSIGNED-PAYLOAD``.
    """

    method: str
    url: str
    headers: Sequence[tuple[str, str]]
    payload: str


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs requests to one service in one region, with one key.

    Attributes:
        token: of temporary credentials; ``""``: there is none.
        when: in UTC; a request is taken for a quarter of an hour around it.
    """

    region: str
    service: str
    key_id: str
    secret: str = field(repr=False)
    token: str = field(repr=False)
    when: datetime

    @property
    def _stamp(self) -> str:
        return self.when.strftime("%Y%m%dT%H%M%SZ")

    @property
    def _credential(self) -> str:
        return f"{self._stamp[:8]}/{self.region}/{self.service}/aws4_request"

    def headers(self, asked: Asked) -> list[tuple[str, str]]:
        """Return the headers of a signature in ``Authorization``."""
        added = [("X-Amz-Date", self._stamp)]
        if self.token:
            added.append(("X-Amz-Security-Token", self.token))
        if self.service in HASH_SENT or asked.payload == UNSIGNED_PAYLOAD:
            added.append(("X-Amz-Content-SHA256", asked.payload))
        there = {name.lower() for name, _ in asked.headers}
        added = [(name, value) for name, value in added if name.lower() not in there]
        names, lines = _canonical_headers(asked.url, [*asked.headers, *added])
        signature = self._signature(asked, canonical_query(asked.url), names, lines)
        parts = f"Credential={self.key_id}/{self._credential}, SignedHeaders={names}, Signature={signature}"
        return [*added, ("Authorization", f"{ALGORITHM} {parts}")]

    def query(self, asked: Asked, expires: int) -> list[tuple[str, str]]:
        """Return the parameters of a signature in the query, which holds for ``expires`` seconds."""
        names, lines = _canonical_headers(asked.url, asked.headers)
        added = [
            ("X-Amz-Algorithm", ALGORITHM),
            ("X-Amz-Credential", f"{self.key_id}/{self._credential}"),
            ("X-Amz-Date", self._stamp),
            ("X-Amz-Expires", str(expires)),
            ("X-Amz-SignedHeaders", names),
        ]
        if self.token:
            added.append(("X-Amz-Security-Token", self.token))
        signature = self._signature(asked, canonical_query(asked.url, added), names, lines)
        return [*added, ("X-Amz-Signature", signature)]

    def _signature(self, asked: Asked, query: str, names: str, lines: str) -> str:
        path = canonical_path(asked.url, is_encoded_once=self.service in ENCODED_ONCE)
        canonical = f"{asked.method}\n{path}\n{query}\n{lines}\n{names}\n{asked.payload}"
        hashed = hashlib.sha256(canonical.encode()).hexdigest()
        signed = f"{ALGORITHM}\n{self._stamp}\n{self._credential}\n{hashed}"
        key = f"AWS4{self.secret}".encode()
        for part in self._credential.split("/"):
            key = _hmac(key, part)
        return _hmac(key, signed).hex()


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")


def canonical_path(url: str, *, is_encoded_once: bool) -> str:
    """Return the path of a URL as it is signed."""
    path = f"/{url.partition('?')[0].partition('://')[2].partition('/')[2]}"
    if is_encoded_once:
        return quote(unquote_to_bytes(path), safe=f"/{_UNRESERVED}")
    normal = posixpath.normpath(path).replace("//", "/")  # two slashes at the start are kept by normpath
    if path.endswith("/") and normal != "/":
        normal += "/"
    return quote(normal, safe=f"/{_UNRESERVED}")


def strict_pairs(query: str) -> list[str]:
    """Return the pairs of a query in the one encoding that is signed (RFC 3986, 2.3): what is sent is what is signed.

    A ``+`` is the blank that servers read it as.
    """
    return [_strict(*pair.partition("=")[::2]) for pair in query.split("&") if pair]


def _strict(*texts: str) -> str:
    """Encode a name and its value anew; bytes that are no UTF-8 stay as they are."""
    decoded = (unquote_plus(text, errors="surrogateescape") for text in texts)
    return "=".join(quote(text, safe=_UNRESERVED, errors="surrogateescape") for text in decoded)


def canonical_query(url: str, added: Iterable[tuple[str, str]] = ()) -> str:
    """Return the query of a URL, with what is added to it, as it is signed: sorted by name, then by value."""
    own = (pair.partition("=")[::2] for pair in strict_pairs(url.partition("?")[2]))
    more = ((quote(name, safe=_UNRESERVED), quote(value, safe=_UNRESERVED)) for name, value in added)
    return "&".join(f"{name}={value}" for name, value in sorted([*own, *more]))


def _canonical_headers(url: str, headers: Iterable[tuple[str, str]]) -> tuple[str, str]:
    """Return the names of the headers that are signed, and their lines with a line end after each."""
    found: dict[str, list[str]] = {"host": [host_of(url)]}
    for name, value in headers:
        if name.lower() not in _UNSIGNED:
            found.setdefault(name.lower(), []).append(" ".join(value.split()))
    lines = "".join(f"{name}:{','.join(found[name])}\n" for name in sorted(found))
    return ";".join(sorted(found)), lines


def host_of(url: str) -> str:
    """Return the ``Host`` of a URL, as it is sent."""
    parsed = httpx.URL(url)
    host = parsed.raw_host.decode("ascii")
    port = parsed.port
    host = f"[{host}]" if ":" in host else host
    return host if port is None or (parsed.scheme, port) in _DEFAULT_PORTS else f"{host}:{port}"
