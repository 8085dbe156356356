"""What a file says and nobody knows: keys, told with the one that was meant, and whole files of other formats."""

from __future__ import annotations

from collections.abc import Container
from typing import Final

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from naftiko.document.findings import Findings
from naftiko.document.model import AdapterModel, Aggregate, Authentication, CapabilityDocument, Model, Step
from naftiko.document.reader import Entries, entries
from naftiko.document.shapes import written
from naftiko.document.suggest import nearest

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


_HOLDING: Final = frozenset(
    {"capability", "exposes", "consumes", "aggregates", "resources", "operations", "tools", "functions", "flows"}
    | {"steps", "call", "ref"}
)
"""Keys without which nothing is served, consumed or called: a near miss of one that isn't there takes it all away."""
_ALSO: Final[dict[type[Model], tuple[str, ...]]] = {
    CapabilityDocument: ("capability", "imports"),
    Aggregate: ("flows",),
}
"""Keys that a dialect takes before the model sees them."""
_ARTICLES: Final = {
    "CapabilityDocument": "a capability",
    "CallerLimits": "`limits`",
    "ConsumesHttp": "a `consumes` entry",
    "ConsumedResource": "a consumed resource",
    "ConsumedOperation": "a consumed operation",
    "ExposedResource": "an exposed resource",
    "ExposedOperation": "an exposed operation",
    "McpTool": "a tool",
    "Info": "`info`",
    "InputParameter": "an input parameter",
    "OutputParameter": "an output parameter",
}


def report_unknown_key(key: str, node: Node, model: type[Model], beside: Container[str], findings: Findings) -> None:
    """Report a key that a model doesn't have.

    Args:
        key: the key.
        node: its place.
        model: the model.
        beside: the keys that stand beside it.
        findings: where it is told.
    """
    if model.open_ended or key.startswith("x-"):
        return
    known = (*written(model), *_ALSO.get(model, ()))
    missed = nearest(key, [word for word in known if word in _HOLDING and word not in beside])
    near = missed or nearest(key, known)
    here = findings.at(node)
    message = f"`{key}` is no key of {_article(model)}"
    hint = f"did you mean `{near}`?" if near else f"known keys: {', '.join(written(model))}"
    if missed is not None:
        here.error("unknown-key", f"{message}, and it has no `{missed}`", hint=hint)
    else:
        here.warning("unknown-key", message, hint=hint)


def _article(model: type[Model]) -> str:
    if issubclass(model, AdapterModel | Authentication | Step):
        return model.called
    words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in model.__name__).strip()
    return _ARTICLES.get(model.__name__, f"{'an' if words[0] in 'aeiou' else 'a'} {words}")
