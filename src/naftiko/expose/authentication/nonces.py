"""Nonces for HTTP Digest.

Signed, so that unused ones take no memory; counted in memory that processes share (RFC 7616, 3.3).
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hmac
import mmap
import os
import secrets
import struct
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

try:
    import fcntl
except ImportError:  # there are no workers where there is no fork
    fcntl = None  # type: ignore[assignment]

WINDOW: Final = 128
"""How far a request may be overtaken by later ones of the same nonce, on other connections."""
_HEAD: Final = struct.Struct("=d")
_SLOT: Final = struct.Struct("=16sdQ16s")
"""A nonce, when it was issued (0 where the slot is free), its highest count, and a bit for each count up to that."""
_WAYS: Final = 8
_BUCKETS: Final = 2048
_SIZE: Final = _HEAD.size + _SLOT.size * _WAYS * _BUCKETS


def taken(highest: int, seen: int, count: int) -> tuple[int, int] | None:
    """Return the highest count and the bits once a count is taken; ``None`` where it was, or is too old to know."""
    if count > highest:
        ahead = count - highest
        return count, 1 if ahead >= WINDOW else ((seen << ahead) | 1) & ((1 << WINDOW) - 1)
    behind = highest - count
    if behind >= WINDOW or seen >> behind & 1:
        return None
    return highest, seen | 1 << behind


class SharedCounts:
    """A table of nonces in use, made before the processes that share it are forked; 16,384 nonces in 800 KB.

    Each nonce has 8 places where it may be. Where all are taken the oldest is forgotten, and every nonce that is older
    than it is refused from then on: its client answers a new one. Only who knows the password puts one there.
    """

    def __init__(self) -> None:
        self._file = _file()
        os.ftruncate(self._file, _SIZE)
        self._memory = mmap.mmap(self._file, _SIZE)

    def close(self) -> None:
        """Leave the table to the others."""
        self._memory.close()
        os.close(self._file)

    def take(self, nonce: bytes, issued: float, count: int, *, alive: float) -> bool:
        """Use a nonce's count; ``False`` where it was used before, by whichever process.

        Args:
            nonce: 16 bytes that no other nonce has.
            issued: when it was, by the machine's monotonic clock.
            count: from 1 to 2³² - 1.
            alive: nonces that were issued before are over.
        """
        with self._locked():
            (forgotten,) = _HEAD.unpack_from(self._memory)
            if issued <= forgotten:
                return False
            first = _HEAD.size + int.from_bytes(nonce[:4], "big") % _BUCKETS * _WAYS * _SLOT.size
            places = [first + at * _SLOT.size for at in range(_WAYS)]
            known = [_SLOT.unpack_from(self._memory, place) for place in places]
            at = next((at for at, slot in enumerate(known) if slot[0] == nonce and slot[1]), -1)
            if at < 0:
                at = min(range(_WAYS), key=lambda one: known[one][1])
                if known[at][1] >= alive:
                    _HEAD.pack_into(self._memory, 0, max(forgotten, known[at][1]))
                known[at] = (nonce, issued, 0, bytes(16))
            found = taken(known[at][2], int.from_bytes(known[at][3], "big"), count)
            if found is not None:
                _SLOT.pack_into(self._memory, places[at], nonce, issued, found[0], found[1].to_bytes(16, "big"))
            return found is not None

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep the other processes out for some microseconds; the system lets go for a process that dies meanwhile."""
        fcntl.lockf(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN)


def _file() -> int:
    """Return the descriptor of a file without a name: in memory alone, where the system has that."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("naftiko-nonces")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


_shared: list[SharedCounts] = []  # one or none


def share_counts() -> None:
    """Let the processes that are forked from now on share the counts of their nonces."""
    if fcntl is not None and not _shared:
        _shared.append(SharedCounts())


def shared_counts() -> SharedCounts | None:
    """Return the table that this process shares with others, if there is one."""
    return _shared[0] if _shared else None


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
