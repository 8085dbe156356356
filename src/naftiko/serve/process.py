"""One process that serves capabilities: open the sockets, say where, run until told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from naftiko.engine.capability import Capability
from naftiko.serve.addresses import Listener, listeners
from naftiko.serve.apps import AppOptions, app_of
from naftiko.serve.conflicts import conflicts
from naftiko.serve.server import Servers, Site, on_signals, run
from naftiko.serve.sockets import listen, url_of

_GC_THRESHOLDS = (50_000, 50, 100)
"""A served plan never dies: collecting it again and again costs a third of a large mapped answer (docs/performance)."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """What an operator decides about a process.

    Attributes:
        host: the address of all listeners; else each file's own, else loopback.
        ports: by adapter kind or namespace, or a pattern; 0 is a free port.
        apps: of the apps.
    """

    host: str | None = None
    ports: Mapping[str, int] = field(default_factory=dict)
    apps: AppOptions = field(default_factory=AppOptions)


def serve(capabilities: Sequence[Capability], options: ServeOptions, say: Say) -> None:
    """Serve until SIGINT or SIGTERM; requests in flight then finish.

    Args:
        capabilities: what is served.
        options: where and how.
        say: told a line for each adapter once it is known where it listens.

    Raises:
        CannotListen: a socket can't be opened; none stays open.
    """
    found = listeners(capabilities, host=options.host, ports=options.ports)
    for listener in found:
        for conflict in conflicts(listener, prefix=options.apps.rest.prefix):
            say(f"conflict: {conflict}; --prefix puts each capability under its namespace")
    with contextlib.ExitStack() as opened:
        bound = [(listener, opened.enter_context(listen(listener.host, listener.port))) for listener in found]
        for listener, its_socket in bound:
            for line in lines_of(listener, url_of(its_socket)):
                say(line)
        run(lambda: _run([_site(listener, its_socket, options) for listener, its_socket in bound]))


def _site(listener: Listener, its_socket: socket.socket, options: ServeOptions) -> Site:
    return Site(its_socket, lambda: app_of(listener, options.apps), slow=bool(listener.of_kind("mcp")))


async def _run(sites: Sequence[Site]) -> None:
    servers = Servers(sites, ready=_settle)
    on_signals(servers.stop)
    await servers.run()
    # Whatever a cancelled request left behind ends before the loop does.
    await asyncio.sleep(0)


def _settle() -> None:
    """After the start: what was loaded stays, so the garbage collector need not look at it again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)


def lines_of(listener: Listener, url: str) -> list[str]:
    """Return a line for each adapter behind a listener: its full URL and how much it serves."""
    lines = []
    for exposed in listener.exposed:
        adapter = exposed.adapter
        executable = sum(unit.executable for unit in adapter.units)
        count = len(adapter.units)
        what = "route" if adapter.kind == "rest" else "tool"
        amount = f"{count} {what}{'' if count == 1 else 's'}"
        if executable < count:
            amount += f" ({count - executable} not executable)"
        path = "" if adapter.kind == "rest" else "/mcp"
        lines.append(f"{adapter.kind:<5}{url}{path}  {amount}  {adapter.namespace} ({exposed.capability.label})")
    return lines


def missing_lines(capabilities: Sequence[Capability]) -> list[str]:
    """Return what has no value and what that blocks, each once (SEMANTICS 2)."""
    blocked: dict[str, dict[str, None]] = {}
    hints: dict[str, str] = {}
    for capability in capabilities:
        for name, blocks in capability.missing_variables().items():
            blocked.setdefault(name, {}).update(dict.fromkeys(blocks))
            hints.setdefault(name, capability.variables.hint(name))
        for namespace in capability.apis_without_base():
            name = f"the base URI of {namespace}"
            blocked.setdefault(name, {})[namespace] = None
            hints.setdefault(name, f"give it with --base-uri {namespace}=https://HOST")
    return [f"missing: {name} — blocks {_some(blocks)}; {hints[name]}" for name, blocks in blocked.items()]


_SHOWN = 5


def _some(names: Mapping[str, None]) -> str:
    listed = list(names)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return ", ".join(listed[:_SHOWN]) + more
