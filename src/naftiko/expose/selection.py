"""Which tools and routes are served at all, as the operator decides (``--allow-tool``, ``--deny-tool``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TypeVar

ValueT = TypeVar("ValueT")


def fits(pattern: str, namespace: str, name: str) -> bool:
    """Tell whether a pattern (``fnmatch``) is a unit's name, or its ``namespace/name``."""
    return fnmatchcase(name, pattern) or fnmatchcase(f"{namespace}/{name}", pattern)


def nearest(patterns: Mapping[str, ValueT], namespace: str, name: str) -> ValueT | None:
    """Return the value of the pattern that says most about a unit, the longest; ``None`` where none fits."""
    fitting = [pattern for pattern in patterns if fits(pattern, namespace, name)]
    return patterns[max(fitting, key=len)] if fitting else None


@dataclass(frozen=True, slots=True)
class Selection:
    """Patterns for the units that are served; what isn't is neither listed nor found.

    Attributes:
        allow: only what fits one of them; none: everything.
        deny: nothing that fits one of them, allowed or not.
    """

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()

    def admits(self, namespace: str, name: str) -> bool:
        """Tell whether a tool or route is served.

        Args:
            namespace: of the adapter that exposes it.
            name: of the tool or operation, as the file has it.
        """
        if any(fits(pattern, namespace, name) for pattern in self.deny):
            return False
        return not self.allow or any(fits(pattern, namespace, name) for pattern in self.allow)
