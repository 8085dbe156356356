"""Short forms of policies: ``retry: 3``, ``timeLimiter: 10s``, ``circuitBreaker: false``, ``timeout`` of an API."""

from __future__ import annotations

from typing import Final

from yaml.nodes import MappingNode, ScalarNode

from naftiko.document.dialects import nodes
from naftiko.document.dialects.reading import SCALAR, Reads, reads
from naftiko.document.findings import Findings
from naftiko.document.reader import Entries, is_null, scalar

_KEY: Final = "resiliency"
_SHORT: Final = {"timeout": "timeLimiter", "retry": "retry"}
LONE: Final = {
    "timeLimiter": "timeout",
    "retry": "maxAttempts",
    "cache": "ttl",
    "bulkhead": "maxConcurrentCalls",
    "rateLimiter": "limitForPeriod",
    "fallback": "call",
}
"""What the value of a policy is that is no mapping."""


@reads(Reads(dict.fromkeys(_SHORT, "") | {"resilience": _KEY}))
def declared(found: Entries, findings: Findings) -> None:  # noqa: ARG001  # a concern's shape
    """Bring ``resilience``, ``timeout`` and ``retry`` beside it into ``resiliency``, whose own keys win."""
    if "resilience" in found:
        found.setdefault(_KEY, found.pop("resilience"))
    for short, key in _SHORT.items():
        entry = found.get(short)
        if entry is None or (_KEY in found and not isinstance(found[_KEY][1], MappingNode)):
            continue
        key_node, value = found.pop(short)
        place, inner = found.get(_KEY, (key_node, nodes.mapping((), key_node)))
        pair = (nodes.text(key, key_node), value)
        found[_KEY] = (place, inner if nodes.has(inner, key) else nodes.mapping([*inner.value, pair], inner))


@reads(Reads(shapes={policy: [SCALAR] for policy in (*LONE, "circuitBreaker")}))
def short(found: Entries, findings: Findings) -> None:
    """Bring a policy that is one value to its mapping: ``false`` is none, ``true`` is all as it usually is."""
    for key, (key_node, value) in list(found.items()):
        if not isinstance(value, ScalarNode) or is_null(value) or (key not in LONE and key != "circuitBreaker"):
            continue
        lone = "enabled" if isinstance(scalar(value, findings), bool) else LONE.get(key)
        if lone is not None:
            found[key] = (key_node, nodes.mapping([(nodes.text(lone, key_node), value)], value))
