"""The segments of a path that are plain Python: names, indexes, wildcards, descents (RFC 9535 section 2.5).

A segment takes the nodes that the path has reached and gives the nodes that it reaches from there, in the RFC's
order. Working on whole lists is what makes ``$.items[*].name`` one list comprehension.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Protocol, TypeAlias

from naftiko.ground.types import ABSENT

Getter: TypeAlias = Callable[[Any], Any]
"""From a document to a value, ``ABSENT``, or a list of values."""


class Segment(Protocol):
    """One step of a path; ``str()`` of it is its spelling in RFC 9535."""

    def select(self, nodes: list[Any], root: Any) -> list[Any]:
        """Give the children of ``nodes`` that the segment means; ``root`` is the document (``$`` in a filter)."""
        ...


def quoted(text: str) -> str:
    """Write a string literal of RFC 9535."""
    escaped = re.sub(r"[\\']", r"\\\g<0>", text)
    return "'" + re.sub(r"[\x00-\x1f]", lambda control: f"\\u{ord(control[0]):04x}", escaped) + "'"


@dataclass(frozen=True, slots=True)
class Name:
    """``.name`` or ``['name']``: the member of an object."""

    key: str

    def select(self, nodes: list[Any], root: Any) -> list[Any]:  # noqa: ARG002 - the protocol's signature
        """Give the named member of every object that has it."""
        key = self.key
        try:
            return [node[key] for node in nodes]
        except (KeyError, TypeError):  # the usual list is regular; only the others pay for the checks
            return [node[key] for node in nodes if isinstance(node, dict) and key in node]

    def __str__(self) -> str:
        return f".{self.key}" if self.key.isidentifier() else f"[{quoted(self.key)}]"


@dataclass(frozen=True, slots=True)
class Index:
    """``[n]``: the item of an array; from its end when negative."""

    key: int

    def select(self, nodes: list[Any], root: Any) -> list[Any]:  # noqa: ARG002 - the protocol's signature
        """Give the item of every array that is long enough."""
        key = self.key
        least = key + 1 if key >= 0 else -key
        return [node[key] for node in nodes if isinstance(node, list) and len(node) >= least]

    def __str__(self) -> str:
        return f"[{self.key}]"


@dataclass(frozen=True, slots=True)
class Length:
    """``.length`` at the end of a path: the member of that name, else the length of an array (SEMANTICS 5.3)."""

    key = "length"

    def select(self, nodes: list[Any], root: Any) -> list[Any]:  # noqa: ARG002 - the protocol's signature
        """Give the member of every object that has it, and the length of every array."""
        return [
            len(node) if isinstance(node, list) else node[self.key]
            for node in nodes
            if isinstance(node, list) or (isinstance(node, dict) and self.key in node)
        ]

    def __str__(self) -> str:
        return f".{self.key}"


@dataclass(frozen=True, slots=True)
class NameList:
    """``['a','b']``: several members of an object.

    Attributes:
        merges: whether they are found as one object, as Jayway's JSONPath has it at the end of a path; in the midst of
            one each is found alone.
        needs_all: whether only an object that has them all is meant, as below a descent.
    """

    keys: tuple[str, ...]
    merges: bool = False
    needs_all: bool = False

    def select(self, nodes: list[Any], root: Any) -> list[Any]:  # noqa: ARG002 - the protocol's signature
        """Give the members of every object, or an object of those that are there; nothing where there are none."""
        objects = [node for node in nodes if isinstance(node, dict)]
        if not self.merges:
            return [node[key] for node in objects for key in self.keys if key in node]
        least = len(set(self.keys)) if self.needs_all else 1
        merged = ({key: node[key] for key in self.keys if key in node} for node in objects)
        return [made for made in merged if len(made) >= least]

    def __str__(self) -> str:
        return f"[{','.join(map(quoted, self.keys))}]"


@dataclass(frozen=True, slots=True)
class Wildcard:
    """``.*`` or ``[*]``: every item of an array, every value of an object."""

    def select(self, nodes: list[Any], root: Any) -> list[Any]:  # noqa: ARG002 - the protocol's signature
        """Give all children, one node's after another's."""
        return list(chain.from_iterable(map(_children, nodes)))

    def __str__(self) -> str:
        return "[*]"


@dataclass(frozen=True, slots=True)
class Descent:
    """``..`` before another segment: that segment, from every node and all that is below it."""

    inner: Segment

    def select(self, nodes: list[Any], root: Any) -> list[Any]:
        """Give what the inner segment finds at any depth."""
        return self.inner.select(with_descendants(nodes), root)

    def __str__(self) -> str:
        inner = str(self.inner)
        return f".{inner}" if inner.startswith(".") else f"..{inner}"


def _children(node: Any) -> Collection[Any]:
    if isinstance(node, list):
        return node
    return node.values() if isinstance(node, dict) else ()


def with_descendants(nodes: list[Any]) -> list[Any]:
    """Every container at or below ``nodes``, parents first: a loop, since a document may be deeper than the stack."""
    visited: list[Any] = []
    waiting = nodes[::-1]
    while waiting:
        node = waiting.pop()
        if isinstance(node, (dict, list)):
            visited.append(node)
            waiting.extend(reversed(list(_children(node))))
    return visited


def compile_definite(segments: Sequence[Name | Index]) -> Getter:
    """Make one function of a path of names and indexes; it gives the value or ``ABSENT``."""
    if not segments:
        return lambda document: document
    if all(isinstance(segment, Name) for segment in segments):
        return _compile_names(tuple(segment.key for segment in segments))
    steps = tuple((dict if isinstance(segment, Name) else list, segment.key) for segment in segments)

    def get(node: Any) -> Any:
        try:
            for kind, key in steps:
                if not isinstance(node, kind):
                    return ABSENT
                node = node[key]  # type: ignore[index] # the kind beside the key says that they fit
        except (KeyError, IndexError):
            return ABSENT
        return node

    return get


def _compile_names(keys: tuple[Any, ...]) -> Getter:
    """Do without type checks: only an object takes a string between brackets, everything else is a TypeError."""

    def get(node: Any) -> Any:
        try:
            for key in keys:
                node = node[key]
        except (KeyError, TypeError):
            return ABSENT
        return node

    return get


def compile_found(segments: Sequence[Segment]) -> Getter:
    """Make one function of a path that finds at most one value, by more than names and indexes."""
    find = compile_indefinite(segments)

    def get(document: Any) -> Any:
        nodes = find(document)
        return nodes[0] if nodes else ABSENT

    return get


def compile_indefinite(segments: Sequence[Segment]) -> Getter:
    """Make one function of any path; it gives the list of all that is found."""
    start = next(
        (place for place, segment in enumerate(segments) if not isinstance(segment, (Name, Index))),
        len(segments),
    )
    first = compile_definite([segment for segment in segments[:start] if isinstance(segment, (Name, Index))])
    rest = tuple(segment.select for segment in segments[start:])

    def get(document: Any) -> Any:
        reached = first(document)
        nodes = [] if reached is ABSENT else [reached]
        try:
            for select in rest:
                nodes = select(nodes, document)
        except RecursionError:  # a filter that compares, or descends into, values deeper than the stack
            return []
        return nodes

    return get
