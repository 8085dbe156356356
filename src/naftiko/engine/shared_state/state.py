"""What is shared by whom: names of keys, and what is sealed."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Self

from naftiko.engine.shared_state.store import SharedStore

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

KEY_VARIABLE: Final = "NAFTIKO_SHARED_KEY"
"""The environment variable with the key that all processes of all replicas have."""
SHORTEST_KEY: Final = 16
"""Characters."""
PREFIX: Final = "naftiko"
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.-]{1,40}")
_DIGEST: Final = 16
_NONCE: Final = 12


@dataclass(frozen=True, slots=True)
class SharedState:
    """A part of a store, whose keys all begin alike.

    Attributes:
        store: where it is.
        prefix: of the keys.
        key: seals what is kept, and is nothing that the store has; empty: nothing is sealed.
        tokens: whether access tokens are shared too, which are always sealed.
    """

    store: SharedStore
    prefix: str = PREFIX
    key: bytes = field(default=b"", repr=False)
    tokens: bool = False

    def of(self, name: str) -> Self:
        """Return the part of one capability, which is the same for all processes that serve it."""
        plain = name if _PLAIN.fullmatch(name) else hashlib.blake2b(name.encode(), digest_size=8).hexdigest()
        return replace(self, prefix=f"{self.prefix}:{plain}")

    def name(self, kind: str, *parts: object) -> str:
        """Return the key of something; what tells it from others is hashed: it may be a secret.

        With a key of ours nobody else can try what the hash may be of.
        """
        said = "\0".join(map(str, parts)).encode("utf-8", "surrogatepass")
        key = _hashed(b"name " + self.key) if self.key else b""
        return f"{self.prefix}:{kind}:{hashlib.blake2b(said, key=key, digest_size=_DIGEST).hexdigest()}"

    @property
    def is_sealed(self) -> bool:
        """Whether what is kept is sealed."""
        return bool(self.key)

    def sealed(self, name: str, content: bytes) -> bytes:
        """Return content as it is stored under a key: nobody reads it there, or puts it elsewhere."""
        if not self.key:
            return content
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._cipher().encrypt(nonce, content, name.encode())

    def opened(self, name: str, stored: bytes) -> bytes | None:
        """Return what was sealed; ``None``: it is not ours, was changed, or is another key's."""
        if not self.key:
            return stored
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415  # see `_cipher`

        try:
            return self._cipher().decrypt(stored[:_NONCE], stored[_NONCE:], name.encode())
        except (InvalidTag, ValueError):
            return None

    def derived(self, use: str) -> str:
        """Return a key for another use, which tells nothing of this one."""
        return hashlib.blake2b(use.encode(), key=_hashed(self.key), digest_size=32).hexdigest()

    def _cipher(self) -> ChaCha20Poly1305:
        # OpenSSL takes a while to be loaded, and most servers seal nothing.
        from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305  # noqa: PLC0415

        return ChaCha20Poly1305(_hashed(b"seal " + self.key))


def _hashed(key: bytes) -> bytes:
    return hashlib.sha256(b"naftiko shared state " + key).digest()
