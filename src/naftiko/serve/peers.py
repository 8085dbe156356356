"""The workers, as the process with the operator's port sees them: asked all at once, their answers in order."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from naftiko.expose.control import contract
from naftiko.expose.control.contract import Silent
from naftiko.serve.channel import HUSH, LISTEN, Ends, connect, write

_SECONDS: Final = 3.0
"""How long a worker may take for an answer."""
_LONG: Final = 60.0
_LONG_ONES: Final = frozenset({contract.VALIDATE, contract.RELOAD, contract.DOCUMENTS})
_OF_ONE: Final = frozenset({contract.VALIDATE, contract.DOCUMENTS, contract.DEPENDENCIES})
"""Questions to which all workers have the same answer."""
_OF_LEAVING: Final = frozenset({contract.FIGURES, contract.TRACES, contract.TRACE})
"""Questions for those too that take no more calls and are still at some."""
_PAUSE: Final = 0.05
_MOST_WAITING: Final = 1000
"""Records that wait for a slow reader; more are dropped."""
_LASTING: Final = ("counter", "histogram")
"""Figures of a worker that go on counting after its end."""


class _Peer:
    """A connection to a worker.

    Attributes:
        is_leaving: whether it takes no more calls, and another one is at its place.
        followed: set when another one is at its place.
        begun: set when it is connected.
        writer: writes to it; ``None`` where it is not connected.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.is_leaving = False
        self.followed = asyncio.Event()
        self.begun = asyncio.Event()
        self.writer: asyncio.StreamWriter | None = None
        self.listeners: dict[int, asyncio.Queue[Mapping[str, Any]]] = {}
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._ids = itertools.count(1)

    def say(self, ask: str, given: Mapping[str, Any]) -> int:
        """Send a question; return its number."""
        number = next(self._ids)
        if self.writer is not None:
            write(self.writer, {"id": number, "ask": ask, "given": given})
        return number

    async def ask(self, question: str, given: Mapping[str, Any]) -> Any:
        """Return the answer, or ``Silent``."""
        try:
            async with asyncio.timeout(_LONG if question in _LONG_ONES else _SECONDS):
                await self.begun.wait()
                return self._silent() if self.writer is None else await self._answer(question, given)
        except TimeoutError:
            return self._silent()

    async def _answer(self, question: str, given: Mapping[str, Any]) -> Any:
        number = self.say(question, given)
        waiting = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            return await waiting
        finally:
            del self._waiting[number]

    def _silent(self) -> Silent:
        return Silent(f"worker {self.number} does not answer")

    def take(self, entry: Mapping[str, Any]) -> None:
        """Take what belongs to a question."""
        number = entry["id"]
        if "record" in entry:
            if (queue := self.listeners.get(number)) is not None and not queue.full():
                queue.put_nowait(entry["record"])
        elif (waiting := self._waiting.get(number)) is not None and not waiting.done():
            waiting.set_result(entry["answer"] if "answer" in entry else Silent(entry["failed"]))

    def end(self) -> None:
        """Answer what is still waited for."""
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_result(self._silent())


class Peers:
    """All workers, as ``contract.Processes``.

    Args:
        places: the asking end of each place's pair.
    """

    def __init__(self, places: Sequence[socket.socket]) -> None:
        self._places = tuple(places)
        self._at: list[_Peer] = [_Peer(number) for number in range(1, len(places) + 1)]
        self._leaving: list[_Peer] = []
        self._ended: dict[str, Any] = {}
        self._streams: set[_Records] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._ends = Ends()

    def start(self) -> None:
        """Find the workers, and those that take their places later."""
        self._tasks = [asyncio.create_task(self._keep(at)) for at in range(len(self._places))]

    async def aclose(self) -> None:
        """Ask nobody any more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._ends.aclose()

    async def ask(self, question: str, **given: Any) -> list[Any]:
        """Ask them; see ``contract.Processes``."""
        if question in _OF_ONE:
            answer: Any = Silent("no worker serves")
            for at in range(len(self._at)):
                answer = await self._ask_at(at, question, given)
                if not isinstance(answer, Silent):
                    break
            return [answer]
        answers: list[Any] = await asyncio.gather(*(self._ask_at(at, question, given) for at in range(len(self._at))))
        if question in _OF_LEAVING:
            answers += await asyncio.gather(*(peer.ask(question, given) for peer in self._leaving))
        if question == contract.FIGURES and self._ended:
            answers.append(self._ended)
        return answers

    async def _ask_at(self, at: int, question: str, given: Mapping[str, Any]) -> Any:
        """Ask the worker at a place; one that leaves meanwhile answers for itself, and its successor is meant."""
        while True:
            peer = self._at[at]
            answer = await peer.ask(question, given)
            if not peer.is_leaving:
                return answer
            await peer.followed.wait()

    async def stop(self) -> None:
        """End them all: their supervisor does it, whose child this process is."""
        os.kill(os.getppid(), signal.SIGTERM)

    def records(self, logger: str, level: str) -> _Records:
        """Return what all of them log from now on."""
        records = _Records(self, {"logger": logger, "level": level})
        self._streams.add(records)
        for peer in self._at:
            records.begin(peer)
        return records

    def forget(self, records: _Records) -> None:
        """Take note that nobody reads some records any more."""
        self._streams.discard(records)

    async def _keep(self, at: int) -> None:
        """Stay connected to the worker at a place, whoever that is."""
        while True:
            connection = connect(self._places[at])
            if connection is None:
                await asyncio.sleep(_PAUSE)
                continue
            peer = self._at[at]
            if peer.begun.is_set():
                before, peer = peer, _Peer(at + 1)
                self._at[at] = peer
                before.followed.set()
            reader, peer.writer = await self._ends.open(self._ends.take(connection))
            peer.begun.set()
            for records in self._streams:
                records.begin(peer)
            left = asyncio.Event()
            reading = asyncio.create_task(self._read(peer, reader, left))
            self._tasks.append(reading)
            reading.add_done_callback(self._tasks.remove)
            await left.wait()

    async def _read(self, peer: _Peer, reader: asyncio.StreamReader, left: asyncio.Event) -> None:
        """Read what a worker says until it ends; it has left as soon as it takes no more calls."""
        try:
            while text := await reader.readline():
                entry = json.loads(text)
                if "event" not in entry:
                    peer.take(entry)
                elif entry["event"] == "leaving":
                    peer.is_leaving = True
                    self._leaving.append(peer)
                    left.set()
                elif entry.get("figures"):
                    self._add(entry["figures"])
        except (OSError, ValueError):
            pass  # it is gone in the middle of a word
        finally:
            if peer in self._leaving:
                self._leaving.remove(peer)
            writer, peer.writer = peer.writer, None
            peer.end()
            if writer is not None:
                self._ends.drop(writer)
            if not peer.is_leaving:
                await asyncio.sleep(_PAUSE)  # one that dies at once must not make this spin
            left.set()

    def _add(self, figures: Mapping[str, Any]) -> None:
        """Keep what a worker has counted that has ended: counters never go back."""
        from naftiko.observe.exposition import added  # noqa: PLC0415  # only where something is counted

        lasting = {name: family for name, family in figures.items() if family["type"] in _LASTING}
        self._ended = dict(added([each for each in (self._ended, lasting) if each]))


class _Records(AsyncIterator[Mapping[str, Any]]):
    """What workers log, those too that begin later."""

    def __init__(self, peers: Peers, given: Mapping[str, Any]) -> None:
        self._peers = peers
        self._given = given
        self._queue: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue(_MOST_WAITING)
        self._begun: list[tuple[_Peer, int]] = []

    def begin(self, peer: _Peer) -> None:
        """Listen to one more worker."""
        if peer.writer is not None and all(known is not peer for known, _ in self._begun):
            number = peer.say(LISTEN, self._given)
            peer.listeners[number] = self._queue
            self._begun.append((peer, number))

    async def __anext__(self) -> Mapping[str, Any]:
        """Wait for the next one."""
        return await self._queue.get()

    async def aclose(self) -> None:
        """Listen no more."""
        self._peers.forget(self)
        for peer, number in self._begun:
            peer.listeners.pop(number, None)
            peer.say(HUSH, {"id": number})
