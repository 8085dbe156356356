"""The store of answers in front of an API (SEMANTICS 4.10, RFC 9111)."""

from __future__ import annotations

from naftiko.engine.resilience.caching.invalidation import Invalidating
from naftiko.engine.resilience.caching.memory import MemoryStore
from naftiko.engine.resilience.caching.policy import Caching
from naftiko.engine.resilience.caching.store import Entry, Store

__all__ = ["Caching", "Entry", "Invalidating", "MemoryStore", "Store"]
