"""Which namespace each adapter is served under, where several capabilities share a listener (SEMANTICS 8).

Alone, an MCP server is at its adapter's own namespace. With prefixes everything of a capability is under the
capability's; capabilities that would share one, as a workflow and the files that it is made of do, get their adapters'
namespaces. Two of those that are the same are told apart by the names of their files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from naftiko.engine.capability import Adapter, Capability


@dataclass(frozen=True, slots=True)
class Renamed:
    """An adapter that is not under the namespace that it asks for, since one of another file is.

    Attributes:
        wanted: the namespace that it asks for.
        name: the one that it has.
    """

    capability: Capability
    adapter: Adapter
    wanted: str
    name: str


class Spaces:
    """The namespaces of the adapters of one listener.

    Args:
        exposed: the adapters, each with its capability; earlier ones keep the namespace that they ask for.
        prefix: whether each capability is under its namespace.
        shared: the capabilities' namespaces that several of them have, wherever they listen.

    Attributes:
        renamed: those that have another one than they ask for.
    """

    def __init__(
        self, exposed: Sequence[tuple[Capability, Adapter]], *, prefix: bool, shared: frozenset[str] = frozenset()
    ) -> None:
        self._names: dict[int, str] = {}
        self._owners: dict[tuple[str, str], int] = {}
        self.renamed: list[Renamed] = []
        of_capability = [
            prefix and capability.namespace not in shared for capability, _ in exposed
        ]  # first, so that no adapter takes what is the name of a whole capability
        for is_first in (True, False):
            for (capability, adapter), is_of_capability in zip(exposed, of_capability, strict=True):
                if is_of_capability is is_first:
                    own = adapter.namespace or capability.path.stem
                    self._name(capability, adapter, capability.namespace if is_of_capability else own)

    def of(self, adapter: Adapter) -> str:
        """Return the namespace of an adapter."""
        return self._names[id(adapter)]

    def _name(self, capability: Capability, adapter: Adapter, wanted: str) -> None:
        name, number = wanted, 1
        while not self._takes(capability, adapter, name):
            name = f"{wanted}-{capability.path.stem}" if number == 1 else f"{wanted}-{capability.path.stem}-{number}"
            number += 1
        self._names[id(adapter)] = name
        if name != wanted:
            self.renamed.append(Renamed(capability, adapter, wanted, name))

    def _takes(self, capability: Capability, adapter: Adapter, name: str) -> bool:
        """Take a name, unless another capability has it: routes and tools are apart whatever they are called."""
        owner = id(capability)
        return self._owners.setdefault((adapter.kind, name), owner) == owner


def shared_namespaces(capabilities: Iterable[Capability]) -> frozenset[str]:
    """Return the namespaces that several capabilities would have with prefixes."""
    names = {id(capability): capability.namespace for capability in capabilities}
    return frozenset(name for name, count in Counter(names.values()).items() if count > 1)


def spaces_of(exposed: Sequence[tuple[Capability, Adapter]], *, prefix: bool) -> Spaces:
    """Return the namespaces of adapters beside which there are no others."""
    return Spaces(exposed, prefix=prefix, shared=shared_namespaces(capability for capability, _ in exposed))
