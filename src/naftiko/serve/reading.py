"""From files to listeners, and again when they have changed."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from naftiko.engine.capability import Capability
from naftiko.expose.announcement import Announce
from naftiko.ground.errors import NaftikoError
from naftiko.serve.addresses import Listener, listeners
from naftiko.serve.announcements import not_listening, where
from naftiko.serve.apps import AppOptions, app_of
from naftiko.serve.changes import Change, Outcome
from naftiko.serve.kept import Record, packed
from naftiko.serve.reload import Files, Open, Place, Reloader, open_all, place, tell_outcome
from naftiko.serve.server import Servers, Site
from naftiko.serve.sockets import UNIX, CannotListen, url_of

if TYPE_CHECKING:
    from naftiko.serve.process import ServeOptions

_log = logging.getLogger(__name__)

_EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104  # compared, not bound


def shown(host: str, port: int) -> str:
    """Return where a listener is, for people."""
    return host if host.startswith(UNIX) else f"{host}:{port}"


def told_apart(found: Sequence[Listener], announce: Announce) -> list[Listener]:
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


def site_of(opened: Open, options: AppOptions) -> Site:
    """Return a listener of one process as its server wants it."""
    listener = opened.listener
    is_slow = any(kind.is_slow for kind, _ in listener.by_kind())
    return Site(opened.sockets[0], lambda: app_of(listener, options), slow=is_slow)


class Reading:
    """Reads the files again, and says where what they say listens.

    Args:
        files: that are served.
        options: of the process.
        announce: told what an operator should know.
    """

    def __init__(self, files: Files, options: ServeOptions, announce: Announce) -> None:
        self._files = files
        files.notes = options.workers > 1
        self._options = options
        self._announce = announce

    def reloader(
        self,
        servers: Servers,
        open_now: Sequence[Open],
        *,
        restart: Callable[[], None] | None,
        swapped: Callable[[], Callable[[], None]],
    ) -> Reloader:
        """Return what reloads one process.

        Args:
            servers: of the process.
            open_now: its listeners.
            restart: asks for another process where a change needs another listener; ``None``: this one opens and
                closes them itself.
            swapped: called after each change; returns what is called once nobody uses any more what was before.
        """
        reloader = Reloader(
            self._files,
            servers,
            open_now,
            group=self._listeners,
            make_app=lambda listener: app_of(listener, self._options.apps),
            listen=self._listen if restart is None else None,
            tell=self._announce,
            swapped=swapped,
        )
        reloader.restart = restart
        return reloader

    def checked(self, open_now: Sequence[Open], last: Record | None) -> tuple[list[Place], bytes] | None:
        """Look at what the files say by now, and tell what is new.

        Args:
            open_now: the listeners.
            last: what was kept last, which is served.

        Returns:
            where they want to listen, and what was seen of them, packed; ``None``: they can't be served.
        """
        if last is not None:
            self._files.read(noted=last.noted()).commit()
        try:
            fresh = self._files.read()
            found, seen = self._listeners(fresh.capabilities), packed(fresh.noted)
        except NaftikoError as error:
            tell_outcome(Outcome(reason=str(error)), self._announce)
            return None
        known = {each.place for each in open_now}
        told = [Change(shown(host, port), "opened") for host, port, _ in found.keys() - known]
        told += [Change(shown(host, port), "closed") for host, port, _ in known - found.keys()]
        outcome = Outcome((*fresh.changes, *told))
        tell_outcome(outcome, self._announce)
        return None if outcome.is_rejected else ([*found], seen)

    def prepared(self, open_now: Sequence[Open], wanted: Sequence[Place], count: int) -> list[Open] | None:
        """Open the listeners that are wanted.

        Returns:
            those that are open now and wanted; ``None``: all is as it was.
        """
        places = [(host, port, kind) for host, port, kind in wanted]
        known = {each.place: each for each in open_now}
        missing = ((each, Listener(*each[:2])) for each in places if each not in known)
        try:
            added = open_all(missing, lambda each: self._options.given.open(each.host, each.port, count))
        except CannotListen as error:
            tell_outcome(Outcome(reason=str(error)), self._announce)
            return None
        return [*(known[each] for each in places if each in known), *added]

    def anew(self, open_now: Sequence[Open], kept: Record) -> tuple[Sequence[Capability], list[Open]]:
        """Return what a worker serves that starts now, and on which of the sockets that are open.

        Args:
            open_now: the listeners.
            kept: what was seen by whoever has checked the files.

        Raises:
            CannotListen: it wants to listen where no socket is open.
        """
        fresh = self._files.read(noted=kept.noted())
        found = self._listeners(fresh.capabilities)
        added = found.keys() - {each.place for each in open_now}
        if added:
            raise CannotListen(f"a changed file listens on {min(added)[:2]}, which is not open")
        fresh.commit()
        for gone in (each for each in open_now if each.place not in found):
            for its_socket in gone.sockets:  # here alone: what else is open there is the supervisor's
                its_socket.close()
        kept_open = [Open(found[each.place], each.sockets, each.place) for each in open_now if each.place in found]
        return fresh.capabilities, kept_open

    def _listeners(self, capabilities: Sequence[Capability]) -> dict[Place, Listener]:
        found = listeners(capabilities, host=self._options.host, ports=self._options.ports, given=self._options.given)
        kept = told_apart([each for each in found if not each.for_operators], self._announce)
        return {place(listener): listener for listener in kept}

    def _listen(self, listener: Listener, count: int = 1) -> list[socket.socket]:
        opened = self._options.given.open(listener.host, listener.port, count)
        apps = self._options.apps
        url = url_of(opened[0], self._options.front.scheme)
        for told in where(listener, url, prefix=apps.prefix, allowed_hosts=apps.allowed_hosts):
            self._announce(told)
        return opened
