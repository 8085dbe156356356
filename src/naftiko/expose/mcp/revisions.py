"""What differs between the revisions of the protocol, as far as an answer has to know it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from mcp_types import INVALID_PARAMS
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

_LEGACY_NOT_FOUND: Final = -32002
_WITHOUT_AUDIO: Final = frozenset({"2024-11-05"})


def complete(**members: Any) -> dict[str, Any]:
    """Return a result in wire form; the SDK takes ``resultType`` out for revisions before 2026-07-28."""
    return {**members, "resultType": "complete"}


@lru_cache(maxsize=64)
def is_modern(version: str) -> bool:
    """Tell the revisions without a handshake (2026-07-28) from those with one.

    They take any JSON value as structured content, and any JSON Schema as ``outputSchema``; before, both had to be
    objects, and one that isn't breaks the whole ``tools/list``.
    """
    return version in MODERN_PROTOCOL_VERSIONS


def knows_audio(version: str) -> bool:
    """Tell whether a client knows audio content (since 2025-03-26)."""
    return version not in _WITHOUT_AUDIO


def not_found_code(version: str) -> int:
    """Return the error code for a resource that doesn't exist: -32602 since 2026-07-28, -32002 before."""
    return INVALID_PARAMS if is_modern(version) else _LEGACY_NOT_FOUND
