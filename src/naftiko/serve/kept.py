"""What the last valid plan was made of, where each process of a server finds it.

A worker that starts while others serve must serve what they do, though the files may say something else by now, or
nothing that can be read. So whoever has checked the files keeps what it saw of them: in memory that has no name, which
those have that are forked later.
"""

from __future__ import annotations

import hashlib
import logging
import os
import pickle  # what this program has written itself
import struct
import time
import zlib
from dataclasses import dataclass, field
from typing import Final

from naftiko.ground.errors import NaftikoError
from naftiko.serve.reload import Noted

_log = logging.getLogger(__name__)
_MOST: Final = 64 * 1024 * 1024
"""Bytes of what is kept, packed."""
_HEAD: Final = struct.Struct("!QQ16s")
"""When it was kept, its length, what tells that it is whole."""


def packed(noted: Noted) -> bytes:
    """Return what was seen as bytes.

    Raises:
        NaftikoError: it is too much.
    """
    made = zlib.compress(pickle.dumps(dict(noted)), 1)
    if len(made) > _MOST:
        limit = _MOST // 1024 // 1024
        raise NaftikoError(f"the files are too large to be given to workers, {limit} MiB packed: serve less of them")
    return made


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()


@dataclass(frozen=True, slots=True)
class Record:
    """What somebody has kept.

    Attributes:
        at: when, in nanoseconds of the system's own clock, which all processes share.
        data: as ``packed`` makes it.
    """

    at: int
    data: bytes

    def noted(self) -> Noted:
        """Return what was seen."""
        found: Noted = pickle.loads(zlib.decompress(self.data))  # noqa: S301  # as above
        return found


class _Place:
    """What one process keeps: two files, so that one of them is whole while the other one is written."""

    def __init__(self) -> None:
        self._files = [os.memfd_create(f"naftiko-{at}", os.MFD_CLOEXEC) for at in range(2)]

    def put(self, record: Record) -> None:
        """Keep something else from now on."""
        file = min(self._files, key=lambda each: _head(each)[0])
        os.ftruncate(file, 0)
        os.pwrite(file, record.data, _HEAD.size)
        os.pwrite(file, _HEAD.pack(record.at, len(record.data), _digest(record.data)), 0)

    def found(self) -> list[Record]:
        """Return what is whole."""
        made = []
        for file in self._files:
            at, length, digest = _head(file)
            data = os.pread(file, length, _HEAD.size) if at else b""
            if at and _digest(data) == digest:
                made.append(Record(at, data))
        return made

    def close(self) -> None:
        """Forget it."""
        for file in self._files:
            os.close(file)


def _head(file: int) -> tuple[int, int, bytes]:
    head = os.pread(file, _HEAD.size, 0)
    at, length, digest = _HEAD.unpack(head) if len(head) == _HEAD.size else (0, 0, b"")
    return at, length, digest


@dataclass(slots=True)
class Kept:
    """What all processes of a server have kept; it is made before they are forked.

    Args:
        count: how many there are.
    """

    count: int
    _places: list[_Place] = field(default_factory=list)
    _own: Record | None = None

    def __post_init__(self) -> None:
        if hasattr(os, "memfd_create"):  # else what workers keep dies with them
            self._places = [_Place() for _ in range(self.count)]

    def keep(self, data: bytes) -> None:
        """Keep something in this process, for those that are forked from it."""
        self._own = Record(time.monotonic_ns(), data)

    def put(self, slot: int, data: bytes) -> None:
        """Keep something as one of the workers, for all."""
        if self._places:
            self._places[slot].put(Record(time.monotonic_ns(), data))

    def newest(self) -> Record | None:
        """Return what was kept last; ``None``: nothing, what was loaded first is served."""
        found = [record for place in self._places for record in place.found()]
        found += [] if self._own is None else [self._own]
        return max(found, key=lambda record: record.at, default=None)

    def close(self) -> None:
        """Forget it."""
        for place in self._places:
            place.close()


@dataclass(slots=True)
class Keeping:
    """How one worker keeps what it serves.

    Attributes:
        since: when what it serves was kept; 0 of what was loaded first.
    """

    kept: Kept
    slot: int
    since: int = 0

    def __call__(self, noted: Noted) -> None:
        """Keep what was seen; it is called in a thread."""
        try:
            self.kept.put(self.slot, packed(noted))
        except (NaftikoError, OSError) as error:
            _log.warning("a worker that starts later serves what was loaded before: %s", error)

    @property
    def is_behind(self) -> bool:
        """Whether another worker has kept something since."""
        newest = self.kept.newest()
        return newest is not None and newest.at > self.since
