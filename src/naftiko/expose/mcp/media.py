"""Media types: which of them an agent reads as text."""

from __future__ import annotations

from typing import Final

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


def is_text(media_type: str) -> bool:
    """Tell whether a bare media type is text; none at all is not."""
    return media_type.startswith("text/") or media_type in _TEXT or media_type.endswith(_TEXT_SUFFIXES)
