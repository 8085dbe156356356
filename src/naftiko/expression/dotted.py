"""Dotted names.

``{{order.lines.0.sku}}`` goes into objects by name and into lists by position; a known name may begin one.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import Any, Final

from naftiko.document.suggest import fold
from naftiko.expression import jsonpath
from naftiko.ground.types import ABSENT

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


def known_prefix(text: str, known: Container[str]) -> tuple[str, str] | None:
    """Return the longest known name that a dotted name begins with, and the rest: ``order``, ``.lines[0].sku``."""
    for at in range(len(text) - 2, 0, -1):
        if text[at] in ".[" and text[:at] in known:
            return text[:at], text[at:]
    return None


def same_name(written: str, known: Iterable[str]) -> str | None:
    """Return the only known name that is the same but for case and punctuation (SEMANTICS 1.4)."""
    folded = fold(written)
    same = {name for name in known if folded and fold(name) == folded}
    return same.pop() if len(same) == 1 else None


def near_prefix(text: str, known: Iterable[str], *, whole: bool) -> tuple[str, str, str] | None:
    """Return the only known name that a dotted name nearly begins with, the longest first.

    Args:
        text: ``get-order.lines[0].sku``.
        known: the names.
        whole: whether the text may be nothing but the name.

    Returns:
        the name as written, the known one, and the rest: ``get-order``, ``getOrder``, ``.lines[0].sku``.
    """
    names = tuple(known)
    ends = [at for at in range(len(text) - 1, 0, -1) if text[at] in ".["] if names else []
    for at in [len(text), *ends] if whole else ends:
        meant = same_name(text[:at], names)
        if meant is not None:
            return text[:at], meant, text[at:]
    return None
