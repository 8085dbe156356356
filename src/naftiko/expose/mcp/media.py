"""Media types: which of them an agent reads as text, and what a file's suffix says."""

from __future__ import annotations

import mimetypes
from pathlib import PurePath
from typing import Final

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


def is_text(media_type: str) -> bool:
    """Tell whether a bare media type is text; none at all is not."""
    return media_type.startswith("text/") or media_type in _TEXT or media_type.endswith(_TEXT_SUFFIXES)


def of_file(name: str) -> str:
    """Return the media type that a file's suffix says; the common ones don't depend on the platform."""
    known = _BY_SUFFIX.get(PurePath(name).suffix.lower())
    return known or mimetypes.guess_type(name)[0] or UNKNOWN
