"""The nodes of a composed document, for whoever asks where something stands: PyYAML is known to this room alone."""

from __future__ import annotations

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

__all__ = ["MappingNode", "Node", "ScalarNode", "SequenceNode"]
