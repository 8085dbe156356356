"""What the media type of a body says of how it is written."""

from __future__ import annotations

from typing import Final

BYTES: Final = "application/octet-stream"
FORM: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"


def bare(media_type: str) -> str:
    """Return a media type without its parameters, in lower case."""
    return media_type.partition(";")[0].strip().lower()


def is_json(media_type: str) -> bool:
    """Tell the media types of JSON."""
    kind = bare(media_type)
    return kind in {"application/json", "text/json"} or kind.endswith("+json")


def has_fields(media_type: str) -> bool:
    """Tell the media types whose bodies are made of named fields: JSON and forms."""
    return is_json(media_type) or bare(media_type) in {FORM, MULTIPART}
