"""Find what a ``call`` or a ``ref`` names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Generic, TypeVar

from naftiko.document.suggest import did_you_mean, nearest

ThingT = TypeVar("ThingT")
_MOST_SUGGESTIONS = 50
_SHOWN = 8


class Callables(Generic[ThingT]):
    """Named things in namespaces: consumed operations, or functions of aggregates.

    Attributes:
        unsupported: namespaces that exist but can't be called, with the reason.
    """

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._things: dict[str, dict[str, ThingT]] = {}
        self._by_resource: dict[str, dict[str, ThingT]] = {}
        self.unsupported: dict[str, str] = {}
        self._suggestions = 0

    def add(self, namespace: str, name: str, thing: ThingT, resource: str | None = None) -> bool:
        """Add a thing; return whether it is the first of its name, which wins."""
        known = self._things.setdefault(namespace, {})
        if resource is not None:
            self._by_resource.setdefault(namespace, {}).setdefault(f"{resource}.{name}", thing)
        return known.setdefault(name, thing) is thing

    def declare(self, namespace: str) -> None:
        """Say that a namespace exists, even if nothing is in it."""
        self._things.setdefault(namespace, {})

    @property
    def namespaces(self) -> Mapping[str, Mapping[str, ThingT]]:
        """All things, by namespace and name."""
        return self._things

    def find(self, text: str) -> tuple[ThingT | None, str, str]:
        """Return the thing that ``namespace.name`` (or ``namespace.resource.name``) means.

        Returns:
            the thing, ``""`` and ``""``; or ``None``, why there is none, and a hint.
        """
        namespace = self._namespace(text)
        if namespace is None:
            return None, *self._no_namespace(text)
        name = text[len(namespace) + 1 :]
        found = self._things.get(namespace, {}).get(name) or self._by_resource.get(namespace, {}).get(name)
        if found is not None:
            return found, "", ""
        if namespace in self.unsupported:
            return None, self.unsupported[namespace], ""
        known = self._things.get(namespace, {})
        return None, f"`{namespace}` has no {self._kind} `{name}`", self._hint(name, known, prefix=namespace)

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

    def _namespace(self, text: str) -> str | None:
        """Return the longest namespace that the text begins with; a namespace may hold dots itself."""
        at = text.rfind(".")
        while at >= 0:
            if text[:at] in self._things or text[:at] in self.unsupported:
                return text[:at]
            at = text.rfind(".", 0, at)
        return None

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
        elsewhere = [other for other, things in self._things.items() if name in things]
        hint = f"did you mean `{elsewhere[0]}.{name}`?" if elsewhere else ""
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
