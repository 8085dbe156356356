"""Handles: a call and a place in its answer, as one signed word that a client gives back (stateless).

A handle holds what the caller sent and nothing else: the tool, its arguments, where the rest begins, and until when
it is good. Of a list that comes in pages it also holds how the API is asked for the next one, sealed. Any worker or
replica with the same key takes it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from naftiko.engine.answer import PagePlace
from naftiko.engine.request import dump_json
from naftiko.ground import jsontext
from naftiko.ground.errors import InputError, Problem

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

KEY_VARIABLE: Final = "NAFTIKO_HANDLE_KEY"
"""The environment variable with the key that all workers share: any text, the longer the better."""
GOOD_FOR: Final = 3600.0
"""Seconds that a handle is good for."""
LONGEST: Final = 4096
"""Characters of a handle: what a model has to repeat."""
_MAC_BYTES: Final = 16
_NONCE_BYTES: Final = 12
_SEALED: Final = "s."
_NOT_OURS: Final = "is not one of this server's, or was changed"
_LARGEST: Final = 1024 * 1024
_PROCESS_KEY: Final = secrets.token_bytes(32)

Path: TypeAlias = tuple[str | int, ...]
"""Where something stands in a document: the keys and indexes that lead there."""


@dataclass(frozen=True, slots=True)
class Place:
    """A call, and where in its answer the rest begins.

    Attributes:
        tool: ``namespace/name`` of the tool.
        arguments: as the caller gave them.
        path: of the array, text or object that was cut; ``None`` where the answer itself is a text.
        offset: how many of its items, characters or members the caller has already.
        pages: where the answer begins in a list that comes in pages; ``None``: at its beginning.
    """

    tool: str
    arguments: Mapping[str, Any]
    path: Path | None
    offset: int
    pages: PagePlace | None = None


class Handles:
    """Makes handles, and reads them again.

    Args:
        key: what they are signed with; by default ``NAFTIKO_HANDLE_KEY``, or a key of this process.
    """

    def __init__(self, key: bytes | None = None) -> None:
        shared = os.environ.get(KEY_VARIABLE, "").encode()
        secret = key or shared or _PROCESS_KEY
        self._key = hashlib.sha256(b"naftiko handle " + secret).digest()
        self._sealing_key = hashlib.sha256(b"naftiko sealed handle " + secret).digest()

    def made(self, place: Place) -> str | None:
        """Return the handle of a place; ``None`` where the arguments are too long for one."""
        path = None if place.path is None else list(place.path)
        said = [round(time.time() + GOOD_FOR), place.tool, dict(place.arguments), path, place.offset]
        if place.pages is None:
            packed = zlib.compress(dump_json(said), 9)
            handle = _text(self._mac(packed) + packed)
        else:  # what an API uses to tell its pages apart is nothing that its caller has seen, or has to see
            packed = zlib.compress(dump_json([*said, [*place.pages]]), 9)
            nonce = secrets.token_bytes(_NONCE_BYTES)
            handle = _SEALED + _text(nonce + _cipher(self._sealing_key).encrypt(nonce, packed, None))
        return handle if len(handle) <= LONGEST else None

    def read(self, handle: str) -> Place:
        """Return the place that a handle means.

        Raises:
            InputError: it was not made here, was changed, or is too old.
        """
        is_sealed = handle.startswith(_SEALED)
        raw = _raw(handle.removeprefix(_SEALED)) if len(handle) <= LONGEST else b""
        packed = self._unsealed(raw) if is_sealed else self._proved(raw)
        content = zlib.decompressobj().decompress(packed, _LARGEST)
        expires, tool, arguments, path, offset, *pages = jsontext.read(content)
        if time.time() > expires:
            raise wrong_handle("is too old")
        where = PagePlace(*pages[0]) if pages else None
        return Place(tool, arguments, None if path is None else tuple(path), offset, where)

    def _proved(self, raw: bytes) -> bytes:
        mac, packed = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(packed)):
            raise wrong_handle(_NOT_OURS)
        return packed

    def _unsealed(self, raw: bytes) -> bytes:
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415  # see `_cipher`

        try:
            return _cipher(self._sealing_key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], None)
        except (InvalidTag, ValueError):
            raise wrong_handle(_NOT_OURS) from None

    def _mac(self, packed: bytes) -> bytes:
        return hmac.digest(self._key, packed, "sha256")[:_MAC_BYTES]


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _raw(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return b""


def _cipher(key: bytes) -> ChaCha20Poly1305:
    # OpenSSL takes a while to be loaded, and most servers never seal anything.
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305  # noqa: PLC0415

    return ChaCha20Poly1305(key)


def wrong_handle(why: str) -> InputError:
    """Return the error for a handle that can't be used."""
    problem = Problem("handle", "argument", f"the handle {why}", "the handle of a cut answer, as it was given")
    return InputError([problem], hint="call the tool again: its answer has a new handle")
