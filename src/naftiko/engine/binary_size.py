"""``maxBinarySize``: how much of a binary answer is read (SEMANTICS 5.1)."""

from __future__ import annotations

from typing import Final

from naftiko.plan.sizes import size_in_bytes

DEFAULT_BINARY_BYTES: Final = 10 * 1024 * 1024
"""The largest binary answer where the file says no other."""


def binary_bytes(*declared: str | None) -> int:
    """Return the first declared size in bytes; else the default. What is no size, or zero, counts as not declared."""
    sizes = (size_in_bytes(text) for text in declared if text)
    return next((size for size in sizes if size), DEFAULT_BINARY_BYTES)
