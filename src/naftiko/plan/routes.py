"""Paths of exposed routes (SEMANTICS 6)."""

from __future__ import annotations

from naftiko.plan.path import begins_with, join


def exposed_path(resource: str | None, operation: str | None) -> str:
    """Return an exposed operation's full path from its resource's and its own."""
    path = resource or "/"
    if operation:
        path = join(path, operation, complete=path != "/" and begins_with(operation, path))
    return path if path.startswith("/") else f"/{path}"
