"""Binds: what is declared and never used, which often is a credential that nobody sends."""

from __future__ import annotations

import re
from collections.abc import Iterator

from naftiko.document.findings import Findings
from naftiko.document.model import Bind, CapabilityDocument, ConsumesHttp
from naftiko.document.nodes import MappingNode, Node, ScalarNode, SequenceNode
from naftiko.document.suggest import nearest
from naftiko.plan.unit import CapabilityPlan

_PLACEHOLDER = re.compile(r"\{\{\s*[#^/&]?\s*([^{}]+?)\s*\}\}|\{([^{}]+)\}")


def check_binds(document: CapabilityDocument, plan: CapabilityPlan, findings: Findings) -> None:
    """Tell variables that nothing uses; louder where no consumed API has a credential at all."""
    binds = [bind for bind in document.binds if isinstance(bind, Bind) and bind.keys]
    _check_named(document, binds, findings)
    known = _variables_of(plan)
    left = [(bind, name) for bind in binds for name in bind.keys if not _names(bind, name) & known]
    if not left:
        return
    used = set(_used(document.node))
    unused = [(bind, name) for bind, name in left if not _names(bind, name) & used]
    bare = [api.namespace for api in plan.apis.values() if api.authentication is None]
    without = len(bare) == len(plan.apis) and bool(bare)
    for bind, name in unused:
        where = findings.at(bind.at("keys", name))
        if without:
            where.warning(
                "unauthenticated-api",
                f"`{name}` is declared and never used, and no consumed API has an authentication",
                hint=f'add `authentication: {{type: bearer, token: "{{{{{name}}}}}"}}` to `{bare[0]}`, '
                f"or give one when serving: --auth '{bare[0]}=bearer:{{{{{name}}}}}'",
            )
        else:
            where.hint("unused-bind", f"`{name}` is declared and never used", hint="remove it")


def _check_named(document: CapabilityDocument, binds: list[Bind], findings: Findings) -> None:
    """Tell variables of credentials and base URIs that no bind declares, where one is declared that is nearly it.

    Others are no mistake: they are read from the environment.
    """
    declared = [name for bind in binds for name in bind.keys]
    for node in _places(document) if declared else ():
        for name in _mentioned(node):
            plain = name.rpartition(".")[2]
            near = None if name.startswith("env.") or plain in declared else nearest(plain, declared)
            if near is not None:
                findings.at(node).warning(
                    "undeclared-variable", f"`{name}` is declared by no bind", hint=f"did you mean `{near}`?"
                )


def _places(document: CapabilityDocument) -> Iterator[ScalarNode]:
    """Yield the texts of credentials and base URIs."""
    for thing in (*document.consumes, *document.exposes):
        authentication = getattr(thing, "authentication", None)
        if authentication is not None:
            yield from _scalars(authentication.node)
        if isinstance(thing, ConsumesHttp) and thing.base_uri is not None:
            yield from _scalars(thing.at("baseUri"))


def _variables_of(plan: CapabilityPlan) -> set[str]:
    """Return the variables that credentials and base URIs need, which is where nearly all are."""
    of_apis = {name for api in plan.apis.values() for name in api.variables}
    return of_apis | {name for adapter in plan.adapters for name in adapter.variables}


def _names(bind: Bind, name: str) -> set[str]:
    return {name, f"{bind.namespace}.{name}", f"env.{name}"}


def _used(root: Node | None) -> Iterator[str]:
    """Yield every name that a text outside of ``binds`` mentions, in a placeholder or as the whole text."""
    for node in _scalars(root):
        if "{" in node.value:
            yield from _mentioned(node)
        else:
            yield node.value


def _mentioned(node: ScalarNode) -> Iterator[str]:
    return ((found[1] or found[2]) for found in _PLACEHOLDER.finditer(node.value))


def _scalars(root: Node | None) -> Iterator[ScalarNode]:
    """Yield the texts below a node, each once, those of ``binds`` left out."""
    stack: list[Node] = [root] if root is not None else []
    seen: set[int] = set()
    while stack:
        node = stack.pop()
        if isinstance(node, ScalarNode):
            yield node
        elif id(node) not in seen:
            seen.add(id(node))
            stack.extend(_below(node))


def _below(node: Node) -> list[Node]:
    if isinstance(node, MappingNode):
        return [value for key, value in node.value if getattr(key, "value", None) != "binds"]
    return list(node.value) if isinstance(node, SequenceNode) else []
