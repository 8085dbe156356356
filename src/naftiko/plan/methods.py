"""What the methods of HTTP do (RFC 9110 chapter 9)."""

from __future__ import annotations

from typing import Final

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing (chapter 9.2.1)."""
READING: Final = frozenset({"GET", "HEAD"})
"""Those that read what is at a path."""
