"""``call: {operation, with}`` is ``call`` and ``with``."""

from __future__ import annotations

from yaml.nodes import MappingNode

from naftiko.document.dialects import nodes
from naftiko.document.findings import Findings
from naftiko.document.reader import Entries, entries, is_null


def spread(found: Entries, findings: Findings) -> None:
    """Spread a call object; its ``with`` wins over the sibling one, key by key."""
    if "call" not in found or not isinstance(found["call"][1], MappingNode):
        return
    key, call = found.pop("call")
    inner = entries(call, findings)
    operation = inner.get("operation") or inner.get("call") or inner.get("ref")
    if operation is not None:
        found["call"] = (key, operation[1])
    if "with" not in inner or is_null(inner["with"][1]):
        return
    with_key, with_value = inner["with"]
    outer = found.get("with")
    if outer is not None and isinstance(outer[1], MappingNode) and isinstance(with_value, MappingNode):
        merged = entries(outer[1], findings) | entries(with_value, findings)
        with_value = nodes.mapping(merged.values(), with_value)
    found["with"] = (with_key, with_value)
