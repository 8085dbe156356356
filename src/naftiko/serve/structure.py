"""How a file differs in what clients of a server know it by: where it listens, what it is called, what it calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from naftiko.engine.capability import Adapter, Capability
from naftiko.expose.registry import KINDS


@dataclass(frozen=True, slots=True)
class Structure:
    """What a file declares, as far as that goes.

    Attributes:
        label: what it calls itself.
        adapters: address and port of each adapter, by kind and namespace.
        consumed: the namespaces of consumed APIs.
        operators: the names of those adapters that are for whoever runs the process.
    """

    label: str
    adapters: Mapping[str, tuple[Any, Any]]
    consumed: tuple[str, ...]
    operators: frozenset[str]

    @classmethod
    def of(cls, capability: Capability) -> Self:
        """Return that of a capability."""
        adapters: dict[str, tuple[Any, Any]] = {}
        for adapter in capability.adapters:
            model = adapter.plan.model
            adapters[_name(adapter)] = (model.address, model.port)
        consumed = tuple(api.namespace for api in capability.plan.apis.values())
        operators = frozenset(_name(each) for each in capability.adapters if KINDS[each.kind].for_operators)
        return cls(capability.label, adapters, consumed, operators)


def structural_changes(before: Structure, after: Structure, *, follows: bool) -> list[dict[str, Any]]:
    """Return how two of them differ: ``path``, ``from``, ``to``, and ``reloadable``: whether a reload applies it.

    Args:
        before: what is served.
        after: what would be.
        follows: whether a reload follows adapters of callers to where they would be; operators' stay where they are.
    """
    return [
        {"path": path, "from": old, "to": new, "reloadable": name not in held and (follows or not name)}
        for held in (before.operators | after.operators,)
        for path, name, old, new in _changes(before, after)
    ]


def _name(adapter: Adapter) -> str:
    return f"{adapter.kind} {adapter.namespace}".strip()


def _changes(before: Structure, after: Structure) -> Iterator[tuple[str, str, Any, Any]]:
    """Yield path, the adapter whose listener it is about or ``""``, the old value and the new one."""
    if before.label != after.label:
        yield "info.label", "", before.label, after.label
    for name in dict.fromkeys((*before.adapters, *after.adapters)):
        old, new = before.adapters.get(name), after.adapters.get(name)
        if old is None or new is None:
            yield f"exposes.{name}", name, _there(old), _there(new)
            continue
        for key, one, other in zip(("address", "port"), old, new, strict=True):
            if one != other:
                yield f"exposes.{name}.{key}", name, one, other
    for name in dict.fromkeys((*before.consumed, *after.consumed)):
        old_one, new_one = name in before.consumed, name in after.consumed
        if old_one != new_one:
            yield f"consumes.{name}", "", "declared" if old_one else None, "declared" if new_one else None


def _there(found: object) -> str | None:
    return None if found is None else "declared"
