"""Limits for callers: how much one of them may ask for (SEMANTICS 6.6 and 7.5)."""

from naftiko.expose.limiting.limiter import Limiter, limiter_of
from naftiko.expose.limiting.store import LimitStore, LocalStore, Taken

__all__ = ["LimitStore", "Limiter", "LocalStore", "Taken", "limiter_of"]
