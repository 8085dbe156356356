"""Handles: a call and a place in its answer, as one signed word that a client gives back (stateless).

A handle holds what the caller sent and nothing else: the tool, its arguments, where the rest begins, and until when
it is good. Any worker or replica with the same key takes it.
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
from typing import Any, Final, TypeAlias

from naftiko.engine.request import dump_json
from naftiko.ground import jsontext
from naftiko.ground.errors import InputError, Problem

KEY_VARIABLE: Final = "NAFTIKO_HANDLE_KEY"
"""The environment variable with the key that all workers share: any text, the longer the better."""
GOOD_FOR: Final = 3600.0
"""Seconds that a handle is good for."""
LONGEST: Final = 4096
"""Characters of a handle: what a model has to repeat."""
_MAC_BYTES: Final = 16
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
    """

    tool: str
    arguments: Mapping[str, Any]
    path: Path | None
    offset: int


class Handles:
    """Makes handles, and reads them again.

    Args:
        key: what they are signed with; by default ``NAFTIKO_HANDLE_KEY``, or a key of this process.
    """

    def __init__(self, key: bytes | None = None) -> None:
        shared = os.environ.get(KEY_VARIABLE, "").encode()
        self._key = hashlib.sha256(b"naftiko handle " + (key or shared or _PROCESS_KEY)).digest()

    def made(self, place: Place) -> str | None:
        """Return the handle of a place; ``None`` where the arguments are too long for one."""
        path = None if place.path is None else list(place.path)
        content = dump_json([round(time.time() + GOOD_FOR), place.tool, dict(place.arguments), path, place.offset])
        packed = zlib.compress(content, 9)
        handle = base64.urlsafe_b64encode(self._mac(packed) + packed).rstrip(b"=").decode()
        return handle if len(handle) <= LONGEST else None

    def read(self, handle: str) -> Place:
        """Return the place that a handle means.

        Raises:
            InputError: it was not made here, was changed, or is too old.
        """
        try:
            raw = base64.urlsafe_b64decode(handle + "=" * (-len(handle) % 4)) if len(handle) <= LONGEST else b""
        except (binascii.Error, ValueError):
            raw = b""
        mac, packed = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(packed)):
            raise wrong_handle("is not one of this server's, or was changed")
        content = zlib.decompressobj().decompress(packed, _LARGEST)
        expires, tool, arguments, path, offset = jsontext.read(content)
        if time.time() > expires:
            raise wrong_handle("is too old")
        return Place(tool, arguments, None if path is None else tuple(path), offset)

    def _mac(self, packed: bytes) -> bytes:
        return hmac.digest(self._key, packed, "sha256")[:_MAC_BYTES]


def wrong_handle(why: str) -> InputError:
    """Return the error for a handle that can't be used."""
    problem = Problem("handle", "argument", f"the handle {why}", "the handle of a cut answer, as it was given")
    return InputError([problem], hint="call the tool again: its answer has a new handle")
