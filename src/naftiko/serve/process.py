"""One process that serves capabilities: open the sockets, say where, run until told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import secrets
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from naftiko.engine.capability import Capability
from naftiko.engine.memory import Budget
from naftiko.engine.process_pool import SECONDS, current, install
from naftiko.expose.announcement import Announce
from naftiko.expose.authentication.nonces import share_counts
from naftiko.expose.registry import KINDS
from naftiko.expose.served import Exposed, ServedKind
from naftiko.observe.logs import LINES
from naftiko.plan.deadline import CHECK_LIMIT, SHORT
from naftiko.serve.addresses import Listener, impossible_port, listeners
from naftiko.serve.announcements import amounts, in_conflict, no_port, not_listening, on_stdio, where
from naftiko.serve.apps import AppOptions, app_of
from naftiko.serve.connections import ConnectionLimits
from naftiko.serve.server import GRACE, Servers, Site, run
from naftiko.serve.signals import Signals
from naftiko.serve.sockets import CannotListen, listen_together, url_of
from naftiko.serve.workers import DRAIN_SIGNAL, PULSE_SECONDS, Assignment, Supervisor

_GC_THRESHOLDS = (50_000, 50, 100)
"""A served plan never dies: collecting it again and again costs a third of a large mapped answer (docs/performance)."""

_EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104  # compared, not bound


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """What an operator decides about a process.

    Attributes:
        host: the address of all listeners; else each file's own, else loopback.
        ports: by adapter kind or namespace, or a pattern; 0 is a free port.
        apps: of the apps.
        strict: serve all adapters or none.
        workers: how many processes serve.
        dev: say how to look at what is served.
        call_seconds: how long a call may take; a worker that is replaced lives as long as its last one.
        document_seconds: how long one document may be worked on.
        memory: bytes that large bodies and documents of one process may hold; 0 for any number.
        limits: of callers' connections.
    """

    host: str | None = None
    ports: Mapping[str, int] = field(default_factory=dict)
    apps: AppOptions = field(default_factory=AppOptions)
    strict: bool = False
    workers: int = 1
    dev: bool = False
    call_seconds: float = 60.0
    document_seconds: float = SECONDS
    memory: int = 0
    limits: ConnectionLimits = field(default_factory=ConnectionLimits)


Reload = Callable[[], Sequence[Capability]]
"""Loads the capabilities anew, for a worker that starts after the files may have changed."""


def serve(
    capabilities: Sequence[Capability], options: ServeOptions, announce: Announce, reload: Reload | None = None
) -> bool:
    """Serve until SIGINT or SIGTERM; requests in flight then finish.

    Args:
        capabilities: what is served.
        options: where and how.
        announce: told a line for each conflict, and one for each adapter once it is known where it listens.
        reload: loads the files anew, for workers that are replaced.

    Returns:
        whether every adapter was served.

    Raises:
        CannotListen: a socket can't be opened, and none stays open; or there is nothing to serve.
    """
    prefix = options.apps.prefix
    servable = _servable(capabilities, options.ports, announce)
    wanted = listeners(servable, host=options.host, ports=options.ports)
    found = _told_apart(wanted, announce)
    served_all = len(servable) == len(capabilities) and len(found) == len(wanted)
    if options.strict and not served_all:
        raise CannotListen("--strict: not started, see above")
    if not any(sum(amounts(exposed.adapter).values()) for listener in found for exposed in listener.exposed):
        raise CannotListen("nothing to serve: there is no route, no tool, no resource and no prompt")
    for announcement in (*on_stdio(servable), *in_conflict(found, prefix=prefix)):
        announce(announcement)
    with contextlib.ExitStack() as opened:
        bound: list[list[socket.socket]] = []
        for listener in found:
            its_sockets = listen_together(listener.host, listener.port, options.workers)
            bound.append([opened.enter_context(each) for each in its_sockets])
            url, hosts = url_of(its_sockets[0]), options.apps.allowed_hosts
            for announcement in where(listener, url, prefix=prefix, dev=options.dev, allowed_hosts=hosts):
                announce(announcement)
        if options.workers == 1:
            _serve_here(servable, _sites(found, bound, 0, options), options)
        else:
            again = None if reload is None else (lambda: _servable(reload(), options.ports, announce))
            _Workers(servable, options, found, bound, again).serve()
    return served_all


def _servable(capabilities: Sequence[Capability], ports: Mapping[str, int], announce: Announce) -> Sequence[Capability]:
    """Return the capabilities whose ports are ports; the others are told."""
    kept = []
    for capability in capabilities:
        impossible = impossible_port(capability, ports)
        if impossible is None:
            kept.append(capability)
        else:
            announce(no_port(*impossible))
    return kept


def _sites(
    found: Sequence[Listener], bound: Sequence[Sequence[socket.socket]], slot: int, options: ServeOptions
) -> list[Site]:
    return [_site(listener, sockets[slot], options) for listener, sockets in zip(found, bound, strict=True)]


def _serve_here(
    capabilities: Sequence[Capability],
    sites: Sequence[Site],
    options: ServeOptions,
    assignment: Assignment | None = None,
) -> None:
    signals = Signals()
    run(lambda: _run(sites, capabilities, signals, options, assignment))


class _Workers:
    """The processes behind the sockets of all listeners."""

    def __init__(
        self,
        capabilities: Sequence[Capability],
        options: ServeOptions,
        found: Sequence[Listener],
        bound: Sequence[Sequence[socket.socket]],
        reload: Reload | None,
    ) -> None:
        self._capabilities = capabilities
        self._options = options
        self._found = found
        self._bound = bound
        self._reload = reload

    def serve(self) -> None:
        """Supervise them until SIGINT or SIGTERM."""
        # What one worker signs, another one must accept: handles of cut answers, nonces of Digest.
        for name in ("NAFTIKO_HANDLE_KEY", "NAFTIKO_NONCE_KEY"):
            os.environ.setdefault(name, secrets.token_hex(32))
        share_counts()
        kinds = {kind.kind: kind for listener in self._found for kind, _ in listener.by_kind()}
        for kind in kinds.values():
            kind.prepare()  # once, before the forks that share its memory
        gc.collect()
        gc.freeze()
        Supervisor(self._options.workers, self._run_one, grace=GRACE, stopping=self._close_sockets).supervise()

    def _close_sockets(self, keep: int | None = None) -> None:
        """Close the listening sockets in this process, but for those of one slot."""
        for sockets in self._bound:
            for slot, each in enumerate(sockets):
                if slot != keep:
                    each.close()

    def _run_one(self, assignment: Assignment) -> None:
        found, capabilities = self._found, self._capabilities
        self._close_sockets(keep=assignment.slot)
        if assignment.reload and self._reload is not None:
            capabilities = self._reload()
            found = _same_places(self._found, capabilities, self._options)
        _serve_here(capabilities, _sites(found, self._bound, assignment.slot, self._options), self._options, assignment)


def _same_places(
    found: Sequence[Listener], capabilities: Sequence[Capability], options: ServeOptions
) -> list[Listener]:
    """Return the listeners of reloaded capabilities for the sockets that are open already.

    Raises:
        CannotListen: a changed file listens where no socket is open; that takes a whole restart.
    """
    fresh = {
        (listener.host, listener.port): listener
        for listener in listeners(capabilities, host=options.host, ports=options.ports)
    }
    known = {(listener.host, listener.port) for listener in found}
    added = fresh.keys() - known
    if added:
        raise CannotListen(f"a changed file listens on {min(added)}: stop and start again to open that port")
    return [fresh.get((listener.host, listener.port), Listener(listener.host, listener.port)) for listener in found]


def for_stdio(capabilities: Sequence[Capability]) -> tuple[ServedKind[Any], list[Exposed]] | None:
    """Return what can be served on stdin and stdout: the adapters of the first kind that can; ``None`` for nothing."""
    for kind in KINDS.values():
        exposed = [Exposed(each, adapter) for each in capabilities for adapter in each.of_kind(kind.kind)]
        if kind.speaks_stdio and exposed:
            return kind, exposed
    return None


def serve_stdio(capabilities: Sequence[Capability], options: AppOptions) -> None:
    """Serve on stdin and stdout until the client closes stdin, or SIGINT or SIGTERM comes.

    Raises:
        CannotListen: there is nothing that can be served so.
    """
    found = for_stdio(capabilities)
    if found is None:
        raise CannotListen("--transport stdio: the files expose nothing over MCP")
    kind, exposed = found
    signals = Signals()
    run(lambda: _run_stdio(kind.serve_stdio(exposed, options.of_kind(kind)), capabilities, signals))


async def _run_stdio(serving: Awaitable[None], capabilities: Sequence[Capability], signals: Signals) -> None:
    # A thread of the SDK waits in a read of stdin, and a stop must not wait for it.
    signals.attach(_end_at_once)
    try:
        await serving
    finally:
        await _close(capabilities)


def _end_at_once() -> None:
    LINES.drain(0.2)
    os._exit(0)


async def _close(capabilities: Sequence[Capability]) -> None:
    await asyncio.gather(*(capability.aclose() for capability in capabilities), return_exceptions=True)


def _told_apart(found: Sequence[Listener], announce: Announce) -> list[Listener]:
    """Return the listeners that can be open together; the others are told.

    The system lets nobody listen on a port of one address and on the same port of all addresses, not even us.
    """
    hosts: dict[int, set[str]] = {}
    kept = []
    for listener in found:
        others = hosts.setdefault(listener.port, set())
        overlaps = others and (_EVERYWHERE & {listener.host} or _EVERYWHERE & others)
        if listener.port and overlaps:
            for exposed in listener.exposed:
                announce(not_listening(exposed, listener, beside=min(others)))
        else:
            others.add(listener.host)
            kept.append(listener)
    return kept


def _site(listener: Listener, its_socket: socket.socket, options: ServeOptions) -> Site:
    is_slow = any(kind.is_slow for kind, _ in listener.by_kind())
    return Site(its_socket, lambda: app_of(listener, options.apps), slow=is_slow)


async def _run(
    sites: Sequence[Site],
    capabilities: Sequence[Capability],
    signals: Signals,
    options: ServeOptions,
    assignment: Assignment | None = None,
) -> None:
    def settled() -> None:
        _settle()
        _open_pool(options.document_seconds, memory)
        if assignment is not None:
            assignment.ready()
            _give_pulses(asyncio.get_running_loop(), assignment.pulse)

    memory = Budget(options.memory)
    servers = Servers(
        sites,
        memory=memory,
        ready=settled,
        limits=options.limits,
        drain_seconds=options.call_seconds + GRACE,
        # The next worker of a slot listens on the same sockets.
        is_last=assignment.is_last if assignment is not None else lambda: True,
    )
    signals.attach(servers.stop)
    if assignment is not None:  # a worker: its supervisor tells it when it is replaced, and it ends with it
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(DRAIN_SIGNAL, servers.drain)

        def orphaned() -> None:
            loop.remove_reader(assignment.lifeline)
            servers.stop()

        loop.add_reader(assignment.lifeline, orphaned)
    try:
        await servers.run()
    finally:
        _close_pool()
        # Only now is no listener left whose requests may need a connection.
        await _close(capabilities)


def _open_pool(seconds: float, memory: Budget) -> None:
    """Let large documents be worked on in processes of their own, where the system has them."""
    from naftiko.engine.process_pool.template import open_pool  # noqa: PLC0415  # it imports what only Unix has

    pool = open_pool(seconds, memory)
    if pool is not None:
        install(pool)
        CHECK_LIMIT.seconds = SHORT


def _close_pool() -> None:
    pool = current()
    if pool is not None:
        install(None)
        pool.close()


def _give_pulses(loop: asyncio.AbstractEventLoop, pulse: Callable[[], None]) -> None:
    """Give a sign of life now, and from then on as long as the loop runs."""
    pulse()
    loop.call_later(PULSE_SECONDS, _give_pulses, loop, pulse)


def _settle() -> None:
    """After the start: what was loaded stays, so the garbage collector need not look at it again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)
