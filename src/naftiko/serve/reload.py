"""Serve what the files say by now, without a restart: what is called stays open, what has changed takes its place.

The files are read and compiled in a thread, beside the calls. What is broken leaves what was served in its place. Then
each listener gets its new app between two requests; those that it is at finish in the old one, whose connections are
closed after the last of them, unless an API is as it was: its connections and tokens go on.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from naftiko.engine.capability import Capability
from naftiko.engine.keeping import take_over
from naftiko.expose.announcement import Announce, Announcement
from naftiko.ground.errors import NaftikoError
from naftiko.ground.seen import Key
from naftiko.serve.addresses import Listener
from naftiko.serve.apps import ListenerApp
from naftiko.serve.changes import Change, Outcome, in_words
from naftiko.serve.given import Inherited, UnixSocket, address_of
from naftiko.serve.live import LiveApp, Served
from naftiko.serve.server import Servers, Site
from naftiko.serve.sockets import CannotListen, take_no_more

_log = logging.getLogger(__name__)

Place = tuple[str, int, str]
"""Host, port, and the kind of the adapters where the port is any free one: what tells a listener from another."""


Noted = Mapping[str, Mapping[Key, Any]]
"""What was seen of each capability file that was read again, and under ``""`` of what is for all."""


@dataclass(frozen=True, slots=True)
class Fresh:
    """What the files say by now.

    Attributes:
        capabilities: all that is to be served, those that are as they were among them.
        replaced: new and old ones of the files that have changed.
        changes: what is different, and what is refused.
        commit: keeps it: what is read next is compared with it.
        noted: what was seen: who reads that, in place of the files, gets the same.
    """

    capabilities: Sequence[Capability]
    replaced: Sequence[tuple[Capability, Capability]] = ()
    changes: Sequence[Change] = ()
    commit: Callable[[], None] = lambda: None
    noted: Noted = field(default_factory=dict)


class Files(Protocol):
    """The files that are served.

    Attributes:
        notes: whether what is seen of them is kept for other processes.
    """

    notes: bool

    @property
    def watched(self) -> Iterable[Path]:
        """The files and directories whose changes may matter."""

    def is_stale(self) -> bool:
        """Tell whether something has changed since the last reading."""

    def read(self, text: bytes | None = None, *, noted: Noted | None = None) -> Fresh:
        """Read what has changed; it is called in a thread.

        Args:
            text: what the one file that is served shall say instead.
            noted: what another process has seen, in place of all files.

        Raises:
            NaftikoError: nothing can be read.
        """


def tell_outcome(outcome: Outcome, tell: Announce) -> None:
    """Tell the operator what came of a reload."""
    is_warning = outcome.is_rejected or any(each.verdict == "refused" for each in outcome.changes)
    facts = {"event": "reload", **outcome.described()}
    tell(Announcement(in_words(outcome), facts, is_warning=is_warning, is_aside=True))


def place(listener: Listener) -> Place:
    """Return what tells a listener from another."""
    is_known = listener.port or listener.is_unix or not listener.exposed
    kind = "" if is_known else listener.exposed[0].adapter.kind
    return listener.host, listener.port, kind


@dataclass(slots=True, eq=False)
class Open:
    """A listener that is open.

    Attributes:
        sockets: on its port; one in each process that serves it.
        place: what tells it from others.
    """

    listener: Listener
    sockets: Sequence[socket.socket]
    place: Place

    @property
    def name(self) -> str:
        """Where it listens."""
        opened = self.sockets[0]
        host, port = address_of(opened) if opened.fileno() >= 0 else (self.listener.host, self.listener.port)
        return host if self.listener.is_unix else f"{host}:{port}"

    def take_no_more(self, slot: int | None) -> None:
        """Let nobody else into the queue of a process's socket, and close it here; of all for ``None``."""
        for at, its_socket in enumerate(self.sockets):
            if slot in {None, at} and its_socket.fileno() >= 0:
                if isinstance(its_socket, UnixSocket):
                    its_socket.remove()
                elif not isinstance(its_socket, Inherited):
                    take_no_more(its_socket)
                its_socket.close()

    def close(self) -> None:
        """Close its sockets in this process."""
        for its_socket in self.sockets:
            if isinstance(its_socket, UnixSocket):
                its_socket.remove()
            its_socket.close()


def open_all(
    wanted: Iterable[tuple[Place, Listener]], listen: Callable[[Listener], Sequence[socket.socket]]
) -> list[Open]:
    """Open listeners, all of them or none.

    Raises:
        CannotListen: one can't be opened.
    """
    opened: list[Open] = []
    try:
        opened += (Open(listener, listen(listener), where) for where, listener in wanted)
    except CannotListen:
        for each in opened:
            each.close()
        raise
    return opened


class NeedsListener(NaftikoError):
    """A change needs a socket that this process can't open: its supervisor does."""


class Reloader:
    """Reloads what a process serves.

    Args:
        files: reads them.
        servers: of all listeners.
        found: what is open now.
        group: returns the listeners of capabilities by their places; it raises ``NaftikoError`` where they can't be.
        make_app: makes the app of a listener.
        listen: opens a listener's socket; ``None`` in a worker, which can't.
        tell: told what came of it.
        swapped: called after each change, with what to wait for before what was served is gone.

    Attributes:
        keep: told in a thread, after each change, what was seen of the files.
        restart: asks whoever supervises this process for another one, which listens elsewhere.
    """

    def __init__(
        self,
        files: Files,
        servers: Servers,
        found: Iterable[Open],
        *,
        group: Callable[[Sequence[Capability]], Mapping[Place, Listener]],
        make_app: Callable[[Listener], ListenerApp],
        listen: Callable[[Listener], Sequence[socket.socket]] | None,
        tell: Announce,
        swapped: Callable[[], Callable[[], None]] = lambda: lambda: None,
    ) -> None:
        self._files = files
        self.keep: Callable[[Noted], None] | None = None
        self._servers = servers
        self._open: dict[Place, Open] = {each.place: each for each in found}
        self._capabilities: list[Capability] = [
            *dict.fromkeys(exposed.capability for each in self._open.values() for exposed in each.listener.exposed)
        ]
        self._group = group
        self._make_app = make_app
        self._listen = listen
        self._tell = tell
        self.restart: Callable[[], None] | None = None
        self._swapped = swapped
        self._turn = asyncio.Lock()
        self._waiting: asyncio.Task[Outcome] | None = None
        self._retiring: set[asyncio.Task[None]] = set()
        self._ends: dict[asyncio.Task[None], Callable[[], None]] = {}
        self._gone: set[Capability] = set()

    @property
    def open(self) -> Sequence[Open]:
        """The listeners that are open."""
        return tuple(self._open.values())

    @property
    def capabilities(self) -> Sequence[Capability]:
        """What is served by now."""
        return self._capabilities

    async def reload(self, files: frozenset[str], text: str | None) -> Mapping[str, Any]:
        """Read files again, and serve them as they are now; see ``expose.control.contract.Reloading``."""
        if text is None:
            return (await self.read()).described()
        if len(self._capabilities) != 1 or not files.issuperset(str(each.path) for each in self._capabilities):
            detail = f"a body is the new text of one capability, and {len(self._capabilities)} are served"
            return Outcome(reason=detail).described()
        return (await self.read(text.encode())).described()

    async def read(self, text: bytes | None = None) -> Outcome:
        """Read the files, and serve what they say; whoever asks while one is waiting gets what comes of that one.

        Args:
            text: what the one file that is served shall say instead.
        """
        if text is not None:
            return await self._in_turn(text)
        if self._waiting is None:
            self._waiting = asyncio.create_task(self._in_turn(None), name="reload")
        return await asyncio.shield(self._waiting)

    async def _in_turn(self, text: bytes | None) -> Outcome:
        async with self._turn:
            if text is None:
                self._waiting = None  # who asks from now on may know of something that this one doesn't see
            try:
                outcome = await self._reloaded(text)
            except NeedsListener as error:
                return Outcome(reason=str(error), needs_listener=True)
            except NaftikoError as error:
                outcome = Outcome(reason=str(error))
            tell_outcome(outcome, self._tell)
            return outcome

    def soon(self, *, only_changes: bool = False) -> asyncio.Task[None]:
        """Reload, beside whatever the event loop is at.

        Args:
            only_changes: whether nothing is done, and said, where no file has changed since it was read.
        """
        task = asyncio.create_task(self._logged(self.catch_up if only_changes else self.read), name="reload")
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)
        return task

    async def catch_up(self) -> None:
        """Reload if a file has changed since it was read; what needs another listener needs another process."""
        if await asyncio.to_thread(self.is_stale):
            outcome = await self.read()
            if outcome.needs_listener and self.restart is not None:
                self.restart()

    async def _logged(self, reload: Callable[[], Coroutine[None, None, object]]) -> None:
        try:
            await reload()
        except Exception:  # noqa: BLE001  # what was served goes on, and nobody waits for this
            _log.exception("the files could not be reloaded")

    def follows(self, before: Capability, after: Capability) -> bool:
        """Tell whether a reload can serve another version of a file where it wants to be served."""
        try:
            wanted = self._group([after if each is before else each for each in self._capabilities])
        except NaftikoError:
            return False
        return self._listen is not None or wanted.keys() == self._open.keys()

    def watched(self) -> Iterable[Path]:
        """Return the files and directories whose changes may matter."""
        return self._files.watched

    def is_stale(self) -> bool:
        """Tell whether a file has changed since it was read; it is called in a thread."""
        return self._files.is_stale()

    async def _reloaded(self, text: bytes | None) -> Outcome:
        await self._servers.started()
        fresh = await asyncio.to_thread(self._files.read, text)
        kept = [each for each in fresh.capabilities if each in self._capabilities]
        await asyncio.gather(*(_renew(each) for each in kept if each.variables.asks_stores))
        if not any(each.verdict != "refused" for each in fresh.changes):
            return Outcome(fresh.changes)
        wanted = self._group(fresh.capabilities)
        added = [wanted[key] for key in wanted.keys() - self._open.keys()]
        removed = [self._open[key] for key in self._open.keys() - wanted.keys()]
        stays = [(self._open[key], wanted[key]) for key in wanted.keys() & self._open.keys()]
        opened = self._listening(added, removed)
        try:
            apps = await asyncio.to_thread(self._apps, stays, opened)
        except BaseException:
            for each in opened:
                each.close()
            raise
        for now, before in fresh.replaced:
            take_over(now, before)
        left = [await self._changed(each, listener, apps) for each, listener in stays if each in apps]
        for each in opened:
            await self._servers.open(Site(each.sockets[0], partial(apps.__getitem__, each)))
            self._open[each.place] = each
        closing = [self._closed(each) for each in removed]
        fresh.commit()
        gone = [each for each in self._capabilities if each not in fresh.capabilities]
        self._capabilities = [*fresh.capabilities]
        self._retire(left, closing, gone)
        if self.keep is not None:
            await asyncio.to_thread(self.keep, fresh.noted)
        told = [Change(each.name, "opened") for each in opened]
        told += [Change(each.name, "closed") for each in removed]
        return Outcome((*fresh.changes, *told))

    def _listening(self, added: Sequence[Listener], removed: Sequence[Open]) -> list[Open]:
        """Open the sockets of new listeners, all of them or none.

        Raises:
            CannotListen: one can't be opened; all stays as it was.
            NeedsListener: this process opens none.
        """
        if self._listen is None and (added or removed):
            raise NeedsListener(
                "a changed file needs another listener, which a worker can't open: send SIGHUP to the server"
            )
        if self._listen is None:
            return []
        return open_all(((place(listener), listener) for listener in added), self._listen)

    def _apps(self, kept: Sequence[tuple[Open, Listener]], opened: Sequence[Open]) -> dict[Open, ListenerApp]:
        """Return the new apps, of what is open and has changed and of what is open now."""
        changed = [(each, listener) for each, listener in kept if _differ(each.listener, listener)]
        return {
            each: self._make_app(listener) for each, listener in (*changed, *((each, each.listener) for each in opened))
        }

    async def _changed(self, each: Open, listener: Listener, apps: Mapping[Open, ListenerApp]) -> Served:
        each.listener = listener
        return await self._servers.change(each.sockets[0], apps[each])

    def _closed(self, each: Open) -> asyncio.Task[None]:
        del self._open[each.place]
        return self._servers.close(each.sockets[0])

    def _retire(
        self, left: Sequence[Served], closing: Sequence[asyncio.Task[None]], gone: Sequence[Capability]
    ) -> None:
        self._gone.update(gone)
        then = self._swapped()
        task = asyncio.create_task(self._retired(left, closing, gone, then), name="retire")
        self._retiring.add(task)
        self._ends[task] = then
        task.add_done_callback(self._retiring.discard)
        task.add_done_callback(self._ends.pop)

    async def _retired(
        self,
        left: Sequence[Served],
        closing: Sequence[asyncio.Task[None]],
        gone: Sequence[Capability],
        then: Callable[[], None],
    ) -> None:
        """Wait until nobody waits for an answer of what was served, and close it."""
        await asyncio.gather(*(served.idle() for served in left), *closing, return_exceptions=True)
        for served in left:
            if isinstance(served.app, LiveApp):
                await served.app.aclose()
        for capability in gone:
            await capability.aclose()
        self._gone.difference_update(gone)
        then()
        del left, closing, gone
        gc.collect()  # what was served first is frozen; all that came later is small

    async def aclose(self) -> None:
        """Close what is still waited for, at the end of the process."""
        ends = dict(self._ends)
        for task in tuple(self._retiring):
            task.cancel()
        await asyncio.gather(*self._retiring, return_exceptions=True)
        for task, then in ends.items():
            if task.cancelled():
                then()
        everything = (*self._gone, *self._capabilities)
        await asyncio.gather(*(capability.aclose() for capability in everything), return_exceptions=True)


def _differ(before: Listener, now: Listener) -> bool:
    """Tell whether other adapters are behind a listener, or under other names."""
    return before.shared != now.shared or [each.adapter for each in before.exposed] != [
        each.adapter for each in now.exposed
    ]


async def _renew(capability: Capability) -> None:
    """Read the variables of a file anew that has not changed itself: a store has no file that would tell."""
    for upstream in capability.upstreams.values():
        await upstream.renew()
