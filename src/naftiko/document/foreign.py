"""Tell files of other formats by their root keys: what they are, and what to do with one."""

from __future__ import annotations

from typing import Final

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from naftiko.document.findings import Findings
from naftiko.document.reader import Entries, entries

_VERSIONED: Final = {
    "openapi": "OpenAPI",
    "swagger": "Swagger",
    "asyncapi": "AsyncAPI",
    "arazzo": "Arazzo",
    "overlay": "an OpenAPI Overlay",
    "openrpc": "OpenRPC",
}
_CONSUME: Final = "write a capability that consumes it: its `paths` may stand in a `consumes` entry with a `baseUri`"
_CALLS: Final = "write a capability: what it requests are `consumes` entries, what it offers are `exposes` entries"
_ADVICE: Final = {"openapi": _CONSUME, "swagger": _CONSUME}
_KEYS: Final = (
    ({"services"}, {"image", "build"}, "a Compose file", "name the capability that a container serves"),
    ({"jobs", "on"}, set[str](), "a workflow of GitHub Actions", "name the capability that it checks"),
    ({"mcpServers"}, set[str](), "a configuration of MCP clients", "`naftiko install` writes it; name the capability"),
    ({"$schema", "properties"}, set[str](), "a JSON Schema", "name a capability that follows it"),
)


def other_format(found: Entries, findings: Findings) -> tuple[Node, str, str] | None:
    """Return what a file without our root key is: the key that says so, its name, and what to do; ``None``: unknown."""
    for key, name in _VERSIONED.items():
        if key in found and isinstance(found[key][1], ScalarNode):
            place, version = found[key]
            return place, f"{name} {version.value[:20]}".strip(), _ADVICE.get(key, _CALLS)
    return _postman(found, findings) or _manifest(found) or _by_keys(found, findings)


def _postman(found: Entries, findings: Findings) -> tuple[Node, str, str] | None:
    info = entries(found["info"][1], findings) if "info" in found else {}
    schema = info["schema"][1] if "schema" in info else None
    named = isinstance(schema, ScalarNode) and "getpostman" in schema.value
    listed = "item" in found and isinstance(found["item"][1], SequenceNode)
    if named or "_postman_id" in info or (listed and "info" in found):
        return found["info"][0], "a Postman collection", _CALLS
    return None


def _manifest(found: Entries) -> tuple[Node, str, str] | None:
    if not {"apiVersion", "kind"} <= found.keys():
        return None
    place, kind = found["kind"]
    word = str(getattr(kind, "value", ""))[:60]
    advice = "take the capability out of it: it is the manifest's `spec`, or a file in its `data`"
    return place, f"a Kubernetes manifest of kind {word}", advice


def _by_keys(found: Entries, findings: Findings) -> tuple[Node, str, str] | None:
    for keys, inner, name, advice in _KEYS:
        if keys <= found.keys():
            place, value = found[min(keys)]
            below = [child for _, child in entries(value, findings).values()] if inner else []
            if not inner or any(_has(child, inner, findings) for child in below):
                return place, name, advice
    return None


def _has(node: Node, keys: set[str], findings: Findings) -> bool:
    return isinstance(node, MappingNode) and bool(keys & entries(node, findings).keys())
