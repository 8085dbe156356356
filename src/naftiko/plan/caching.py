"""The cache headers of an exposed operation, compiled (SEMANTICS 6.5)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

PUBLIC: Final = "public"
PRIVATE: Final = "private"
ORDER: Final = (
    PUBLIC,
    PRIVATE,
    "max-age",
    "s-maxage",
    "no-cache",
    "no-store",
    "must-revalidate",
    "immutable",
    "stale-while-revalidate",
)
"""The directives in the order in which they are written; others of an upstream's follow."""
_OTHER_SCOPE: Final = {PUBLIC: PRIVATE, PRIVATE: PUBLIC}
NO_STORE: Final = "no-store"

Directives = tuple[tuple[str, str], ...]
"""Names in lower case with their values, ``""`` for none."""


@dataclass(frozen=True, slots=True)
class CacheHeaders:
    """What the good answers of a route say about caching.

    Attributes:
        directives: of ``Cache-Control``, as the file has them.
        vary: the request headers on which an answer depends.
        etag: whether it gets an ``ETag`` where it has none.
        propagate: whether what the upstream's answer says counts too.
    """

    directives: Directives = ()
    vary: tuple[str, ...] = ()
    etag: bool = True
    propagate: bool = False

    @property
    def control(self) -> str:
        """``Cache-Control`` without what an upstream says."""
        return written(self.directives)


def written(directives: Directives) -> str:
    """Return directives as ``Cache-Control`` has them."""
    known = sorted(directives, key=lambda one: ORDER.index(one[0]) if one[0] in ORDER else len(ORDER))
    return ", ".join(f"{name}={value}" if value else name for name, value in known)


@lru_cache(maxsize=256)
def merged(said: str, ours: Directives) -> str:
    """Return ``Cache-Control`` of what an upstream says and of what the file says, which wins."""
    settled = {name for name, _ in ours}
    settled |= {_OTHER_SCOPE[name] for name in settled if name in _OTHER_SCOPE}
    theirs = tuple(one for one in parsed(said).items() if one[0] not in settled)
    return written((*ours, *theirs))


def parsed(text: str) -> dict[str, str]:
    """Read a list of directives (RFC 9111 chapter 5.2): names in lower case, values as they stand, quotes included.

    Of one that stands twice the first counts, which is the one that caches agree on (RFC 9111 chapter 4.2.1).
    """
    found: dict[str, str] = {}
    for part in _parts(text):
        name, _, value = part.partition("=")
        if name.strip():
            found.setdefault(name.strip().lower(), value.strip())
    return found


def _parts(text: str) -> list[str]:
    """Split a list at its commas, but for those in quoted strings."""
    if '"' not in text:
        return text.split(",")
    parts, quoted, start, escaped = [], False, 0, False
    for at, character in enumerate(text):
        if escaped:
            escaped = False
        elif quoted and character == "\\":
            escaped = True
        elif character == '"':
            quoted = not quoted
        elif character == "," and not quoted:
            parts.append(text[start:at])
            start = at + 1
    return [*parts, text[start:]]
