"""Dotted names in templates: ``{{order.lines.0.sku}}`` goes into objects by name and into lists by position.

A JSONPath writes a position as ``[0]``; a dotted name, as Mustache and the reference engine have it, writes it like a
name. Whether ``0`` is a name or a position is the document's to say.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from naftiko.plan import jsonpath
from naftiko.types import ABSENT

_DOTTED: Final = re.compile(r"\$?\.?([^][.(){}*?'\"`\s]+(?:\.[^][.(){}*?'\"`\s]+)*)")
_POSITION: Final = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class DottedPath:
    """A dotted name with a position in it.

    Attributes:
        path: what it is as a JSONPath, where every part is a name.
        parts: the parts, each a name, and the position that it is in a list.
    """

    path: jsonpath.JSONPath
    parts: tuple[tuple[str, int | None], ...]

    @property
    def text(self) -> str:
        """As written."""
        return self.path.text

    def __call__(self, document: Any) -> Any:
        """Return what it names in a document, or ABSENT."""
        node = document
        for name, position in self.parts:
            if isinstance(node, dict):
                node = node.get(name, ABSENT)
            elif isinstance(node, list) and position is not None and position < len(node):
                node = node[position]
            else:
                return ABSENT
        return node

    def explain(self, document: Any) -> jsonpath.Explanation:
        """Tell where it leaves the document."""
        return self.path.explain(document)


def parse(text: str) -> jsonpath.JSONPath | DottedPath:
    """Parse what stands after a name in a placeholder: ``.a.0.b``, ``[0].b``, or any other JSONPath.

    Raises:
        jsonpath.JSONPathError: it is broken.
    """
    path = jsonpath.parse(text)
    found = _DOTTED.fullmatch(text)
    if found is None:
        return path
    parts = tuple((name, int(name) if _POSITION.fullmatch(name) else None) for name in found[1].split("."))
    return DottedPath(path, parts) if any(position is not None for _, position in parts) else path
