"""Sizes as a file writes them: ``512KiB``, ``1.5MiB`` or ``4096``, and ``maxBinarySize`` (SEMANTICS 5.1)."""

from __future__ import annotations

import re
from typing import Final

_SIZE: Final = re.compile(r"\s*(\d{1,15}(?:\.\d{1,15})?)\s*(?:([kmg])i?b?|b)?\s*", re.IGNORECASE)
_POWERS: Final = {"": 0, "k": 1, "m": 2, "g": 3}


def size_in_bytes(text: str) -> int:
    """Return a size in bytes, 0 for what is none.

    ``K``, ``M`` and ``G`` are powers of 1024, with and without the ``i``.
    """
    found = _SIZE.fullmatch(text)
    return int(float(found[1]) * 1024 ** _POWERS[(found[2] or "").lower()]) if found else 0


DEFAULT_BINARY_BYTES: Final = 10 * 1024 * 1024
"""The largest binary answer where the file says no other."""


def binary_bytes(*declared: str | None) -> int:
    """Return the first declared size in bytes; else the default. What is no size, or zero, counts as not declared."""
    sizes = (size_in_bytes(text) for text in declared if text)
    return next((size for size in sizes if size), DEFAULT_BINARY_BYTES)
