"""One process that serves capabilities: open the sockets, say where, run until told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from naftiko.engine.capability import Capability
from naftiko.engine.memory import Budget
from naftiko.engine.process_pool import SECONDS, current, install
from naftiko.engine.sharing import end_sharing
from naftiko.expose.announcement import Announce
from naftiko.expose.control.contract import Traces
from naftiko.expose.registry import KINDS
from naftiko.expose.served import Exposed, ServedKind
from naftiko.observe.endings import end
from naftiko.observe.lines import LINES
from naftiko.plan.deadline import CHECK_LIMIT, SHORT
from naftiko.serve.addresses import impossible_port, listeners
from naftiko.serve.announcements import amounts, in_conflict, no_port, on_stdio, unused, where
from naftiko.serve.apps import AppOptions
from naftiko.serve.channel import Answering
from naftiko.serve.crew import Crew, Post
from naftiko.serve.front import Front
from naftiko.serve.given import Given, address_of, remove_files
from naftiko.serve.kept import Keeping
from naftiko.serve.limits import ConnectionLimits
from naftiko.serve.operated import Figures, Operated, Place
from naftiko.serve.operators import Operators, apart, control_of, probes_at
from naftiko.serve.operators import opened as open_operators
from naftiko.serve.peers import Peers
from naftiko.serve.reading import Reading, site_of, told_apart
from naftiko.serve.reload import Files, Open, Reloader, place
from naftiko.serve.server import GRACE, Patience, Servers, Site, run
from naftiko.serve.settling import settle
from naftiko.serve.signals import Signals
from naftiko.serve.sockets import CannotListen, OwnPort, url_of
from naftiko.serve.systemd import Notifier
from naftiko.serve.watch import changes
from naftiko.serve.workers import DRAIN_SIGNAL, PULSE_SECONDS, Assignment

_ENDING_SECONDS = 2.0
"""For what waits to be sent to others, such as traces."""


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
        verbose: tell of each adapter, however many there are.
        call_seconds: how long a call may take; a worker that is replaced lives as long as its last one.
        stop_seconds: how long calls in flight may take when it stops.
        document_seconds: how long one document may be worked on.
        memory: bytes that large bodies and documents of one process may hold; 0 for any number.
        limits: of callers' connections.
        control: the operator's port of the files that declare no control adapter; ``None``: they have none.
        probes: the port of probes, or ``None``.
        figures: what is measured; ``None``: nothing.
        traces: the last traces; ``None``: nothing is traced.
        watch: whether files are read again when they have changed.
        front: what is between callers and the apps.
        given: what adapters have to listen on beside ports.
        notifier: tells systemd how it goes.
    """

    host: str | None = None
    ports: Mapping[str, int] = field(default_factory=dict)
    apps: AppOptions = field(default_factory=AppOptions)
    strict: bool = False
    workers: int = 1
    dev: bool = False
    verbose: bool = False
    call_seconds: float = 60.0
    stop_seconds: int = GRACE
    document_seconds: float = SECONDS
    memory: int = 0
    limits: ConnectionLimits = field(default_factory=ConnectionLimits)
    control: OwnPort | None = None
    probes: OwnPort | None = None
    figures: Figures | None = None
    traces: Traces | None = None
    watch: bool = False
    front: Front = field(default_factory=Front)
    given: Given = field(default_factory=Given)
    notifier: Notifier = field(default_factory=lambda: Notifier({}))


def serve(
    capabilities: Sequence[Capability], options: ServeOptions, announce: Announce, files: Files | None = None
) -> bool:
    """Serve until SIGINT or SIGTERM; requests in flight then finish.

    Args:
        capabilities: what is served.
        options: where and how.
        announce: told a line for each conflict, and one for each adapter once it is known where it listens.
        files: where the capabilities come from, to read them again.

    Returns:
        whether every adapter was served.

    Raises:
        CannotListen: a socket can't be opened, and none stays open; or there is nothing to serve.
    """
    prefix = options.apps.prefix
    servable = _servable(capabilities, options.ports, announce)
    beside = control_of(options.control)
    everything = listeners(servable, host=options.host, ports=options.ports, beside=beside, given=options.given)
    wanted, own = apart(everything, announce, strict=options.strict)
    found = told_apart(wanted, announce)
    served_all = len(servable) == len(capabilities) and len(found) == len(wanted)
    if options.strict and not served_all:
        raise CannotListen("--strict: not started, see above")
    if not any(sum(amounts(exposed.adapter).values()) for listener in (*found, *own) for exposed in listener.exposed):
        raise CannotListen("nothing to serve: there is no route, no tool, no resource and no prompt")
    for announcement in (*on_stdio(servable), *in_conflict(found, prefix=prefix)):
        announce(announcement)
    with contextlib.ExitStack() as opened:
        bound: list[list[socket.socket]] = []
        for listener in found:
            its_sockets = options.given.open(listener.host, listener.port, options.workers)
            bound.append([opened.enter_context(each) for each in its_sockets])
            opened.callback(remove_files, its_sockets)
            url, hosts = url_of(its_sockets[0], options.front.scheme), options.apps.allowed_hosts
            told = where(listener, url, prefix=prefix, dev=options.dev, allowed_hosts=hosts, verbose=options.verbose)
            for announcement in told:
                announce(announcement)
        operators = opened.enter_context(open_operators(own, options.probes, servable, options.given))
        for listener, its_socket in operators.listeners:
            scheme = "http" if listener.is_loopback else options.front.scheme
            for announcement in where(listener, url_of(its_socket, scheme), prefix=prefix):
                announce(announcement)
        for announcement in (*probes_at(operators), *unused(options.given)):
            announce(announcement)
        open_now = [
            Open(listener, its_sockets, place(listener)) for listener, its_sockets in zip(found, bound, strict=True)
        ]
        reading = None if files is None else Reading(files, options, announce)
        if options.workers == 1:
            _Process(servable, open_now, options, reading, operators=operators).serve()
        else:
            Crew(servable, options, open_now, reading, operators, _run_worker).serve()
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


@dataclass(slots=True)
class _Process:
    """One process that serves.

    Attributes:
        capabilities: what it serves.
        found: the listeners of callers, each with its socket in this process.
        reading: reads the files again; ``None``: nobody does.
        assignment: what its supervisor has told it, if it is a worker.
        operators: the operator's sockets, if it answers on them itself.
        place: where it answers another process that does.
        peers: the workers, if this is the process that asks them.
        keeping: keeps what it serves for those that start later, if it is one of several.
        reloader: replaces what it serves, once it serves.
    """

    capabilities: Sequence[Capability]
    found: Sequence[Open]
    options: ServeOptions
    reading: Reading | None = None
    assignment: Assignment | None = None
    operators: Operators | None = None
    place: socket.socket | None = None
    peers: Peers | None = None
    keeping: Keeping | None = None
    reloader: Reloader | None = None

    def serve(self) -> None:
        """Serve until SIGINT or SIGTERM."""
        signals = Signals()
        run(lambda: _run(self, signals))

    def operated(self, servers: Callable[[], Servers]) -> Operated:
        """Return the process as control adapters see it."""
        options = self.options
        return Operated(
            lambda: self.capabilities if self.reloader is None else self.reloader.capabilities,
            lambda: self._places(servers()),
            figures=options.figures,
            traces=options.traces,
            stop=lambda: servers().stop(),
            close=lambda wanted: servers().ask_to_close(wanted=wanted),
            call_seconds=options.call_seconds + GRACE,
        )

    def sites(self, operated: Operated) -> list[Site]:
        """Return what is behind the sockets, the operator's first: they tell how far the others are."""
        processes = operated if self.peers is None else self.peers
        own = [] if self.operators is None else self.operators.sites(processes, self.options.apps, self.options.front)
        return [*own, *(site_of(each, self.options.apps) for each in self.found)]

    def reloads(self, servers: Servers, memory: Budget) -> Reloader | None:
        """Return what replaces what is served, if it can be."""
        if self.reading is None or not self.found:
            return None
        anew = partial(_anew, self.options, memory)
        again = None if self.assignment is None else self.assignment.restart
        self.reloader = self.reading.reloader(servers, self.found, restart=again, swapped=anew)
        self.reloader.keep = self.keeping
        return self.reloader

    def watching(self) -> asyncio.Task[None]:
        """Return what reloads whenever something has changed, if that is wanted."""
        reloader = self.reloader if self.options.watch else None
        return asyncio.create_task(_watch(reloader), name="watch")

    def catch_up(self) -> None:
        """Serve what has changed since this process began to start: who told of that did not reach it."""
        if self.reloader is None or self.keeping is None:
            return
        if self.options.watch or self.keeping.is_behind:
            self.reloader.soon(only_changes=True)

    def _places(self, servers: Servers) -> list[Place]:
        """Return where the adapters of callers are."""
        return [
            Place(
                str(exposed.capability.path),
                exposed.adapter.kind,
                exposed.adapter.namespace,
                address_of(each.sockets[0])[1],
                partial(servers.is_serving, each.sockets[0]),
                partial(servers.calls, each.sockets[0]),
            )
            for each in (self.found if self.reloader is None else self.reloader.open)
            for exposed in each.listener.exposed
        ]


def _run_worker(reading: Reading | None, assignment: Assignment, options: ServeOptions, post: Post) -> None:
    """Run one of several processes until it is told to stop."""
    _Process(
        post.capabilities,
        post.here,
        options,
        reading if post.peers is None else None,
        assignment,
        post.operators,
        post.place,
        post.peers,
        post.keeping,
    ).serve()


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
        await asyncio.to_thread(end, _ENDING_SECONDS)
        await _close(capabilities)


def _end_at_once() -> None:
    end(0.2)
    LINES.drain(0.2)
    os._exit(0)


async def _close(capabilities: Sequence[Capability], reloader: Reloader | None = None) -> None:
    closing = [each.aclose() for each in capabilities] if reloader is None else [reloader.aclose()]
    await asyncio.gather(*closing, return_exceptions=True)
    await end_sharing(capabilities)


async def _run(process: _Process, signals: Signals) -> None:
    options, assignment, notifier = process.options, process.assignment, process.options.notifier
    memory = Budget(options.memory)
    operated = process.operated(lambda: servers)
    answering = None if process.place is None else Answering(operated, process.place)

    def settled() -> None:
        settle(process.capabilities if process.found else ())
        if process.found:
            _open_pool(options.document_seconds, memory)
        if answering is not None:
            answering.start()
        notifier.begin(f"Serving {len(process.found)} listeners", asyncio.get_running_loop())
        if assignment is not None:
            assignment.ready()
            _give_pulses(asyncio.get_running_loop(), assignment.pulse)
            if assignment.reload:
                process.catch_up()

    servers = Servers(
        process.sites(operated),
        memory=memory,
        ready=settled,
        limits=options.limits,
        patience=Patience(options.stop_seconds, drain=options.call_seconds + GRACE),
        # The next worker of a slot listens on the same sockets.
        is_last=assignment.is_last if assignment is not None else lambda: True,
        front=options.front,
        tells=assignment is None or assignment.slot == 0,
    )
    servers.tell_stopping = notifier.stopping
    reloader = operated.reloading = process.reloads(servers, memory)
    signals.attach(servers.stop, None if reloader is None or assignment is not None else notifier.around(reloader.soon))
    if assignment is not None:  # a worker: its supervisor tells it when it is replaced, and it ends with it
        _obey(assignment, servers, answering)
    if process.peers is not None:
        process.peers.start()
    watching = process.watching()
    try:
        await servers.run()
    finally:
        watching.cancel()
        if process.peers is not None:
            await process.peers.aclose()
        _close_pool()
        if answering is not None:
            await answering.finish()
        await asyncio.to_thread(end, _ENDING_SECONDS)
        # Only now is no listener left whose requests may need a connection.
        await _close(process.capabilities, reloader)


async def _watch(reloader: Reloader | None) -> None:
    """Reload whenever something has changed."""
    if reloader is None:
        return
    async for _ in changes(reloader.watched):
        await reloader.catch_up()


def _anew(options: ServeOptions, memory: Budget) -> Callable[[], None]:
    """Let large documents of what is served by now be worked on in processes too; return what ends the ones before."""
    before = current()
    if before is None:
        return lambda: None
    _open_pool(options.document_seconds, memory)
    return before.close


def _obey(assignment: Assignment, servers: Servers, answering: Answering | None) -> None:
    """Do as the supervisor says: leave in good order when it tells so, and end with it."""
    loop = asyncio.get_running_loop()

    def replaced() -> None:
        if answering is not None:
            answering.leave()
        servers.drain()

    def orphaned() -> None:
        loop.remove_reader(assignment.lifeline)
        servers.stop()

    loop.add_signal_handler(DRAIN_SIGNAL, replaced)
    loop.add_reader(assignment.lifeline, orphaned)


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
