"""Short forms of limits: ``limits: 10/s``, ``limits: false``."""

from __future__ import annotations

from typing import Final

from yaml.nodes import ScalarNode

from naftiko.document.dialects import nodes
from naftiko.document.dialects.reading import SCALAR, Reads, reads
from naftiko.document.findings import Findings
from naftiko.document.reader import Entries, is_null, scalar

_KEY: Final = "limits"


@reads(Reads(shapes={_KEY: [SCALAR]}))
def declared(found: Entries, findings: Findings) -> None:
    """Bring limits that are one value to their mapping."""
    if _KEY not in found:
        return
    key_node, value = found[_KEY]
    if isinstance(value, ScalarNode) and not is_null(value):
        lone = "enabled" if isinstance(scalar(value, findings), bool) else "requests"
        found[_KEY] = (key_node, nodes.mapping([(nodes.text(lone, key_node), value)], value))
