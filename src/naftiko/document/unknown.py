"""Unknown keys: told with the key that was meant; an error where all that a file serves hangs on it (SEMANTICS 1.4)."""

from __future__ import annotations

from collections.abc import Container
from typing import Final

from yaml.nodes import Node

from naftiko.document.findings import Findings
from naftiko.document.model import AdapterModel, Aggregate, Authentication, CapabilityDocument, Model, Step
from naftiko.document.shapes import written
from naftiko.document.suggest import nearest

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
