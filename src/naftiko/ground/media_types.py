"""What the media type of a body says of how it is written, and what the suffix of a file says of its media type."""

from __future__ import annotations

import mimetypes
from functools import lru_cache
from pathlib import PurePath
from typing import Final

BYTES: Final = "application/octet-stream"
FORM: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"
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


@lru_cache(maxsize=64)  # what a caller says may be as long as a head
def bare(media_type: str | None) -> str:
    """Return a media type without its parameters, in lower case; ``""`` for none."""
    return (media_type or "").partition(";")[0].strip().lower()


def charset_of(media_type: str | None) -> str | None:
    """Return the charset that a media type names, ``None`` where it names none."""
    for parameter in (media_type or "").split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip("\"'") or None
    return None


def is_json(media_type: str) -> bool:
    """Tell the media types of JSON."""
    kind = bare(media_type)
    return kind in {"application/json", "text/json"} or kind.endswith("+json")


def has_fields(media_type: str) -> bool:
    """Tell the media types whose bodies are made of named fields: JSON and forms."""
    return is_json(media_type) or bare(media_type) in {FORM, MULTIPART}


def of_file(name: str) -> str:
    """Return the media type that a file's suffix says; the common ones don't depend on the platform."""
    known = _BY_SUFFIX.get(PurePath(name).suffix.lower())
    return known or mimetypes.guess_type(name)[0] or BYTES
