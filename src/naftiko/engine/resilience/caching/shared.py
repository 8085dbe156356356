"""The store of answers that several processes share.

What another process has written is data: it is read as what an answer may be, and anything else is as if it weren't
there. Where the shared state has a key, what is stored is sealed.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
import secrets
import struct
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from naftiko.engine.resilience.caching.store import Entry, Mark, Store
from naftiko.engine.shared_state import Away, Script, SharedState, turn
from naftiko.observe.redaction import is_secret_name

LARGEST: Final = 4 * 1024 * 1024
"""Bytes of what stands under one key."""
_LONGEST: Final = 86_400.0
"""Seconds that anything is kept."""
_VALIDATED: Final = 3600.0
"""Seconds beyond, in which the API may say of an answer that it is as it was."""
_TAG_LIFE: Final = int(2 * _LONGEST * 1000)
"""Milliseconds that the mark of a tag is kept: longer than all that it is the mark of."""
_MOST_OWED: Final = 4096
"""Tags that are still to be forgotten once the store is back."""
_MARK: Final = re.compile(r"[0-9a-f]{16}")
_HEAD: Final = struct.Struct(">I")
_MOST_HEADERS: Final = 1000
_NAME: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_STATUSES: Final = range(200, 600)

_MARKED: Final = Script(
    """
local known = redis.pcall('GET', KEYS[1])
if type(known) ~= 'string' then known = ARGV[1] end
redis.call('SET', KEYS[1], known, 'PX', ARGV[2])
return known
"""
)
_PUT: Final = Script(
    """
if redis.pcall('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
"""
)


class SharedCache(Store):
    """Keeps answers in a store of several processes; while it is away nothing is kept.

    An entry stands beside the mark that its tag had when its answer was asked for. To forget a tag is to give it
    another mark.

    Args:
        shared: the part of a capability.
        largest: bytes of what stands under one key.
    """

    why_not = "too large, a secret, or changed meanwhile; or the shared store is away"

    def __init__(self, shared: SharedState, largest: int) -> None:
        self._shared = shared
        self._store = shared.store
        self._largest = min(largest, LARGEST)
        self._owed: OrderedDict[str, None] = OrderedDict()

    async def get(self, key: str, tag: str) -> Sequence[Entry]:
        """Return what is stored under a key."""
        name = self._shared.name("answer", key)
        try:
            await self._pay()
            found = await self._store.ask("MGET", name, self._tag(tag), large=True)
        except Away:
            return ()
        return self._read(name, found)

    def _read(self, name: str, found: Any) -> Sequence[Entry]:
        try:
            stored, mark = found
        except (TypeError, ValueError):
            return ()
        if not isinstance(stored, bytes) or not isinstance(mark, bytes) or len(stored) > 2 * LARGEST:
            return ()
        if not stored.startswith(mark) or not _MARK.fullmatch(mark.decode("latin-1")):
            return ()
        content = self._shared.opened(name, stored[len(mark) :])
        return () if content is None else read(content)

    async def put(self, key: str, entries: Sequence[Entry], tag: str, since: Mark = 0) -> bool:
        """Store what stands under a key from now on."""
        if not since or sum(entry.size for entry in entries) > self._largest:
            return False
        if not self._shared.is_sealed and any(_is_secret(entry) for entry in entries):
            return False
        life = max(map(_life, entries))
        if life <= 0:
            return False
        name = self._shared.name("answer", key)
        value = str(since).encode() + self._shared.sealed(name, written(entries))
        keys, milliseconds = [name, self._tag(tag)], math.ceil(life * 1000)
        try:
            return bool(await self._store.run(_PUT, keys, since, value, milliseconds, large=True) == 1)
        except Away:
            return False

    async def forget(self, tag: str) -> None:
        """Forget all of a tag; where the store is away, once it is back."""
        self._owed[tag] = None
        self._owed.move_to_end(tag)
        if len(self._owed) > _MOST_OWED:
            self._owed.popitem(last=False)
        with contextlib.suppress(Away):
            await self._pay()

    async def _pay(self) -> None:
        """Forget what was to be forgotten while the store was away, before anything is read of it."""
        while self._owed:
            tag = next(iter(self._owed))
            await self._store.ask("SET", self._tag(tag), secrets.token_hex(8), "PX", _TAG_LIFE)
            self._owed.pop(tag, None)

    async def mark(self, tag: str) -> Mark:
        """Return the mark of a tag, ``0`` where the store is away."""
        try:
            await self._pay()
            found = await self._store.run(_MARKED, [self._tag(tag)], secrets.token_hex(8), _TAG_LIFE)
        except Away:
            return 0
        said = found.decode("latin-1") if isinstance(found, bytes) else ""
        return said if _MARK.fullmatch(said) else 0

    def lock(self, key: str) -> AbstractAsyncContextManager[bool]:
        """Let one process ask at a time; the others wait for what it stores, some seconds at most."""
        return turn(self._store, self._shared.name("asking", key))

    def _tag(self, tag: str) -> str:
        return self._shared.name("changed", tag)


def _life(entry: Entry) -> float:
    """Return the seconds that an entry is of use to anybody."""
    can_be_asked_about = entry.header(b"etag") or entry.header(b"last-modified")
    return min(_LONGEST, max(0.0, entry.usable) + (_VALIDATED if can_be_asked_about else 0.0))


def _is_secret(entry: Entry) -> bool:
    """Tell whether an entry depends on, or has, what nobody but its caller may read, such as a cookie."""
    names = (*entry.asked, *(name.decode("latin-1") for name, _ in entry.headers))
    return any(is_secret_name(name) or name.lower() == "set-cookie" for name in names)


def written(entries: Sequence[Entry]) -> bytes:
    """Return entries as they are stored: a head in JSON, its length before it, and the bodies after it."""
    head = [
        [
            *(entry.status, [[name.decode("latin-1"), value.decode("latin-1")] for name, value in entry.headers]),
            *(dict(entry.asked), entry.stored, entry.age, entry.fresh, entry.grace, entry.rescue, len(entry.body)),
        ]
        for entry in entries
    ]
    said = json.dumps(head, separators=(",", ":")).encode()
    return b"".join((_HEAD.pack(len(said)), said, *(entry.body for entry in entries)))


def read(content: bytes) -> Sequence[Entry]:
    """Return what ``written`` made; nothing of what it didn't."""
    try:
        (length,) = _HEAD.unpack_from(content)
        at = _HEAD.size + length
        return list(_entries(json.loads(content[_HEAD.size : at]), content[at:]))
    except (ValueError, TypeError, KeyError, RecursionError, struct.error):
        return ()


def _entries(head: Any, bodies: bytes) -> Iterator[Entry]:
    """Yield entries.

    Raises:
        ValueError: something is not as it should be.
        TypeError: likewise.
    """
    at = 0
    for status, headers, asked, stored, age, fresh, grace, rescue, length in head:
        if status not in _STATUSES or not isinstance(length, int) or not 0 <= length <= len(bodies) - at:
            raise ValueError("no entry")
        body = bodies[at : at + length]
        read = Entry(status, _headers(headers), body, _asked(asked), _time(stored), _time(age), 0.0, 0.0, 0.0)
        read.fresh, read.grace, read.rescue = _time(fresh), _time(grace), _time(rescue)
        yield read
        at += length
    if at != len(bodies):
        raise ValueError("more than entries")


def _headers(said: Any) -> Sequence[tuple[bytes, bytes]]:
    pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in said]
    if len(pairs) > _MOST_HEADERS or any(
        not _NAME.fullmatch(name) or not {b"\r"[0], b"\n"[0], 0}.isdisjoint(value) for name, value in pairs
    ):
        raise ValueError("no headers")
    return pairs


def _asked(said: Any) -> Mapping[str, str | None]:
    if not isinstance(said, dict) or not all(value is None or isinstance(value, str) for value in said.values()):
        raise TypeError("no headers")
    return said


def _time(said: Any) -> float:
    if isinstance(said, bool) or not isinstance(said, int | float) or not math.isfinite(said) or said < 0:
        raise ValueError("no time")
    return float(said)
