"""Make nodes that stand where another one does."""

from __future__ import annotations

from collections.abc import Iterable

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode


def text(value: str, like: Node) -> ScalarNode:
    """Return a text at the place of ``like``."""
    return ScalarNode("", value, like.start_mark, like.end_mark, style='"')


def flag(like: Node) -> ScalarNode:
    """Return ``true`` at the place of ``like``."""
    return ScalarNode("", "true", like.start_mark, like.end_mark)


def mapping(pairs: Iterable[tuple[Node, Node]], like: Node) -> MappingNode:
    """Return a mapping at the place of ``like``."""
    return MappingNode("", list(pairs), like.start_mark, like.end_mark)


def with_pair(node: MappingNode, key: str, value: Node) -> MappingNode:
    """Return the mapping with one more pair, at the place of its value; a key that is there keeps its own."""
    if has(node, key):
        return node
    return mapping([*node.value, (text(key, value), value)], node)


def sequence(children: Iterable[Node], like: Node) -> SequenceNode:
    """Return a list at the place of ``like``."""
    return SequenceNode("", list(children), like.start_mark, like.end_mark)


def has(node: Node, *names: str) -> bool:
    """Tell whether a mapping has one of the keys."""
    return isinstance(node, MappingNode) and any(
        isinstance(key, ScalarNode) and key.value in names for key, _ in node.value
    )
