"""Imports: every place and spelling of them is ``consumes: [{from, import, as}]`` (SEMANTICS 1.3, 1.5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from naftiko.document.dialects import nodes
from naftiko.document.dialects.reading import Reads, reads
from naftiko.document.findings import Findings
from naftiko.document.reader import Entries, entries, is_null

KEYS = ("import", "imports")
"""The keys under which a file, its ``capability`` or its ``consumes`` lists imports."""
_SOURCES = ("from", "location", "path", "file")
_OWN = frozenset({"baseUri", "baseUrl", "baseURI", "resources", "operations", "paths"})
"""Keys of a thing of its own, which imports nothing."""
_ENTRY = _OWN | {"type", "namespace", "from", "import"}
"""Keys of a single entry; in a map from namespaces they would be namespaces."""


def is_import(found: Entries) -> bool:
    """Tell an import from a thing of its own."""
    return "import" in found or ("from" in found and not _OWN & found.keys())


@reads(Reads({**dict.fromkeys(_SOURCES[1:], "from"), "type": "", "namespace": "as", "name": "as"}))
def both_spellings(found: Entries, findings: Findings) -> None:
    """Bring both spellings and the swapped form to ``{from, import, as}``."""
    found.pop("type", None)  # `type: http` beside `import`: the other file says it
    for other in _SOURCES[1:]:
        if other in found:
            entry = found.pop(other)
            found.setdefault("from", entry)
    for name in ("namespace", "name"):  # the name here, as in an entry of its own
        if name in found:
            entry = found.pop(name)
            found.setdefault("as" if "import" in found else "import", entry)
    if "from" in found or "import" not in found:
        return
    key, path = found["import"]
    if _is_path(path):
        # The path stands in `import`, the namespace in `as` (18 public files). Which namespace of the file is
        # meant is not said: the one that `as` names if the file has it, else its only one.
        found["from"] = found.pop("import")
        findings.at(key).hint(
            "import-swapped",
            "`import` holds a path",
            hint="write `from: PATH`, `import: NAMESPACE` and, for another name, `as: NAME`",
        )


def listed(node: Node, findings: Findings) -> list[MappingNode]:
    """Return what stands under ``import`` or ``imports`` as mappings that ``both_spellings`` understands.

    It is a path, an import, a list of these, or a map from the name here to one of these.
    """
    if isinstance(node, SequenceNode):
        return [each for child in node.value for each in listed(child, findings)]
    if isinstance(node, MappingNode):
        return list(_in_mapping(node, entries(node, findings), findings))
    return [] if is_null(node) else [_from_path(node)]


def in_consumes(node: Node, findings: Findings) -> Node:
    """Return a ``consumes`` section whose imports are all entries ``{from, import, as}``.

    Paths stand for imports of their files; ``imports`` is a list of them, as an entry or beside entries by name.
    """
    if isinstance(node, SequenceNode):
        return nodes.sequence(_elements(node.value, findings), node) if any(map(_is_odd, node.value)) else node
    if isinstance(node, MappingNode) and not nodes.has(node, *_ENTRY):
        found = entries(node, findings)
        if any(key == "imports" or _is_path(value) for key, (_, value) in found.items()):
            return nodes.sequence(_by_name(found, findings), node)
    return nodes.sequence(_elements([node], findings), node) if _is_odd(node) else node


def _is_odd(node: Node) -> bool:
    """Tell an element of ``consumes`` that the model doesn't have: a path, a list of imports, other keys."""
    if not isinstance(node, MappingNode):
        return _is_path(node)
    if nodes.has(node, *_OWN):
        return False
    for key, value in node.value:
        word = key.value if isinstance(key, ScalarNode) else ""
        if word in _SOURCES[1:] or word == "imports" or (word == "import" and not isinstance(value, ScalarNode)):
            return True
    return False


def _elements(children: Iterable[Node], findings: Findings) -> Iterator[Node]:
    for child in children:
        if not _is_odd(child):
            yield child
        elif nodes.has(child, "imports"):
            yield from listed(entries(child, findings)["imports"][1], findings)
        else:
            yield from listed(child, findings)


def _by_name(found: Entries, findings: Findings) -> Iterator[Node]:
    """Yield the entries of a map from namespaces, imports among them."""
    for name, (key, value) in found.items():
        if name == "imports":
            yield from listed(value, findings)
        elif isinstance(value, MappingNode) and not nodes.has(value, "import", *_SOURCES):
            yield nodes.with_pair(value, "namespace", nodes.text(name, key))
        else:
            yield from _named(name, key, value, findings)


def _in_mapping(node: MappingNode, found: Entries, findings: Findings) -> Iterator[MappingNode]:
    if not any(key in found for key in (*_SOURCES, "import")):
        for name, (key, value) in found.items():
            yield from _named(name, key, value, findings)
    elif "import" in found and not isinstance(found["import"][1], ScalarNode):
        yield from listed(found["import"][1], findings)  # `- import: [./a.yaml, ./b.yaml]`
    elif "import" in found or "from" in found:
        yield node
    else:
        source = next(key for key in _SOURCES if key in found)
        yield nodes.with_pair(node, "from", found[source][1])


def _named(name: str, key: Node, value: Node, findings: Findings) -> Iterator[MappingNode]:
    """Yield the import that stands under its name here; under ``consumes``, a list of them."""
    if isinstance(value, SequenceNode):
        yield from listed(value, findings)
        return
    for each in listed(value, findings):
        yield nodes.with_pair(each, "as", nodes.text(name, key))


def _from_path(path: Node) -> MappingNode:
    return nodes.mapping([(nodes.text("from", path), path)], path)


def _is_path(node: Node) -> bool:
    return isinstance(node, ScalarNode) and ("/" in node.value or node.value.endswith((".yml", ".yaml", ".json")))
