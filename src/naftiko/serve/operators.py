"""The operator's own ports: control adapters of files, one for the files that declare none, and one for probes."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from naftiko.engine.capability import Adapter, Capability
from naftiko.expose.announcement import Announce, Announcement
from naftiko.expose.control.contract import Processes
from naftiko.expose.registry import KINDS
from naftiko.expose.served import Mounted
from naftiko.serve.addresses import Listener
from naftiko.serve.apps import AppOptions, ListenerApp, app_of
from naftiko.serve.front import Front
from naftiko.serve.given import Given, remove_files
from naftiko.serve.server import Site
from naftiko.serve.sockets import CannotListen, OwnPort, url_of

if TYPE_CHECKING:
    from collections.abc import Iterable

PROBES: Final = "0.0.0.0"  # noqa: S104  # whoever probes a container comes from outside of it


def control_of(own: OwnPort | None) -> Callable[[Capability], Sequence[Adapter]]:
    """Return what gives a capability without a control adapter the one that the operator opens."""
    made: dict[int, tuple[Adapter, ...]] = {}

    def beside(capability: Capability) -> Sequence[Adapter]:
        if own is None or any(KINDS[each.kind].for_operators for each in capability.adapters):
            return ()
        if id(capability) not in made:
            from naftiko.expose.control.mounting import opened  # noqa: PLC0415  # only where one is opened

            made[id(capability)] = (opened(own.host, own.port, own.token),)
        return made[id(capability)]

    return beside


def apart(found: Sequence[Listener], announce: Announce, *, strict: bool) -> tuple[list[Listener], list[Listener]]:
    """Return the listeners of callers and those of operators; one that would share a port with callers is told.

    Args:
        found: all that are wanted.
        announce: told of what isn't served.
        strict: whether that is an error.

    Raises:
        CannotListen: one that the operator asks for can't be there, or ``strict``.
    """
    callers = [each for each in found if not each.for_operators]
    taken = {each.port: each for each in callers if each.port}
    operators = []
    for listener in (each for each in found if each.for_operators):
        other = taken.get(listener.port)
        if other is None:
            operators.append(listener)
            continue
        told = _taken(listener, other)
        if strict or told.facts["option"]:
            raise CannotListen(told.text)
        announce(told)
    return callers, operators


def _taken(listener: Listener, other: Listener) -> Announcement:
    first, holder = listener.exposed[0], other.exposed[0].adapter
    name = f"the {holder.kind} adapter {holder.namespace}".rstrip()
    is_option = first.adapter not in first.capability.adapters
    file = "--control" if is_option else str(first.capability.path)
    mend = "choose another: --control PORT" if is_option else "give it one of its own: --port control=PORT"
    why = f"port {listener.port} is where {name} listens; {mend}"
    facts = {"event": "not-listening", "file": file, "adapter": "control", "reason": why, "option": is_option}
    return Announcement(f"not listening: {file}: control: {why}", facts, is_warning=True)


@dataclass(slots=True)
class Operators:
    """The operator's own sockets, open.

    Attributes:
        listeners: control adapters, each with its socket.
        probe: the socket for probes, or ``None``.
        capabilities: what probes ask about.
    """

    listeners: list[tuple[Listener, socket.socket]]
    probe: socket.socket | None
    capabilities: Sequence[Capability]

    def __bool__(self) -> bool:
        return bool(self.listeners) or self.probe is not None

    def of(self, found: Sequence[Listener], capabilities: Sequence[Capability]) -> Operators:
        """Return the same sockets with what is behind them once the files are loaded anew."""
        fresh = {(each.host, each.port): each for each in found if each.for_operators}
        kept = [
            (fresh[listener.host, listener.port], its_socket)
            for listener, its_socket in self.listeners
            if (listener.host, listener.port) in fresh
        ]
        return Operators(kept, self.probe, capabilities)

    @property
    def sockets(self) -> list[socket.socket]:
        """All of them."""
        return [each for _, each in self.listeners] + ([] if self.probe is None else [self.probe])

    def close(self) -> None:
        """Close them in this process."""
        for each in self.sockets:
            each.close()

    def sites(self, processes: Processes, apps: AppOptions, front: Front) -> list[Site]:
        """Return what is behind them.

        Args:
            processes: what is operated.
            apps: the options of the apps.
            front: what is before the ports of callers.
        """
        options = apps.with_(processes=processes)
        found = [
            Site(each, _maker(listener, options), front=front.for_operators(is_loopback=listener.is_loopback))
            for listener, each in self.listeners
        ]
        if self.probe is not None:
            of_probes = front.for_operators(is_loopback=True)  # who probes has no certificate of ours
            found.append(Site(self.probe, lambda: _probes(self.capabilities, options), front=of_probes))
        return found


def _maker(listener: Listener, options: AppOptions) -> Callable[[], ListenerApp]:
    return lambda: app_of(listener, options)


def _probes(capabilities: Sequence[Capability], options: AppOptions) -> ListenerApp:
    from naftiko.expose.control.adapter import CONTROL  # noqa: PLC0415  # only where there are probes
    from naftiko.expose.control.mounting import probe_app  # noqa: PLC0415  # likewise

    return ListenerApp([Mounted(probe_app(capabilities, options.of_kind(CONTROL)))])


@contextlib.contextmanager
def opened(
    listeners: Iterable[Listener], probe: OwnPort | None, capabilities: Sequence[Capability], given: Given
) -> Iterator[Operators]:
    """Open the operator's own sockets, each once: one process answers for all.

    Raises:
        CannotListen: one can't be opened; the text names the option that mends it.
    """
    with contextlib.ExitStack() as stack:
        found = []
        for listener in listeners:
            is_option = listener.exposed[0].adapter not in listener.exposed[0].capability.adapters
            mend = "--control" if is_option else "--port control=PORT"
            found.append((listener, stack.enter_context(_open(given, listener.host, listener.port, mend))))
            stack.callback(remove_files, [found[-1][1]])
        probed = None if probe is None else stack.enter_context(_open(given, probe.host, probe.port, "--probe-port"))
        yield Operators(found, probed, capabilities)


def _open(given: Given, host: str, port: int, mend: str) -> socket.socket:
    try:
        return given.open(host, port, 1)[0]
    except CannotListen as error:
        raise CannotListen(f"{error}; for the operator's port that is {mend}") from error


def probes_at(operators: Operators) -> Iterator[Announcement]:
    """Yield where probes are answered."""
    if operators.probe is not None:
        url = url_of(operators.probe)
        text = f"probe {url}  /health/live, /health/ready and /metrics, for whoever asks"
        yield Announcement(text, {"event": "listening", "adapter": "probe", "url": url})
