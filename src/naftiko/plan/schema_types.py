"""What a JSON Schema says of null and of bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def is_nullable(schema: Mapping[str, Any]) -> bool:
    """Tell whether a schema says that null is a value."""
    kind = schema.get("type")
    return (isinstance(kind, list) and "null" in kind) or None in (schema.get("enum") or ())


def stands_for_bytes(schema: Mapping[str, Any]) -> bool:
    """Tell whether a schema declares binary content: a text that is base64, or a list of such (SEMANTICS 4.3)."""
    items = schema.get("items")
    if isinstance(items, Mapping) and stands_for_bytes(items):
        return True
    return schema.get("format") in {"binary", "byte"} or str(schema.get("contentEncoding", "")).lower() == "base64"
