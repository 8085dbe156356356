"""Routes: ``paths`` as OpenAPI has them, resources that are their only operation, operations without resources."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, TypeGuard

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from naftiko.document.dialects import nodes
from naftiko.document.dialects.reading import ONE, SCALAR, Reads, reads
from naftiko.document.findings import Findings
from naftiko.document.reader import Entries, entries, is_null

_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"})
"""The methods that a key of ``paths`` may be, as OpenAPI has them."""
_OF_RESOURCE = frozenset({"name", "label", "display", "title", "description", "tags", "path", "forward", "id"})
"""Keys that a resource keeps where it is its only operation; the operation has the first of them too."""
_OF_BOTH = ("name", "id", "label", "display", "title", "description", "tags")
_ACTS = ("method", "call", "calls", "operation", "ref", "steps")
"""Keys that make a resource without operations, or an adapter without resources, an operation."""
_OF_ROUTE = frozenset(
    {"path", *_ACTS, "with", "mappings", "inputParameters", "outputParameters", "parameters", "summary", "operationId"}
    | {"hints", "outputRawFormat", "outputSchema", "body", "forward", "responses", "responseBinary", "redact"}
)
"""Keys of a resource and its operation that an adapter without resources may have."""
_BY_METHOD: Final = {
    "type": "object",
    "propertyNames": {"pattern": f"^({'|'.join(sorted((*_METHODS, *map(str.lower, _METHODS))))})$"},
    "additionalProperties": {"anyOf": [ONE, SCALAR, {"type": "null"}]},
}
_OPERATIONS: Final = ("ExposedOperation", "ConsumedOperation", "ExposedResource")


@reads(Reads({"paths": "", "operations": "", "path": ""}, of=_OPERATIONS))
def resources(found: Entries, findings: Findings) -> None:
    """Bring ``paths``, ``operations`` and a ``path`` of the adapter's or the API's own to ``resources``."""
    made: list[Node] = []
    if "paths" in found:
        made.extend(_of_paths(found.pop("paths")[1], findings))
    if "operations" in found and not is_null(found["operations"][1]):
        key, operations = found.pop("operations")
        made.append(nodes.mapping([(nodes.text("path", key), nodes.text("", key)), (key, operations)], operations))
    elif "path" in found and "resources" not in found and _act(found, _ACTS) is not None:
        made.append(_own_route(found))
    if not made:
        return
    key, declared = found.get("resources", (made[0], made[0]))
    found["resources"] = (key, nodes.sequence([*_declared(found, findings), *made], declared))


def _declared(found: Entries, findings: Findings) -> Iterator[Node]:
    """Yield the resources that stand under ``resources``, those of a map under their names."""
    declared = found["resources"][1] if "resources" in found else None
    if isinstance(declared, SequenceNode):
        yield from declared.value
    elif isinstance(declared, MappingNode):
        for name, (key, value) in entries(declared, findings).items():
            yield nodes.with_pair(value, "name", nodes.text(name, key)) if isinstance(value, MappingNode) else value


def _own_route(found: Entries) -> Node:
    """Return the resource that an adapter with a path and a method is: it takes all that is an operation's."""
    place = found["path"][1]
    both = [found[key] for key in _OF_BOTH if key in found]
    return nodes.mapping([*both, *(found.pop(key) for key in list(found) if key in _OF_ROUTE)], place)


def _of_paths(paths: Node, findings: Findings) -> Iterator[Node]:
    """Yield a resource for each path of ``paths: {path: {method: operation}}``; a list is one of resources."""
    if isinstance(paths, SequenceNode):
        yield from paths.value
    for path, (key, item) in entries(paths, findings).items():
        where = (nodes.text("path", key), nodes.text(path, key))
        if isinstance(item, MappingNode):
            yield nodes.mapping([where, *_of_item(item)], item)
        elif isinstance(item, SequenceNode):
            yield nodes.mapping([where, (nodes.text("operations", key), item)], item)
        else:
            yield nodes.mapping([where, (nodes.text("call", item), item)], key)


def operations_of(paths: Node, findings: Findings) -> Iterator[MappingNode]:
    """Yield the operations of ``paths``, each with its path and method."""
    for path, (key, item) in entries(paths, findings).items():
        for method, operation in item.value if isinstance(item, MappingNode) else ():
            if _is_method(method):
                yield nodes.with_pair(_of_method(method, operation), "path", nodes.text(path, key))


def _of_item(item: MappingNode) -> Iterator[tuple[Node, Node]]:
    """Yield the keys of a path: methods become operations, what else there is stays the resource's."""
    methods = [(key, value) for key, value in item.value if _is_method(key)]
    if methods and not nodes.has(item, "operations"):
        place = methods[0][0]
        yield (nodes.text("operations", place), nodes.sequence((_of_method(*pair) for pair in methods), item))
        yield from (pair for pair in item.value if not _is_method(pair[0]))
    else:
        yield from item.value


def _of_method(method: ScalarNode, operation: Node) -> MappingNode:
    """Return the operation that stands under its method: a mapping, a call alone, or nothing."""
    word = nodes.text(method.value.upper(), method)
    if isinstance(operation, MappingNode):
        return nodes.with_pair(operation, "method", word)
    pairs: list[tuple[Node, Node]] = [(nodes.text("method", method), word)]
    if not is_null(operation):
        pairs.append((nodes.text("call", operation), operation))
    return nodes.mapping(pairs, method)


def _is_method(key: Node) -> TypeGuard[ScalarNode]:
    return isinstance(key, ScalarNode) and key.value.upper() in _METHODS


def only_operation(*, acts: tuple[str, ...]) -> Callable[[Entries, Findings], None]:
    """Return the concern of resources: one without operations is its only one, by any of the keys ``acts``."""

    @reads(Reads(shapes={"operations": [_BY_METHOD]}, of=_OPERATIONS))
    def bring(found: Entries, findings: Findings) -> None:
        if "operations" in found and not is_null(found["operations"][1]):
            found["operations"] = (found["operations"][0], _with_methods(found["operations"][1], findings))
        elif (key := _act(found, acts)) is not None:
            found.pop("operations", None)
            place = found[key][0]
            both = [found[key] for key in _OF_BOTH if key in found]
            own = [found.pop(key) for key in list(found) if key not in _OF_RESOURCE]
            found["operations"] = (place, nodes.sequence([nodes.mapping([*both, *own], place)], place))

    return bring


def _act(found: Entries, acts: tuple[str, ...]) -> str | None:
    """Return the key that makes a resource an operation; a list under ``operation`` is a misspelt ``operations``."""
    scalars = (key for key in acts if key in found and (key == "steps" or not _is_collection(key, found[key][1])))
    return next(scalars, None)


def _is_collection(key: str, value: Node) -> bool:
    return isinstance(value, SequenceNode) or (key == "operation" and isinstance(value, MappingNode))


exposed = only_operation(acts=_ACTS)
consumed = only_operation(acts=("method",))


def _with_methods(operations: Node, findings: Findings) -> Node:
    """Return operations that stand under their methods, ``{get: {...}, post: {...}}``, with them."""
    if not isinstance(operations, MappingNode) or not any(_is_method(key) for key, _ in operations.value):
        return operations
    pairs = []
    for key, value in entries(operations, findings).values():
        pairs.append((key, _of_method(key, value) if _is_method(key) else value))
    return nodes.mapping(pairs, operations)


@reads(Reads({"summary": "description", "parameters": "inputParameters"}))
def described(found: Entries, findings: Findings) -> None:
    """Read OpenAPI's ``summary`` as a missing description, ``parameters`` as the input parameters."""
    del findings
    if "summary" in found:
        entry = found.pop("summary")
        found.setdefault("description" if "description" not in found else "label", entry)
    if "parameters" in found and "inputParameters" not in found:
        found["inputParameters"] = found.pop("parameters")
