"""What of a capability can't change while it is served: where it listens, what it is called, what it calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from naftiko.engine.capability import Capability


@dataclass(frozen=True, slots=True)
class Structure:
    """What a file declares, as far as that goes.

    Attributes:
        label: what it calls itself.
        adapters: address and port of each adapter, by kind and namespace.
        consumed: the namespaces of consumed APIs.
    """

    label: str
    adapters: Mapping[str, tuple[Any, Any]]
    consumed: tuple[str, ...]

    @classmethod
    def of(cls, capability: Capability) -> Self:
        """Return that of a capability."""
        adapters: dict[str, tuple[Any, Any]] = {}
        for adapter in capability.adapters:
            model = adapter.plan.model
            adapters[f"{adapter.kind} {adapter.namespace}".strip()] = (model.address, model.port)
        return cls(capability.label, adapters, tuple(api.namespace for api in capability.plan.apis.values()))


def structural_changes(before: Structure, after: Structure) -> list[dict[str, Any]]:
    """Return how two of them differ: ``path``, ``from``, ``to``."""
    return [{"path": path, "from": old, "to": new} for path, old, new in _changes(before, after)]


def _changes(before: Structure, after: Structure) -> Iterator[tuple[str, Any, Any]]:
    if before.label != after.label:
        yield "info.label", before.label, after.label
    for name in dict.fromkeys((*before.adapters, *after.adapters)):
        old, new = before.adapters.get(name), after.adapters.get(name)
        if old is None or new is None:
            yield f"exposes.{name}", _there(old), _there(new)
            continue
        for key, one, other in zip(("address", "port"), old, new, strict=True):
            if one != other:
                yield f"exposes.{name}.{key}", one, other
    for name in dict.fromkeys((*before.consumed, *after.consumed)):
        old_one, new_one = name in before.consumed, name in after.consumed
        if old_one != new_one:
            yield f"consumes.{name}", "declared" if old_one else None, "declared" if new_one else None


def _there(found: object) -> str | None:
    return None if found is None else "declared"
