"""One process that serves capabilities: open the sockets, say where, run until told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from naftiko.engine.capability import Capability
from naftiko.serve.addresses import Listener, listeners
from naftiko.serve.announcements import Announce, in_conflict, not_listening, on_stdio, where
from naftiko.serve.apps import AppOptions, app_of
from naftiko.serve.server import Servers, Site, run
from naftiko.serve.signals import Signals
from naftiko.serve.sockets import CannotListen, listen, url_of

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
    """

    host: str | None = None
    ports: Mapping[str, int] = field(default_factory=dict)
    apps: AppOptions = field(default_factory=AppOptions)
    strict: bool = False


def serve(capabilities: Sequence[Capability], options: ServeOptions, announce: Announce) -> bool:
    """Serve until SIGINT or SIGTERM; requests in flight then finish.

    Args:
        capabilities: what is served.
        options: where and how.
        announce: told a line for each conflict, and one for each adapter once it is known where it listens.

    Returns:
        whether every adapter was served.

    Raises:
        CannotListen: a socket can't be opened; none stays open.
    """
    prefix = options.apps.rest.prefix
    wanted = listeners(capabilities, host=options.host, ports=options.ports)
    found = _told_apart(wanted, announce)
    if options.strict and len(found) < len(wanted):
        raise CannotListen("--strict: not started, see above")
    for announcement in (*on_stdio(capabilities), *in_conflict(found, prefix=prefix)):
        announce(announcement)
    signals = Signals()
    with contextlib.ExitStack() as opened:
        bound = [(listener, opened.enter_context(listen(listener.host, listener.port))) for listener in found]
        for listener, its_socket in bound:
            for announcement in where(listener, url_of(its_socket), prefix=prefix):
                announce(announcement)
        sites = [_site(listener, its_socket, options) for listener, its_socket in bound]
        run(lambda: _run(sites, capabilities, signals))
    return len(found) == len(wanted)


def serve_stdio(capabilities: Sequence[Capability]) -> None:
    """Serve the MCP adapters on stdin and stdout until the client closes stdin, or SIGINT or SIGTERM comes."""
    signals = Signals()
    run(lambda: _run_stdio(capabilities, signals))


async def _run_stdio(capabilities: Sequence[Capability], signals: Signals) -> None:
    from naftiko.expose.mcp import stdio_server  # noqa: PLC0415  # the SDK takes half a second to import

    # A thread of the SDK waits in a read of stdin, and a stop must not wait for it.
    signals.attach(lambda: os._exit(0))
    try:
        await stdio_server(capabilities)
    finally:
        await _close(capabilities)


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
    return Site(its_socket, lambda: app_of(listener, options.apps), slow=bool(listener.of_kind("mcp")))


async def _run(sites: Sequence[Site], capabilities: Sequence[Capability], signals: Signals) -> None:
    servers = Servers(sites, ready=_settle)
    signals.attach(servers.stop)
    try:
        await servers.run()
    finally:
        # Only now is no listener left whose requests may need a connection.
        await _close(capabilities)


def _settle() -> None:
    """After the start: what was loaded stays, so the garbage collector need not look at it again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)
