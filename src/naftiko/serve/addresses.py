"""Which adapter listens where (SEMANTICS 8): adapters with the same address and port are served together."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from naftiko.document.model import AdapterModel
from naftiko.expose.registry import KINDS
from naftiko.expose.served import Exposed, ServedKind
from naftiko.expression.placeholders import VARIABLE
from naftiko.serve.sockets import UNIX, is_port

if TYPE_CHECKING:
    from naftiko.engine.capability import Adapter, Capability
    from naftiko.expose.spaces import Spaces
    from naftiko.serve.given import Given

DEFAULT_HOST = "127.0.0.1"
_LOOPBACK = {"localhost": DEFAULT_HOST}
_NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass(slots=True)
class Listener:
    """A socket and the adapters behind it.

    Attributes:
        shared: the capabilities' namespaces that several of all that are served have.
    """

    host: str
    port: int
    exposed: list[Exposed] = field(default_factory=list)
    shared: frozenset[str] = frozenset()

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:  # a name
            return self.host.rstrip(".").endswith("localhost")

    @property
    def is_unix(self) -> bool:
        """Whether it is a file, which its permissions guard."""
        return self.host.startswith(UNIX)

    @property
    def for_operators(self) -> bool:
        """Whether it is for whoever runs the process."""
        return any(KINDS[each.adapter.kind].for_operators for each in self.exposed)

    def by_kind(self) -> Iterator[tuple[ServedKind[Any], list[Exposed]]]:
        """Yield the kinds that are here, each with its adapters."""
        for kind in KINDS.values():
            exposed = [each for each in self.exposed if each.adapter.kind == kind.kind]
            if exposed:
                yield kind, exposed

    def spaces(self, *, prefix: bool) -> Spaces:
        """The namespaces that the adapters are served under."""
        from naftiko.expose.spaces import Spaces  # noqa: PLC0415  # whoever asks only for addresses needs no engine

        return Spaces(self.exposed, prefix=prefix, shared=self.shared)


def listeners(
    capabilities: Iterable[Capability],
    *,
    host: str | None = None,
    ports: Mapping[str, int] | None = None,
    beside: Callable[[Capability], Sequence[Adapter]] = lambda _: (),
    given: Given | None = None,
) -> list[Listener]:
    """Group the adapters of all capabilities by where they listen, in the order of the files; the operator's are last.

    Args:
        capabilities: what is served.
        host: the operator's address for all of them; else each file's own, else loopback.
        ports: the operator's ports by adapter kind or namespace (or a pattern); 0 is a free port.
        beside: returns adapters that a capability has beside those of its file, whose place is settled.
        given: sockets that some of them have instead.
    """
    from naftiko.expose.spaces import shared_namespaces  # noqa: PLC0415  # likewise

    found: dict[tuple[str, int, str], Listener] = {}
    everything = list(capabilities)
    shared = shared_namespaces(everything)
    for capability in everything:
        added = beside(capability)
        for adapter in (*capability.adapters, *added):
            if not is_http(adapter):
                continue
            is_settled = adapter in added
            address = host_of((None if is_settled else host) or address_of(capability, adapter))
            port = _port(capability, adapter, {} if is_settled else ports or {})
            if isinstance(port, str):
                continue  # no port: whoever serves has told it
            for_operators = KINDS[adapter.kind].for_operators
            names = (adapter.namespace or "", adapter.kind)
            own = None if given is None else given.place(names, port, for_operators=for_operators)
            address, port = own or (address, port)
            # Two adapters that each want any free port get one each, one for each kind.
            distinct = adapter.kind if (port == 0 and own is None) or for_operators else ""
            listener = found.setdefault((address, port, distinct), Listener(address, port, shared=shared))
            listener.exposed.append(Exposed(capability, adapter))
    return sorted(found.values(), key=lambda listener: listener.for_operators)


def host_of(address: str | None) -> str:
    """Return where an address listens; loopback where there is none."""
    return _LOOPBACK.get(address, address) if address else DEFAULT_HOST


def impossible_port(capability: Capability, ports: Mapping[str, int]) -> tuple[Adapter, int | str] | None:
    """Return the first adapter of a capability that would listen on what is no port; the operator's ports count."""
    for adapter in capability.adapters:
        port = _port(capability, adapter, ports) if is_http(adapter) else 0
        if isinstance(port, str) or not is_port(port):
            return adapter, port
    return None


def is_http(adapter: Adapter) -> bool:
    """Tell whether an adapter listens at all."""
    return adapter.plan.model.listens


def address_of(capability: Capability, adapter: Adapter) -> str | None:
    """Return the file's own address with its variables filled in; ``None`` if it has none, or one has no value."""
    address = adapter.plan.model.address
    if address is None or address_variables(capability, adapter):
        return None
    return _filled(address, capability)


def address_variables(capability: Capability, adapter: Adapter) -> list[str]:
    """Return the variables of the file's own address that have no value."""
    names = VARIABLE.findall(adapter.plan.model.address or "")
    return [name for name in names if capability.variables.public(name) is None]


def has_variable(text: str | None) -> bool:
    """Tell whether an address or a port is known only with its variables."""
    return VARIABLE.search(text or "") is not None


def port_of(model: AdapterModel, ports: Mapping[str, int], fill: Callable[[str], str]) -> int | str:
    """Return an adapter's port: the operator's by namespace, by pattern, by kind; else the file's; else the default.

    Text is what the file has instead of a port.

    Args:
        model: the adapter.
        ports: the operator's.
        fill: returns a text with its variables filled in.
    """
    namespace, kind = model.namespace or "", model.kind
    if namespace in ports:
        return ports[namespace]
    matching = [pattern for pattern in ports if pattern != kind and fnmatchcase(namespace, pattern)]
    if matching:
        return ports[max(matching, key=len)]
    if kind in ports:
        return ports[kind]
    if isinstance(model.port, str):
        filled = fill(model.port)
        return int(filled) if _NUMBER.fullmatch(filled) else filled
    return model.port if model.port is not None else KINDS[kind].default_port


def _port(capability: Capability, adapter: Adapter, ports: Mapping[str, int]) -> int | str:
    return port_of(adapter.plan.model, ports, lambda text: _filled(text, capability))


def _filled(text: str, capability: Capability) -> str:
    """Return a text with its variables filled in, blanks and line ends around it gone; one without a value stays."""
    return VARIABLE.sub(lambda found: capability.variables.public(found[1]) or found[0], text).strip()
