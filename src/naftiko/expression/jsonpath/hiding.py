"""Paths whose values are made null in a document (SEMANTICS 5.11): redaction, which must never miss what it names.

Only what is certain to point into the document itself is taken: names, indexes, wildcards, descents, and filters and
slices on the way. A function, or an object that is made of a union's members, is no place in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from naftiko.expression.jsonpath.literals import JSONPathError
from naftiko.expression.jsonpath.path import JSONPath, parse
from naftiko.expression.jsonpath.segments import (
    Descent,
    Index,
    Name,
    NameList,
    Segment,
    Wildcard,
    with_descendants,
)
from naftiko.ground.types import Rooted

Container = dict[str, Any] | list[Any]


def parse_hidden(text: str) -> JSONPath:
    """Compile a path whose values are to be hidden.

    Raises:
        JSONPathError: it is broken, or points to no place that something could be taken from.
    """
    path = parse(text)
    *way, last = path.segments or (None,)
    if last is None:
        raise JSONPathError("it is the whole document", 0)
    for segment in way:
        inner = segment.inner if isinstance(segment, Descent) else segment
        is_place = isinstance(inner, Name | Index | Wildcard) or getattr(inner, "is_place", False)
        if not is_place and not (isinstance(inner, NameList) and not inner.merges):
            raise JSONPathError(f"`{inner}` is no place in a document", 0)
    end = last.inner if isinstance(last, Descent) else last
    if not isinstance(end, Name | Index | Wildcard | NameList):
        raise JSONPathError("it must end in a name, an index or a wildcard", 0)
    return path


def hide(document: Any, paths: Sequence[JSONPath]) -> Any:
    """Make what paths find null, in the document itself; return it.

    What a path finds stays where it is, and others keep their places. A document that is too deep for a filter is null
    as a whole.
    """
    try:
        for path in paths:
            _hide(document, path)
    except RecursionError:
        return None
    return document


def _hide(document: Any, path: JSONPath) -> None:
    *way, last = path.segments
    nodes = [document]
    for segment in way:
        nodes = segment.select(nodes, document)
    if isinstance(last, Descent):
        nodes, last = with_descendants(nodes), last.inner
    for node in nodes:
        for key in [*_keys(node, last)]:
            node[key] = None


def _keys(node: Any, last: Segment) -> Iterator[Any]:
    if isinstance(node, dict):
        is_root = isinstance(node, Rooted) and isinstance(last, Name) and last.key == node.root
        if isinstance(last, Wildcard) or is_root:
            yield from node
        elif isinstance(last, Name | NameList):
            yield from (key for key in (last.keys if isinstance(last, NameList) else (last.key,)) if key in node)
    elif isinstance(node, list):
        if isinstance(last, Wildcard):
            yield from range(len(node))
        elif isinstance(last, Index) and -len(node) <= last.key < len(node):
            yield last.key


def copied(document: Any) -> Any:
    """Return a copy of a document's objects and lists, however deep: what is hidden in it stays in the document."""
    if not isinstance(document, dict | list):
        return document
    whole: Container = dict(document) if isinstance(document, dict) else [*document]
    waiting: list[Container] = [whole]
    while waiting:
        inside = waiting.pop()
        members: Any = [*inside.items()] if isinstance(inside, dict) else [*enumerate(inside)]
        for key, value in members:
            if isinstance(value, dict | list):
                inside[key] = dict(value) if isinstance(value, dict) else [*value]
                waiting.append(inside[key])
    return whole
