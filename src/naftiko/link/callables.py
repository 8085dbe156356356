"""Find what a ``call`` or a ``ref`` names: as it is written, else as it is certainly meant (SEMANTICS 1.3 and 1.4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

from naftiko.document.suggest import did_you_mean, fold, nearest

ThingT = TypeVar("ThingT")
_MOST_SUGGESTIONS = 50
_SHOWN = 8


@dataclass(frozen=True, slots=True)
class NameOrigin:
    """Where a callable thing stands: what tells several of one name apart (SEMANTICS 4.1).

    Attributes:
        resource: the name of its resource.
        resource_path: the path of its resource.
        path: its own full path.
        method: in upper case.
    """

    resource: str | None = None
    resource_path: str = ""
    path: str = ""
    method: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class DeclaredCallable(Generic[ThingT]):
    """A callable thing, as it is declared under a name."""

    namespace: str
    name: str
    thing: ThingT
    origin: NameOrigin

    @property
    def key(self) -> str:
        """``namespace.name``."""
        return f"{self.namespace}.{self.name}"


@dataclass(frozen=True, slots=True)
class FoundCallable(Generic[ThingT]):
    """What a text names.

    Attributes:
        things: the things that may be meant, in the order of the file: several where they have one name.
        meant: ``namespace.name`` where the text is another spelling of it, or ``""``.
    """

    things: tuple[DeclaredCallable[ThingT], ...]
    meant: str = ""


class Callables(Generic[ThingT]):
    """Named things in namespaces: consumed operations, or functions of aggregates.

    Attributes:
        unsupported: namespaces that exist but can't be called, with the reason.
        incomplete: whether more may be declared than is known: an import failed.
    """

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._things: dict[str, dict[str, list[DeclaredCallable[ThingT]]]] = {}
        self.unsupported: dict[str, str] = {}
        self.incomplete = False
        self._suggestions = 0
        self._spellings: _Spellings[ThingT] | None = None

    def add(self, namespace: str, name: str, thing: ThingT, origin: NameOrigin | None = None) -> bool:
        """Add a thing; return whether it is the first of its name."""
        declared = DeclaredCallable(namespace, name, thing, origin or NameOrigin())
        same = self._things.setdefault(namespace, {}).setdefault(name, [])
        same.append(declared)
        self._spellings = None
        return len(same) == 1

    def __iter__(self) -> Iterator[ThingT]:
        for things in self._things.values():
            yield from (each.thing for same in things.values() for each in same)

    def declare(self, namespace: str) -> None:
        """Say that a namespace exists, even if nothing is in it."""
        self._things.setdefault(namespace, {})

    def lack(self, namespace: str | None) -> None:
        """Say that the import of a namespace, or of nobody knows which, failed: what it has isn't known."""
        self.incomplete = True
        if namespace is not None and namespace not in self._things:
            self.unsupported[namespace] = f"the import of `{namespace}` failed"

    def first(self, namespace: str, name: str) -> ThingT:
        """Return the first thing of a name."""
        return self._things[namespace][name][0].thing

    def every(self, declared: DeclaredCallable[ThingT]) -> Sequence[DeclaredCallable[ThingT]]:
        """Return all the things that have the name of one, in the order of the file."""
        return self._things[declared.namespace][declared.name]

    @property
    def has_namesakes(self) -> bool:
        """Whether several things of one namespace have one name."""
        return any(len(same) > 1 for things in self._things.values() for same in things.values())

    def find(self, text: str) -> FoundCallable[ThingT] | None:
        """Return what ``namespace.name``, ``namespace.resource.name`` or either with slashes means.

        What is not written as declared is found where only one thing can be meant: its name or its namespace is the
        same after dropping case and punctuation, or its namespace is unknown and its name is the only one.
        """
        spellings = [text.strip()]
        if "/" in text:
            spellings.append(text.strip().strip("/").replace("/", "."))
        for spelling in spellings:
            things = self._exactly(spelling)
            if things:
                return FoundCallable(tuple(things))
        if any(self._blocked(spelling) for spelling in spellings):
            return None
        for spelling in spellings:
            things = self._nearly(spelling)
            if things:
                return FoundCallable(tuple(things), self._written(things))
        return None

    def _written(self, things: Sequence[DeclaredCallable[ThingT]]) -> str:
        """Return how things of one name are written: with their resource where that says which of several."""
        first = things[0]
        if len(things) > 1 or len(self.every(first)) == 1 or not first.origin.resource:
            return first.key
        return f"{first.namespace}.{first.origin.resource}.{first.name}"

    def named(self, name: str) -> DeclaredCallable[ThingT] | None:
        """Return the only thing of all namespaces that has this name, written so or nearly so."""
        things = [] if self.incomplete else self._index.named(name)
        return things[0] if len(things) == 1 else None

    def namespace(self, written: str) -> str | None:
        """Return the namespace that is meant: as written, else the only one that is the same but for its spelling."""
        if written in self._things:
            return written
        same = self._index.near_namespaces(written)
        return same[0] if len(same) == 1 else None

    def why_not(self, text: str) -> tuple[str, str]:
        """Return why a text names nothing, and a hint."""
        text = text.strip()
        blocked = self._blocked(text)
        if blocked:
            return blocked, ""
        namespace = self._cut(text, self._things)
        if namespace is None:
            return self._no_namespace(text)
        name = text[len(namespace) + 1 :]
        known = self._things[namespace]
        return f"`{namespace}` has no {self._kind} `{name}`", self._hint(name, known, prefix=namespace)

    def nearest(self, name: str) -> str | None:
        """Return ``namespace.name`` of the thing whose name is nearest to ``name``."""
        same = next((namespace for namespace, things in self._things.items() if name in things), None)
        if same is not None:
            return f"{same}.{name}"
        if not self._may_suggest():
            return None
        owners = {known: namespace for namespace, things in self._things.items() for known in things}
        near = nearest(name, owners)
        return None if near is None else f"{owners[near]}.{near}"

    @property
    def _index(self) -> _Spellings[ThingT]:
        if self._spellings is None:
            self._spellings = _Spellings(self._things)
        return self._spellings

    def _exactly(self, text: str) -> list[DeclaredCallable[ThingT]]:
        """Return what is written as it is declared; a namespace may hold dots itself, the longest one is meant."""
        for namespace, name in _cuts(text):
            same = self._things.get(namespace)
            if same is not None:
                found = same.get(name) or _in_resource(same, name)
                if found:
                    return found
        return []

    def _nearly(self, text: str) -> list[DeclaredCallable[ThingT]]:
        """Return the things of the only name that can be meant."""
        index = self._index
        known = [([namespace], name) for namespace, name in _cuts(text) if namespace in self._things]
        near = [(index.near_namespaces(namespace), name) for namespace, name in _cuts(text)]
        for namespaces, name in (*known, *near):
            things = index.within(namespaces, name)
            if things:
                return things
        if self.incomplete or any(namespaces for namespaces, _ in (*known, *near)):
            return []
        things = index.elsewhere(text.partition(".")[2] or text)
        return things if len(things) == 1 else []

    def _blocked(self, text: str) -> str:
        """Return why the namespace of a text can't be called, or ``""``."""
        folded = {fold(namespace): reason for namespace, reason in self.unsupported.items()}
        return next((folded[fold(namespace)] for namespace, _ in _cuts(text) if fold(namespace) in folded), "")

    @staticmethod
    def _cut(text: str, namespaces: Mapping[str, object]) -> str | None:
        """Return the longest of the namespaces that the text begins with."""
        return next((namespace for namespace, _ in _cuts(text) if namespace in namespaces), None)

    def _may_suggest(self) -> bool:
        """Tell whether to look for a near name; a file with a thousand wrong calls needs no thousand searches."""
        self._suggestions += 1
        return self._suggestions <= _MOST_SUGGESTIONS

    def _no_namespace(self, text: str) -> tuple[str, str]:
        namespace, dot, name = text.partition(".")
        if not dot:
            near = self.nearest(text)
            hint = f"did you mean `{near}`?" if near else self._hint(text, self._all())
            return f"`{text}` names no {self._kind}: it must be `namespace.name`", hint
        elsewhere = [f"`{other}.{name}`" for other, things in self._things.items() if name in things]
        hint = f"did you mean {' or '.join(elsewhere[:_SHOWN])}?" if elsewhere else ""
        if not hint and self._may_suggest():
            hint = did_you_mean(namespace, self._things)
        known = ", ".join(islice(self._things, _SHOWN)) or "none"
        return f"there is no namespace `{namespace}` with {self._kind}s", hint or f"known: {known}"

    def _all(self) -> Iterable[str]:
        return [f"{namespace}.{name}" for namespace, things in self._things.items() for name in things]

    def _hint(self, name: str, known: Iterable[str], prefix: str = "") -> str:
        near = did_you_mean(name, known) if self._may_suggest() else ""
        if near:
            return near.replace("`", f"`{prefix}.", 1) if prefix else near
        shown = list(islice(known, _SHOWN))
        return f"known: {', '.join(shown)}" if shown else ""


def _cuts(text: str) -> Iterator[tuple[str, str]]:
    """Yield a text cut at each of its dots, the last one first."""
    at = text.rfind(".")
    while at >= 0:
        yield text[:at], text[at + 1 :]
        at = text.rfind(".", 0, at)


def _in_resource(things: Mapping[str, list[DeclaredCallable[ThingT]]], text: str) -> list[DeclaredCallable[ThingT]]:
    """Return the things that ``resource.name`` names; either may hold dots itself."""
    for resource, name in _cuts(text):
        found = [each for each in things.get(name, []) if each.origin.resource == resource]
        if found:
            return found
    return []


class _Spellings(Generic[ThingT]):
    """The names without case and punctuation; made when something is misspelt, which is rare."""

    def __init__(self, things: Mapping[str, Mapping[str, list[DeclaredCallable[ThingT]]]]) -> None:
        self._namespaces: dict[str, list[str]] = {}
        self._all: list[DeclaredCallable[ThingT]] = []
        self._exact: dict[str, list[DeclaredCallable[ThingT]]] = {}
        self._folded: dict[str, list[DeclaredCallable[ThingT]]] = {}
        for namespace, known in things.items():
            self._namespaces.setdefault(fold(namespace), []).append(namespace)
            for name, same in known.items():
                self._all += same
                self._exact.setdefault(name, []).extend(same)
                self._folded.setdefault(fold(name), []).extend(same)

    def near_namespaces(self, written: str) -> list[str]:
        """Return the namespaces that are the same but for their spelling."""
        return self._namespaces.get(fold(written), []) if fold(written) else []

    def within(self, namespaces: Iterable[str], name: str) -> list[DeclaredCallable[ThingT]]:
        """Return the things of one name in these namespaces that is meant by a name, or by a resource and a name."""
        inside = frozenset(namespaces)
        return self._certain(name, lambda each: each.namespace in inside)

    def elsewhere(self, name: str) -> list[DeclaredCallable[ThingT]]:
        """Return the things of one name in any namespace that is meant by a name, or by a resource and a name."""
        return self._certain(name, lambda _: True)

    def named(self, name: str) -> list[DeclaredCallable[ThingT]]:
        """Return the things of one name in any namespace that is written so or nearly so."""
        return _of_one_key(self._near(name, lambda _: True))

    def _near(self, name: str, admits: Callable[[DeclaredCallable[ThingT]], bool]) -> list[DeclaredCallable[ThingT]]:
        exact = [each for each in self._exact.get(name, []) if admits(each)]
        if exact or not fold(name):
            return exact
        return [each for each in self._folded.get(fold(name), []) if admits(each)]

    def _certain(self, text: str, admits: Callable[[DeclaredCallable[ThingT]], bool]) -> list[DeclaredCallable[ThingT]]:
        near = self._near(text, admits)
        if near:
            return _of_one_key(near)
        for resource, name in _cuts(text):
            near = self._near(name, admits)
            if near:
                return _of_one_key(self._of_resource(near, fold(resource), admits))
        return []

    def _of_resource(
        self, things: list[DeclaredCallable[ThingT]], resource: str, admits: Callable[[DeclaredCallable[ThingT]], bool]
    ) -> list[DeclaredCallable[ThingT]]:
        """Return those of a resource that is named like this; all, where no resource is named like it at all."""
        for is_of in (_is_named, _has_segment, _holds):
            fitting = [each for each in things if is_of(each.origin, resource)]
            if fitting:
                return fitting
            if any(is_of(each.origin, resource) for each in self._all if admits(each)):
                return []
        return things


def _is_named(origin: NameOrigin, resource: str) -> bool:
    return resource in {fold(origin.resource or ""), fold(origin.resource_path)} - {""}


def _has_segment(origin: NameOrigin, resource: str) -> bool:
    return resource in {fold(segment) for segment in origin.resource_path.split("/")} - {""}


def _holds(origin: NameOrigin, resource: str) -> bool:
    return resource in fold(origin.resource or "") or resource in fold(origin.resource_path)


def _of_one_key(things: list[DeclaredCallable[ThingT]]) -> list[DeclaredCallable[ThingT]]:
    """Return things that share namespace and name; different ones can't all be meant."""
    return things if len({each.key for each in things}) == 1 else []
