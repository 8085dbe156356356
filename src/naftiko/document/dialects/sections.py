"""Sections of a file: ``imports`` are consumes entries, ``externalRefs`` are binds (SEMANTICS 1.3)."""

from __future__ import annotations

from typing import Final

from yaml.nodes import MappingNode, Node, SequenceNode

from naftiko.document.dialects import imports, nodes
from naftiko.document.findings import Findings
from naftiko.document.reader import Entries, entries, is_null

ROOT_KEYS: Final = ("naftiko", "ikanos")
"""Of these a file has one: the version of the language."""
SECTIONS: Final = ("consumes", "exposes", "aggregates", "binds")
_REFERENCES: Final = "externalRefs"
_OF_REFERENCES: Final = frozenset({"type", "resolution"})
_AT_RUN_TIME: Final = frozenset({"runtime", "environment", "env"})


def take(part: Entries, section: str, findings: Findings) -> list[tuple[Node, Node]]:
    """Take a section out of the root or of ``capability``: each place that it stands in, as the model reads it.

    Args:
        part: the entries, from which what is taken is removed.
        section: one of ``SECTIONS``.
        findings: where problems are told.
    """
    taken: list[tuple[Node, Node]] = []
    if section in part:
        key, value = part.pop(section)
        taken.append((key, imports.in_consumes(value, findings) if section == "consumes" else value))
    if section == "consumes":
        for word in imports.KEYS:
            if word in part:
                key, value = part.pop(word)
                taken.append((key, nodes.sequence(imports.listed(value, findings), value)))
    if section == "binds" and _REFERENCES in part:
        key, value = part.pop(_REFERENCES)
        taken.append((key, _binds(value, findings)))
    return [entry for entry in taken if not is_null(entry[1])]


def _binds(references: Node, findings: Findings) -> Node:
    """Return ``externalRefs: [{name, type, resolution, uri, keys}]`` as binds, which they became."""
    if isinstance(references, SequenceNode):
        return nodes.sequence((_bind(child, findings) for child in references.value), references)
    if isinstance(references, MappingNode):
        pairs = ((key, _bind(value, findings)) for key, value in references.value)
        return nodes.mapping(pairs, references)
    return references


def _bind(reference: Node, findings: Findings) -> Node:
    """Return a reference as a bind; one that is resolved at run time reads the environment, wherever its file is."""
    if not isinstance(reference, MappingNode):
        return reference
    found = entries(reference, findings)
    resolution = str(getattr(found["resolution"][1], "value", "")) if "resolution" in found else ""
    where = "" if resolution.lower() in _AT_RUN_TIME else "location"
    names = {"uri": where, "name": "namespace", **dict.fromkeys(_OF_REFERENCES, "")}
    kept = ((key, pair) for key, pair in found.items() if names.get(key, key))
    return nodes.mapping(((nodes.text(names.get(key, key), place), value) for key, (place, value) in kept), reference)
