"""Skills: one skill in place of a catalogue (``agent-skill``), and groups of calls that each are a skill."""

from __future__ import annotations

from typing import Final

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from naftiko.document.dialects import nodes
from naftiko.document.dialects.reading import ONE, Reads, reads
from naftiko.document.findings import Findings
from naftiko.document.reader import Entries

_TOOLS: Final = "tools"
_SKILLS: Final = "skills"
_ONE: Final = "skill"


@reads(Reads({"skill": "skills", "groups": ""}, {"skills": [ONE]}))
def declared(found: Entries, findings: Findings) -> None:  # noqa: ARG001  # a concern's shape
    """``skill`` is the one skill, and each of ``groups`` is a skill whose tools are the group's ``skills``.

    What stands under ``skills`` beside them comes first.
    """
    if _ONE in found and _SKILLS not in found:
        key, value = found.pop(_ONE)
        found[_SKILLS] = (key, nodes.sequence([value], value))
    if "groups" not in found:
        return
    key, value = found.pop("groups")
    groups = [_as_skill(node) for node in _listed(value)]
    before = _listed(found[_SKILLS][1]) if _SKILLS in found else []
    found[_SKILLS] = (key, nodes.sequence([*before, *groups], value))


def _listed(node: Node) -> list[Node]:
    """Return the things of a list, or of a map from name to thing."""
    if isinstance(node, SequenceNode):
        return list(node.value)
    if isinstance(node, MappingNode):
        return [
            nodes.with_pair(value, "name", key) if isinstance(value, MappingNode) else value
            for key, value in node.value
        ]
    return [node]


def _as_skill(group: Node) -> Node:
    if not isinstance(group, MappingNode) or nodes.has(group, _TOOLS):
        return group
    return nodes.mapping(
        (
            (nodes.text(_TOOLS, key), value) if isinstance(key, ScalarNode) and key.value == _SKILLS else (key, value)
            for key, value in group.value
        ),
        group,
    )
