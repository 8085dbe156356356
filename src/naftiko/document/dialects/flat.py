"""The flat format: ``baseUrl`` and ``operations`` at the root or in ``info``, consumed and exposed one to one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from naftiko.document.dialects import nodes, routes
from naftiko.document.findings import Findings
from naftiko.document.reader import Entries, entries, is_null

OF_API: Final = ("baseUri", "baseUrl", "baseURI", "authentication", "auth", "headers", "inputParameters", "namespace")
"""Keys of the API, at the root or in ``info``."""
OF_INFO: Final = ("name", "label", "display", "title", "description", "version", "tags")
"""Keys of ``info``, at the root."""
_NO_WORD: Final = re.compile(r"[^a-z0-9]+")


def bring(root: Entries, findings: Findings) -> None:
    """Bring a flat file's entries to ``consumes`` and, where it exposes nothing itself, ``exposes``.

    Args:
        root: the entries of the root and of ``capability``, joined.
        findings: where problems are told.
    """
    key = next((key for key in ("operations", "paths") if key in root and not is_null(root[key][1])), None)
    if key is None or "consumes" in root:
        return
    place, node = root.pop(key)
    paths = key == "paths" and isinstance(node, MappingNode)
    found = routes.operations_of(node, findings) if paths else _listed(node, findings)
    operations = [_called(operation, findings) for operation in found]
    info = entries(root["info"][1], findings) if "info" in root else {}
    api: Entries = {word: part.pop(word) for part in (root, info) for word in OF_API if word in part}
    info |= {word: root.pop(word) for word in OF_INFO if word in root and word not in info}
    key_node, written = root.get("info", (place, place))
    root["info"] = (key_node, _mapping(info, written))
    namespace = api.setdefault("namespace", (place, _namespace(info, place)))[1]
    consumed = _mapping({**api, "operations": (place, nodes.sequence(operations, place))}, place)
    root["consumes"] = (place, nodes.sequence([consumed], place))
    if "exposes" not in root:
        root["exposes"] = (place, nodes.sequence(_adapters(operations, str(namespace.value), place), place))


def _mapping(found: Entries, place: Node) -> MappingNode:
    return nodes.mapping(((nodes.text(word, key), value) for word, (key, value) in found.items()), place)


def _namespace(info: Entries, place: Node) -> ScalarNode:
    """Return a namespace made of the name of the file, ``api`` where it has none."""
    texts = (info[key][1] for key in OF_INFO[:4] if key in info)
    names = (_slug(node.value) for node in texts if isinstance(node, ScalarNode))
    return nodes.text(next((name for name in names if name), "api"), place)


def _slug(text: str) -> str:
    return _NO_WORD.sub("-", text.lower()).strip("-")


def _listed(node: Node, findings: Findings) -> Iterator[MappingNode]:
    """Yield the operations of a list, or of a map from names."""
    if isinstance(node, SequenceNode):
        yield from (child for child in node.value if isinstance(child, MappingNode))
    for name, (key, value) in entries(node, findings).items():
        if isinstance(value, MappingNode):
            yield nodes.with_pair(value, "name", nodes.text(name, key))


def _called(operation: MappingNode, findings: Findings) -> MappingNode:
    """Return the operation with a name to call it by: its own, its id, or its method and path."""
    found = entries(operation, findings)
    name = next((found[key][1].value for key in ("name", "operationId", "id") if key in found), None)
    if not isinstance(name, str):
        words = (found[key][1].value for key in ("method", "path") if key in found)
        name = _slug("-".join(word for word in words if isinstance(word, str))) or "call"
    return nodes.with_pair(operation, "name", nodes.text(name, operation))


def _adapters(operations: list[MappingNode], namespace: str, place: Node) -> Iterator[Node]:
    """Yield a REST and an MCP adapter that expose the operations under their own names and paths."""
    for kind, units, kept in (("rest", "operations", ("method", "path")), ("mcp", "tools", ())):
        exposed = nodes.sequence((_unit(operation, namespace, kept) for operation in operations), place)
        words = {"type": nodes.text(kind, place), "namespace": nodes.text(f"{namespace}-{kind}", place)}
        yield _mapping({word: (place, value) for word, value in {**words, units: exposed}.items()}, place)


def _unit(operation: MappingNode, namespace: str, kept: tuple[str, ...]) -> Node:
    """Return the unit that calls an operation; its inputs and its description follow from it."""
    found = {key.value: (key, value) for key, value in operation.value if isinstance(key, ScalarNode)}
    name = found["name"][1]
    call = nodes.text(f"{namespace}.{name.value}", name)
    unit = {key: found[key] for key in ("name", *kept) if key in found}
    return _mapping({**unit, "call": (name, call)}, operation)
