"""Steps.

``calls`` and ``operation`` are ``call``, ``call: {operation, with}`` is ``call`` and ``with``, and ``lookupValue`` is
a list.
"""

from __future__ import annotations

from typing import Final

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from naftiko.document.dialects import nodes
from naftiko.document.dialects.reading import LIST, MAP, SCALAR, Reads, reads
from naftiko.document.findings import Findings
from naftiko.document.reader import Entries, entries, is_null


@reads(Reads(shapes={"lookupValue": [LIST]}))
def lookup(found: Entries, findings: Findings) -> None:
    """``lookupValue: [a, b]`` looks several values up."""
    del findings
    if "lookupValue" in found and isinstance(found["lookupValue"][1], SequenceNode):
        found["lookupValues"] = found.pop("lookupValue")


_OPERATION = ("operation", "call", "calls", "ref", "name", "operationId", "id")
_CALL: Final = {
    "type": "object",
    "properties": {**dict.fromkeys((*_OPERATION, "namespace"), SCALAR), "with": MAP},
    "additionalProperties": False,
}


_CALLS: Final = [_CALL, {"type": "array", "items": {"anyOf": [SCALAR, _CALL]}, "maxItems": 1}]


@reads(Reads({"calls": "call", "operation": "call"}, {"call": _CALLS}))
def spread(found: Entries, findings: Findings) -> None:
    """Bring the spellings of a call to ``call: namespace.operation`` and ``with``."""
    for other in ("calls", "operation"):
        if other in found and "call" not in found:
            found["call"] = found.pop(other)
    if "call" not in found:
        return
    key, call = found["call"]
    if isinstance(call, SequenceNode) and len(call.value) == 1:
        call = call.value[0]
        found["call"] = (key, call)
    if isinstance(call, MappingNode):
        _spread(found, key, entries(call, findings), findings)


def _spread(found: Entries, key: Node, inner: Entries, findings: Findings) -> None:
    """Spread a call object; its ``with`` wins over the sibling one, key by key."""
    operation = next((inner[name][1] for name in _OPERATION if name in inner), None)
    if operation is None:
        if not inner:
            del found["call"]  # `call: {{name}}`, which is told as the YAML it is
        return  # any other mapping is told where a name must be
    found["call"] = (key, _in_namespace(operation, inner))
    if "with" not in inner or is_null(inner["with"][1]):
        return
    with_key, with_value = inner["with"]
    outer = found.get("with")
    if outer is not None and isinstance(outer[1], MappingNode) and isinstance(with_value, MappingNode):
        merged = entries(outer[1], findings) | entries(with_value, findings)
        with_value = nodes.mapping(merged.values(), with_value)
    found["with"] = (with_key, with_value)


def _in_namespace(operation: Node, inner: Entries) -> Node:
    """Return the operation of ``{namespace, operation}`` under its whole name."""
    namespace = inner["namespace"][1] if "namespace" in inner else None
    if not isinstance(operation, ScalarNode) or not isinstance(namespace, ScalarNode) or is_null(namespace):
        return operation
    prefix = f"{namespace.value}."
    return operation if operation.value.startswith(prefix) else nodes.text(prefix + operation.value, operation)
