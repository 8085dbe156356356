"""The store of one process: what was used least recently goes first, bounded by bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from naftiko.engine.resilience.caching.store import Entry, Mark, Store

_MOST_FORGOTTEN: Final = 1024
"""Tags that are remembered as forgotten; of older ones it is assumed of all."""


class MemoryStore(Store):
    """Keeps answers in memory.

    Attributes:
        bytes: that they take.
        limit: how many they may.
        evicted: how many went to make room.
        scope: what shares it; ``""``: all of an API.
    """

    def __init__(self, limit: int, scope: str = "") -> None:
        self.limit = limit
        self.scope = scope
        self.bytes = 0
        self.evicted = 0
        self._kept: OrderedDict[str, tuple[Sequence[Entry], str, int]] = OrderedDict()
        self._tagged: dict[str, set[str]] = {}
        self._forgotten: OrderedDict[str, int] = OrderedDict()
        self._now = 0
        self._before = 0

    def __len__(self) -> int:
        return len(self._kept)

    async def mark(self, tag: str) -> Mark:  # noqa: ARG002  # a store's shape
        """Return how often something was forgotten."""
        return self._now

    async def get(self, key: str, tag: str) -> Sequence[Entry]:  # noqa: ARG002  # what is forgotten is gone
        """Return what is stored under a key."""
        found = self._kept.get(key)
        if found is None:
            return ()
        self._kept.move_to_end(key)
        return found[0]

    async def put(self, key: str, entries: Sequence[Entry], tag: str, since: Mark = 0) -> bool:
        """Store what stands under a key from now on."""
        self._drop(key)
        if self._forgotten.get(tag, self._before) > int(since):
            return False
        size = len(key) + sum(entry.size for entry in entries)
        if size > self.limit:
            return False
        self._kept[key] = (entries, tag, size)
        self._tagged.setdefault(tag, set()).add(key)
        self.bytes += size
        while self.bytes > self.limit:
            self._drop(next(iter(self._kept)))
            self.evicted += 1
        return True

    async def forget(self, tag: str) -> None:
        """Forget all of a tag."""
        self._now += 1
        self._forgotten[tag] = self._now
        self._forgotten.move_to_end(tag)
        if len(self._forgotten) > _MOST_FORGOTTEN:
            self._before = self._forgotten.popitem(last=False)[1]
        for key in [*self._tagged.get(tag, ())]:
            self._drop(key)

    @asynccontextmanager
    async def lock(self, key: str) -> AsyncIterator[bool]:  # noqa: ARG002  # a store's shape
        """Wait for nobody: whoever else asks in this process waits already."""
        yield False

    def _drop(self, key: str) -> None:
        found = self._kept.pop(key, None)
        if found is None:
            return
        _, tag, size = found
        self.bytes -= size
        keys = self._tagged[tag]
        keys.discard(key)
        if not keys:
            del self._tagged[tag]
