"""What the media type of a body says of how it is written."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

BYTES: Final = "application/octet-stream"
FORM: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"


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
