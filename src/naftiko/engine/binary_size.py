"""``maxBinarySize``: how much of a binary answer is read (SEMANTICS 5.1)."""

from __future__ import annotations

import re
from typing import Final

DEFAULT_BINARY_BYTES: Final = 10 * 1024 * 1024
"""The largest binary answer where the file says no other."""
_SIZE: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(?:([kmg])i?b?|b)?\s*", re.IGNORECASE)
_POWERS: Final = {"": 0, "k": 1, "m": 2, "g": 3}


def binary_bytes(*declared: str | None) -> int:
    """Return the first declared size in bytes, such as ``512KiB``, ``1.5MiB`` or ``4096``; else the default.

    ``K``, ``M`` and ``G`` are powers of 1024, with and without the ``i``. What is no size, or zero, counts as not
    declared.
    """
    for text in declared:
        found = _SIZE.fullmatch(text) if text else None
        size = int(float(found[1]) * 1024 ** _POWERS[(found[2] or "").lower()]) if found else 0
        if size:
            return size
    return DEFAULT_BINARY_BYTES
