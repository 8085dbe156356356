"""Parameters that are declared ``in: path`` and that the path has no placeholder for (SEMANTICS 4.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from naftiko.document.model import ConsumedOperation, ConsumedResource, ConsumesHttp, InputParameter
from naftiko.document.suggest import fold
from naftiko.expression.path import all_placeholders, begins_with, join, split_path
from naftiko.plan.base import BasePart, BaseUri

APPENDED = frozenset({"GET", "HEAD", "DELETE", "PUT", "PATCH"})
"""Methods that mean the thing that a path names, so that what is missing of the path is what comes last in it."""
_WORD = re.compile(r"[\w-]+")
_MARKS = frozenset(":<>[]()$%*{}@")
_CLEAR_MARKS = frozenset(":<>[]{}")
_PLACEHOLDER = re.compile(r"\$?\{\{[^{}]*\}\}|\$?\{[^{}/]*\}")


def complete_paths(consumes: ConsumesHttp) -> bool:
    """Tell whether the operations' own paths are complete in this consumes entry (SEMANTICS 4.1)."""
    return any(
        operation.path is not None
        and resource.path not in {None, "", "/"}
        and begins_with(operation.path, resource.path or "")
        for resource in consumes.resources
        for operation in resource.operations
    )


@dataclass(frozen=True, slots=True)
class CompletePath:
    """A path with what it lacked.

    Attributes:
        text: the path.
        names: the parameters that were appended, by the names of their placeholders.
        blocked: why nothing can be sent, or ``""``.
        hint: what to write instead.
    """

    text: str
    names: Mapping[str, str]
    blocked: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class PathParameters:
    """The path parameters of one operation that its path lacks.

    Attributes:
        path: the path as the file has it.
        lost: those that are the operation's own, or are in no path that their level is for, in order of declaration.
        others: those of a wider level that stand in the paths of other operations, and maybe are not meant here.
        hidden: those that stand in the host of the base URI, where only variables are filled in.
    """

    path: str
    lost: tuple[InputParameter, ...] = ()
    others: tuple[InputParameter, ...] = ()
    hidden: frozenset[str] = frozenset()

    @property
    def names(self) -> str:
        """The names of the lost ones, for a message."""
        return " and ".join(f"`{given.name}`" for given in self.lost)

    def with_others(self) -> PathParameters:
        """Return the same for a call that means those of the wider levels too."""
        return replace(self, lost=(*self.others, *self.lost), others=())

    def complete(self, method: str) -> CompletePath:
        """Return the path with what is lost as its last segments, where the method says that it is meant so."""
        if not self.lost:
            return CompletePath(self.path, {})
        for given in self.lost:
            meant = lookalike(self.path, given.name or "")
            if meant is not None:
                reason = f"its path `{self.path}` holds `{given.name}`, but not as a placeholder"
                return CompletePath(self.path, {}, reason, f"did you mean `{meant}`?")
        path, names = appended(self.path, [given.name or "" for given in self.lost])
        if method in APPENDED:
            return CompletePath(path, names)
        reason = f"its path `{self.path}` has no placeholder for {self.names}, declared `in: path`"
        return CompletePath(self.path, {}, reason, f"write the path with it, such as `{path}`")


class PathPlaces:
    """Where the path parameters of a consumes entry stand.

    Args:
        consumes: the entry.
        bases: its base URI, as the file has it and as the operator does.
    """

    def __init__(self, consumes: ConsumesHttp, bases: Iterable[BaseUri] = ()) -> None:
        self._consumes = consumes
        self._complete = complete_paths(consumes)
        parts = [part for base in bases for part in base.parts if isinstance(part, BasePart)]
        self._in_base = frozenset(_key(part.name) for part in parts if part.in_path)
        self._in_host = frozenset(_key(part.name) for part in parts if not part.in_path)
        self._of_resource: dict[int, frozenset[str]] = {}
        self._of_entry: frozenset[str] | None = None

    def path(self, resource: ConsumedResource, operation: ConsumedOperation) -> str:
        """Return an operation's full path."""
        return join(resource.path or "", operation.path, complete=self._complete)

    def of(self, resource: ConsumedResource, operation: ConsumedOperation) -> PathParameters:
        """Return what an operation's path lacks."""
        path = self.path(resource, operation)
        here = _keys(path)
        lost: dict[str, InputParameter] = {}
        others: dict[str, InputParameter] = {}
        hidden = set()
        levels = (self._consumes.input_parameters, resource.input_parameters, operation.input_parameters)
        for level, given in ((level, given) for level, several in enumerate(levels) for given in several):
            name = given.name or ""
            if (given.location or "").lower() != "path" or not name or _key(name) in here | self._in_base:
                continue
            if _key(name) in self._in_host:
                hidden.add(name)
            elif level == _OWN or _key(name) not in self._elsewhere(level, resource):
                lost[name] = given
                others.pop(name, None)
            else:
                others[name] = given
        return PathParameters(path, tuple(lost.values()), tuple(others.values()), frozenset(hidden))

    def _elsewhere(self, level: int, resource: ConsumedResource) -> frozenset[str]:
        """Return the placeholders of all the paths that a level's parameters are for."""
        if level == _OF_RESOURCE:
            if id(resource) not in self._of_resource:
                self._of_resource[id(resource)] = self._keys_of(resource)
            return self._of_resource[id(resource)]
        if self._of_entry is None:
            self._of_entry = frozenset().union(*map(self._keys_of, self._consumes.resources))
        return self._of_entry

    def _keys_of(self, resource: ConsumedResource) -> frozenset[str]:
        return frozenset().union(*(_keys(self.path(resource, operation)) for operation in resource.operations))


_OF_RESOURCE, _OWN = 1, 2


def appended(path: str, names: Sequence[str]) -> tuple[str, Mapping[str, str]]:
    """Return a path with placeholders for these parameters as its last segments.

    Returns:
        the path, and the parameters' names by those of the placeholders.
    """
    before, query, fragment = split_path(path)
    written = {re.sub(r"[{}/]", "-", name): name for name in names}
    segments = "".join(f"/{{{name}}}" for name in written)
    return f"{before.rstrip('/')}{segments}{query}{fragment}", written


def lookalike(path: str, name: str, *, declared: bool = True) -> str | None:
    """Return the path as it may be meant, where it seems to hold a placeholder of this name and doesn't.

    ``/weather/:city``, ``/weather/<city>``, ``/weather/{city``.

    Args:
        path: the path.
        name: of an input or a parameter.
        declared: whether it is declared ``in: path``; what is not must look more like it: ``/$count`` and ``/all:run``
            are words of APIs.
    """
    before, query, fragment = split_path(path)
    marks = _MARKS if declared else _CLEAR_MARKS
    bare = _PLACEHOLDER.sub(lambda whole: "/" * len(whole[0]), before)
    if marks.isdisjoint(bare):
        return None
    for found in _WORD.finditer(bare):
        start, end = found.span()
        if _key(found[0]) != _key(name):
            continue
        while start > 0 and bare[start - 1] in marks:
            start -= 1
        while end < len(bare) and bare[end] in marks:
            end += 1
        is_verb = bare[start] == ":" and before[start - 1 : start] != "/"
        if (start, end) != found.span() and (declared or not is_verb):
            return f"{before[:start]}{{{name}}}{before[end:]}{query}{fragment}"
    return None


def _keys(path: str) -> frozenset[str]:
    return frozenset(map(_key, all_placeholders(path)))


def _key(name: str) -> str:
    return fold(name) or name
