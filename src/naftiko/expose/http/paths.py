"""The path of a request as the app behind it has it: without what it is mounted at (ASGI's ``root_path``)."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any


def inner_path(scope: MutableMapping[str, Any]) -> str:
    """Return the undecoded path of a request, without the query, and without where the app is mounted."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode("utf-8", "surrogateescape")
    path = raw.partition(b"?")[0].decode("latin-1")
    root = scope.get("root_path")
    return path.removeprefix(root.rstrip("/")) if root else path
