"""What the ``$ref`` of a schema names, within its own file (JSON Schema 2020-12, core chapter 8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote, urljoin

from naftiko.types import ABSENT

_MOST: Final = 50_000
"""Nodes of a schema that are looked through for names."""


class References:
    """The places of one schema that a reference may name: by pointer, by anchor, by ``$id``."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._named: dict[str, Any] | None = None

    def target(self, reference: str) -> Any:
        """Return what is named, or ABSENT: nothing outside of the file is ever fetched."""
        base, _, fragment = reference.partition("#")
        resource = self._root if not base else self._names().get(self._absolute(base), ABSENT)
        if not fragment or resource is ABSENT:
            return resource
        if fragment.startswith("/"):
            return _at(resource, fragment)
        return self._names().get(f"{self._absolute(base)}#{fragment}", ABSENT)

    def _absolute(self, reference: str) -> str:
        try:
            return urljoin(str(self._root.get("$id", "")), reference).rstrip("#")
        except ValueError:
            return reference

    def _names(self) -> dict[str, Any]:
        if self._named is None:
            self._named = {}
            found: list[tuple[Any, str]] = [(self._root, self._absolute(""))]
            for _ in range(_MOST):
                if not found:
                    break
                node, base = found.pop()
                if isinstance(node, list):
                    found += [(inner, base) for inner in node]
                elif isinstance(node, Mapping):
                    found += [(inner, self._register(node, base)) for inner in node.values()]
        return self._named

    def _register(self, node: Mapping[str, Any], base: str) -> str:
        """Note the names of a node; return the base of what is in it."""
        names = self._named if self._named is not None else {}
        if isinstance(node.get("$id"), str):
            base = self._absolute(node["$id"])
            names.setdefault(base, node)
        for keyword in ("$anchor", "$dynamicAnchor"):
            if isinstance(node.get(keyword), str):
                names.setdefault(f"{base}#{node[keyword]}", node)
        return base


def _at(node: Any, pointer: str) -> Any:
    """Return what a JSON Pointer (RFC 6901) names, or ABSENT."""
    for step in pointer.split("/")[1:]:
        key = unquote(step).replace("~1", "/").replace("~0", "~")
        if isinstance(node, Mapping):
            node = node.get(key, ABSENT)
        elif isinstance(node, list) and key.isdecimal() and int(key) < len(node):
            node = node[int(key)]
        else:
            return ABSENT
        if node is ABSENT:
            return ABSENT
    return node
