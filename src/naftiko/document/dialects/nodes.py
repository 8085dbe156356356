"""Make nodes that stand where another one does."""

from __future__ import annotations

from collections.abc import Iterable

from yaml.nodes import MappingNode, Node, ScalarNode


def text(value: str, like: Node) -> ScalarNode:
    """Return a text at the place of ``like``."""
    return ScalarNode("", value, like.start_mark, like.end_mark, style='"')


def flag(like: Node) -> ScalarNode:
    """Return ``true`` at the place of ``like``."""
    return ScalarNode("", "true", like.start_mark, like.end_mark)


def mapping(pairs: Iterable[tuple[Node, Node]], like: Node) -> MappingNode:
    """Return a mapping at the place of ``like``."""
    return MappingNode("", list(pairs), like.start_mark, like.end_mark)


def has(node: Node, *names: str) -> bool:
    """Tell whether a mapping has one of the keys."""
    return isinstance(node, MappingNode) and any(
        isinstance(key, ScalarNode) and key.value in names for key, _ in node.value
    )
