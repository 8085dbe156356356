"""Nonces for HTTP Digest: signed, so that unused ones take no memory; counted once they are used (RFC 7616, 3.3)."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
import struct
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from naftiko.expose.authentication.shared_counts import SharedCounts, taken

_STAMP: Final = struct.Struct(">d")
_RANDOM: Final = 8
_SIGNATURE: Final = 16
_LENGTH: Final = _STAMP.size + _RANDOM + _SIGNATURE


@dataclass(slots=True)
class _Counts:
    """Which counts of a nonce were used: the highest, and a bit for each of the ``WINDOW`` up to it."""

    issued: float
    highest: int = 0
    seen: int = 0

    def take(self, count: int) -> bool:
        """Use a count; ``False`` where it is used already, or too old to know."""
        found = taken(self.highest, self.seen, count)
        if found is None:
            return False
        self.highest, self.seen = found
        return True


class Nonces:
    """Makes nonces and lets each of their counts be used once.

    Args:
        key: signs the nonces; processes that share it take one another's. By default a new one.
        clock: seconds, never going backwards.
        life: seconds that a nonce is good for.
        most: nonces in use that are remembered. Only who knows the password puts one there; where one has to be
            forgotten, all that are older than it are refused as stale.
        shared: where the counts are instead, if other processes take the same nonces.
    """

    def __init__(
        self,
        key: bytes | None,
        clock: Callable[[], float],
        *,
        life: float = 300.0,
        most: int = 4096,
        shared: SharedCounts | None = None,
    ) -> None:
        self._shared = shared
        self._key = key or secrets.token_bytes(32)
        self._clock = clock
        self._life = life
        self._most = most
        self._used: OrderedDict[str, _Counts] = OrderedDict()
        self._oldest_known = float("-inf")

    def issue(self) -> str:
        """Return a new nonce."""
        body = _STAMP.pack(self._clock()) + secrets.token_bytes(_RANDOM)
        return base64.urlsafe_b64encode(body + self._signature(body)).decode().rstrip("=")

    def use(self, nonce: str, count: int) -> bool:
        """Use a nonce's count; ``False`` where the nonce is not ours, too old, or the count was used before."""
        signature, issued = self._known(nonce)
        now = self._clock()
        if issued is None or now - issued > self._life or issued <= self._oldest_known or count < 1:
            return False
        if self._shared is not None:
            return self._shared.take(signature, issued, count, alive=now - self._life)
        counts = self._used.get(nonce)
        if counts is None:
            self._make_room()
            counts = self._used[nonce] = _Counts(issued)
        return counts.take(count)

    def _make_room(self) -> None:
        while self._used:
            nonce, counts = next(iter(self._used.items()))
            expired = self._clock() - counts.issued > self._life
            if not expired and len(self._used) < self._most:
                return
            del self._used[nonce]
            if not expired:
                self._oldest_known = max(self._oldest_known, counts.issued)

    def _known(self, nonce: str) -> tuple[bytes, float | None]:
        """Return a nonce's signature and when it was issued; ``None`` for the latter where it isn't ours."""
        try:
            raw = base64.urlsafe_b64decode(nonce + "=" * (-len(nonce) % 4))
        except (binascii.Error, ValueError):
            return b"", None
        body, signature = raw[:-_SIGNATURE], raw[-_SIGNATURE:]
        if len(raw) != _LENGTH or not hmac.compare_digest(signature, self._signature(body)):
            return b"", None
        # Decoding forgives: another spelling of the same bytes would be counted as another nonce.
        if base64.urlsafe_b64encode(raw).decode().rstrip("=") != nonce:
            return b"", None
        issued: float = _STAMP.unpack_from(body)[0]
        return signature, issued

    def _signature(self, body: bytes) -> bytes:
        return hmac.digest(self._key, body, "sha256")[:_SIGNATURE]
