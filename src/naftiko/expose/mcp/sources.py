"""What an MCP server is made of: the adapters that it serves, each with the capability that it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias, cast

from naftiko.document.model import McpAdapter
from naftiko.engine.capability import Adapter, Capability, Unit
from naftiko.engine.reach import located
from naftiko.expose.http.problems import Redact
from naftiko.expose.spaces import Spaces, spaces_of


@dataclass(frozen=True, slots=True)
class McpSource:
    """An MCP adapter with its capability.

    Attributes:
        capability: where it comes from.
        adapter: the adapter.
        prefix: what the names of its tools and prompts begin with, so that none is lost among others.
    """

    capability: Capability
    adapter: Adapter
    prefix: str = ""

    @property
    def namespace(self) -> str:
        """The adapter's namespace; the file's name where it has none."""
        return self.adapter.namespace or self.capability.path.stem

    @property
    def model(self) -> McpAdapter:
        """The adapter as the file declares it."""
        return cast("McpAdapter", self.adapter.plan.model)

    @property
    def redact(self) -> Redact:
        """Hides this capability's secrets."""
        return self.capability.variables.redactor.redact

    @property
    def resource_units(self) -> tuple[Unit | None, ...]:
        """The runnable unit of each resource, ``None`` for a directory."""
        engine = self.capability.engine
        return tuple(None if plan.unit is None else Unit(plan.unit, engine) for plan in self.adapter.plan.resources)

    def file(self, location: str) -> Path:
        """Return the path that a ``file://`` location means; see ``engine.locations``.

        Raises:
            OutOfReach: it lies where the capability may not read.
        """
        path = located(location, self.capability.path.parent, self.capability.variables)
        self.capability.roots.check(path, location)
        return path


Exposing: TypeAlias = Capability | tuple[Capability, Adapter]
"""A capability with all its MCP adapters, or with one of them."""


def mcp_sources(exposed: Iterable[Exposing]) -> tuple[McpSource, ...]:
    """Return the MCP adapters of capabilities, in their order."""
    return tuple(
        McpSource(capability, adapter)
        for each in exposed
        for capability, adapters in (((each, each.adapters) if isinstance(each, Capability) else (each[0], each[1:])),)
        for adapter in adapters
        if adapter.kind == "mcp"
    )


def spaces_among(sources: Iterable[McpSource], *, prefix: bool) -> Spaces:
    """Return the namespaces of adapters beside which there are no others."""
    return spaces_of([(source.capability, source.adapter) for source in sources], prefix=prefix)


def prefixed(sources: Iterable[McpSource], spaces: Spaces) -> tuple[McpSource, ...]:
    """Return the adapters with their namespaces as prefixes of what they expose (SEMANTICS 8)."""
    return tuple(replace(source, prefix=f"{spaces.of(source.adapter)}_") for source in sources)


def by_namespace(sources: Sequence[McpSource], spaces: Spaces) -> dict[str, tuple[McpSource, ...]]:
    """Return the adapters of each namespace that they are served under; those of one capability may share one."""
    found: dict[str, tuple[McpSource, ...]] = {}
    for source in sources:
        namespace = spaces.of(source.adapter)
        found[namespace] = (*found.get(namespace, ()), source)
    return found
