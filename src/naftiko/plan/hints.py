"""The hints that a tool gives of its effects (SEMANTICS 5.7)."""

from __future__ import annotations

from naftiko.document.model import AggregateFunction, ToolHints


def tool_hints(hints: ToolHints | None, function: AggregateFunction | None) -> ToolHints | None:
    """Return a tool's hints; what it doesn't say itself follows from the function's semantics (SEMANTICS 5.7)."""
    semantics = function.semantics if function else None
    if semantics is None:
        return hints.without_place() if hints is not None else None
    own = hints or ToolHints()
    read_only = own.read_only if own.read_only is not None else semantics.safe
    destructive = own.destructive if own.destructive is not None else (False if semantics.safe else None)
    idempotent = own.idempotent if own.idempotent is not None else semantics.idempotent
    return ToolHints(read_only=read_only, destructive=destructive, idempotent=idempotent, open_world=own.open_world)
