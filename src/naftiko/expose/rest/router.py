"""Find a route without scanning: a tree of path segments (SEMANTICS 6).

A fixed segment beats a placeholder whatever the order in the file; an encoded slash stays inside its segment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from urllib.parse import unquote_to_bytes

from naftiko.expose.http.pattern import Pattern
from naftiko.expression.placeholders import IN_PATH

RouteT = TypeVar("RouteT")
FoundT = TypeVar("FoundT")


class UndecodablePath(ValueError):
    """A path whose percent-encoding is not UTF-8."""


@dataclass(slots=True)
class _Mixed(Generic[RouteT]):
    """A segment of text and placeholders, such as ``{id}.json``."""

    pattern: Pattern
    node: _Node[RouteT]


@dataclass(slots=True)
class _Node(Generic[RouteT]):
    fixed: dict[str, _Node[RouteT]] = field(default_factory=dict)
    mixed: list[_Mixed[RouteT]] = field(default_factory=list)
    placeholder: _Node[RouteT] | None = None
    rest: RouteT | None = None
    route: RouteT | None = None


Match = tuple[FoundT, tuple[str, ...]]
"""What was picked, and the raw texts of the route's placeholders, in order."""


class Router(Generic[RouteT]):
    """Routes by path; what stands at a path is up to the caller."""

    def __init__(self) -> None:
        self._root: _Node[RouteT] = _Node()
        self._literal: dict[str, RouteT] = {}

    def add(self, path: str, route: RouteT, *, spans: bool = False) -> RouteT:
        """Add a route, or return the one that stands at the same path already.

        Args:
            path: with ``{x}`` or ``{{x}}``.
            route: what is found there.
            spans: whether the last placeholder catches everything that is left of a path.
        """
        node = self._root
        segments = path.removeprefix("/").split("/")
        for at, segment in enumerate(segments):
            if spans and at == len(segments) - 1 and IN_PATH.fullmatch(segment):
                node.rest = node.rest if node.rest is not None else route
                return node.rest
            node = self._below(node, segment)
        if node.route is None:
            node.route = route
        if not IN_PATH.search(path):
            self._literal[path.removeprefix("/")] = node.route
        return node.route

    @staticmethod
    def _below(node: _Node[RouteT], segment: str) -> _Node[RouteT]:
        if IN_PATH.fullmatch(segment):
            if node.placeholder is None:
                node.placeholder = _Node()
            return node.placeholder
        if IN_PATH.search(segment):
            return _mixed(node, segment)
        return node.fixed.setdefault(segment, _Node())

    def find(self, raw_path: str, pick: Callable[[RouteT], FoundT | None]) -> Match[FoundT] | None:
        """Return the best of the routes of an undecoded path that have what is wanted, or ``None``.

        A trailing slash is a segment of its own: ``/instances/`` with a lost id must not list, or delete, them all.

        Args:
            raw_path: of a request.
            pick: takes from a route what is wanted of it, such as what answers a method; ``None``: a less fixed route
                of the same path may have it.
        """
        path = raw_path.removeprefix("/")
        literal = self._literal.get(path)
        if literal is not None:  # it is the first that the walk would come to
            found = pick(literal)
            if found is not None:
                return found, ()
        return _walk(self._root, path.split("/"), 0, (), pick)

    def every(self, raw_path: str) -> list[RouteT]:
        """Return all the routes of an undecoded path, the most fixed first."""
        found: list[RouteT] = []
        _walk(self._root, raw_path.removeprefix("/").split("/"), 0, (), found.append)
        return found


def _walk(
    node: _Node[RouteT],
    segments: list[str],
    at: int,
    values: tuple[str, ...],
    pick: Callable[[RouteT], FoundT | None],
) -> Match[FoundT] | None:
    """Each node of the tree is at most once on the way: a path costs its segments, or all routes that it fits."""
    if at == len(segments):
        return _picked(node.route, values, pick)
    segment = segments[at]
    below = node.fixed.get(segment) or _decoded_among(node.fixed, segment)
    if below is not None:
        found = _walk(below, segments, at + 1, values, pick)
        if found is not None:
            return found
    for mixed in node.mixed:
        caught = mixed.pattern.match(segment)
        if caught is not None:
            found = _walk(mixed.node, segments, at + 1, (*values, *caught), pick)
            if found is not None:
                return found
    if node.placeholder is not None and segment:
        found = _walk(node.placeholder, segments, at + 1, (*values, segment), pick)
        if found is not None:
            return found
    if node.rest is None:
        return None
    return _picked(node.rest, (*values, "/".join(segments[at:])), pick)


def _picked(
    route: RouteT | None, values: tuple[str, ...], pick: Callable[[RouteT], FoundT | None]
) -> Match[FoundT] | None:
    found = None if route is None else pick(route)
    return None if found is None else (found, values)


def _mixed(node: _Node[RouteT], segment: str) -> _Node[RouteT]:
    pattern = Pattern.parse(segment)
    for known in node.mixed:
        if known.pattern.literals == pattern.literals:
            return known.node
    made: _Mixed[RouteT] = _Mixed(pattern, _Node())
    node.mixed.append(made)
    return made.node


def _decoded_among(fixed: Mapping[str, _Node[RouteT]], segment: str) -> _Node[RouteT] | None:
    """Return the node of a segment that is percent-encoded without need; one that is no UTF-8 is none of them."""
    if "%" not in segment:
        return None
    try:
        return fixed.get(decoded(segment))
    except UndecodablePath:
        return None


def decoded(segment: str) -> str:
    """Return a segment percent-decoded.

    Raises:
        UndecodablePath: it is not UTF-8.
    """
    if "%" not in segment:
        return segment
    try:
        return unquote_to_bytes(segment).decode("utf-8")
    except UnicodeDecodeError as error:
        raise UndecodablePath("the path is not UTF-8") from error


def route_shape(path: str) -> str:
    """Return a route with its placeholders' names dropped: two of the same shape catch the same requests."""
    return IN_PATH.sub("{}", path)
