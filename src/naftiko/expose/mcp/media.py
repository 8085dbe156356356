"""Media types: which of them an agent reads as text, and what a file's suffix says."""

from __future__ import annotations

import mimetypes
import re
from pathlib import PurePath
from typing import Final

DEFAULT_BINARY_BYTES: Final = 10 * 1024 * 1024
"""The largest binary answer where ``maxBinarySize`` doesn't say another (SEMANTICS 5.1)."""
UNKNOWN: Final = "application/octet-stream"
_TEXT: Final = frozenset(
    {
        "application/json",
        "application/ld+json",
        "application/x-ndjson",
        "application/xml",
        "application/yaml",
        "application/x-yaml",
        "application/toml",
        "application/javascript",
        "application/ecmascript",
        "application/graphql",
        "application/sql",
        "application/x-www-form-urlencoded",
    }
)
_TEXT_SUFFIXES: Final = ("+json", "+xml", "+yaml")
_BY_SUFFIX: Final = {
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
    ".json": "application/json",
    ".toml": "application/toml",
    ".csv": "text/csv",
    ".txt": "text/plain",
    ".xml": "application/xml",
    ".js": "text/javascript",
}
_SIZE: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kmg]i?b?|b)?\s*", re.IGNORECASE)
_POWERS: Final = {"k": 1, "m": 2, "g": 3}


def bare(media_type: str | None) -> str:
    """Return a media type without its parameters, lower case; ``""`` for none."""
    return (media_type or "").partition(";")[0].strip().lower()


def is_text(media_type: str) -> bool:
    """Tell whether a bare media type is text; none at all is not."""
    return media_type.startswith("text/") or media_type in _TEXT or media_type.endswith(_TEXT_SUFFIXES)


def of_file(name: str) -> str:
    """Return the media type that a file's suffix says; the common ones don't depend on the platform."""
    known = _BY_SUFFIX.get(PurePath(name).suffix.lower())
    return known or mimetypes.guess_type(name)[0] or UNKNOWN


def size_limit(declared: str | None) -> int:
    """Return a ``maxBinarySize`` such as ``512KiB``, ``1.5 MB`` or ``4096`` in bytes; the default for none or nonsense.

    ``K``, ``M`` and ``G`` are powers of 1024, as the reference engine has them, with and without the ``i``.
    """
    found = _SIZE.fullmatch(declared) if declared else None
    if found is None:
        return DEFAULT_BINARY_BYTES
    power = _POWERS.get((found[2] or "b")[0].lower(), 0)
    return int(float(found[1]) * 1024**power)
