"""How the process with the operator's port asks the workers: lines of JSON over socket pairs.

A socket pair for each place of a worker is there before the first fork, so that whoever is forked has it. Who asks
makes a new pair, and sends one end of it through the place's: the worker that serves there answers on it. So a worker
that is replaced, and a process that asks and is replaced, find the others again without a name in any file system.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket
from collections.abc import Mapping
from typing import Any, Final

from naftiko.expose.control import contract
from naftiko.serve.operated import Operated

_log = logging.getLogger(__name__)
LONGEST_LINE: Final = 64 * 1024 * 1024
"""Bytes of one answer: documents of hundreds of files."""
LISTEN: Final = "listen"
"""Instead of a question: the records from now on."""
HUSH: Final = "hush"
"""Instead of a question: no more records of the request that ``given`` names."""
_ONE: Final = b"1"
_FAREWELL: Final = 1.0
"""Seconds in which another process takes what was written to it last."""


def pairs(count: int) -> list[tuple[socket.socket, socket.socket]]:
    """Return a pair for each worker's place: the end of who asks, and the worker's."""
    made = [socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(count)]
    for each in (end for pair in made for end in pair):
        each.setblocking(False)  # noqa: FBT003  # the socket's own signature
    return made


def write(writer: asyncio.StreamWriter, entry: Mapping[str, Any]) -> None:
    """Write an object as a line; to one who is gone it isn't written."""
    with contextlib.suppress(RuntimeError):  # uvloop's word for a connection that is closed already
        writer.write(json.dumps(entry, default=str).encode() + b"\n")


class Ends:
    """Our ends of connections to other processes.

    All of them are closed before the event loop is, whatever became of the tasks that use them: one that is cancelled
    before its first step closes nothing.

    Attributes:
        writers: of those that are open.
    """

    def __init__(self) -> None:
        self.writers: set[asyncio.StreamWriter] = set()
        self._sockets: set[socket.socket] = set()

    def take(self, connection: socket.socket) -> socket.socket:
        """Take an end that a task is about to open."""
        connection.setblocking(False)  # noqa: FBT003  # the socket's own signature
        self._sockets.add(connection)
        return connection

    async def open(self, connection: socket.socket) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Read from an end that was taken, and write to it."""
        reader, writer = await asyncio.open_unix_connection(sock=connection, limit=LONGEST_LINE)
        self._sockets.discard(connection)
        self.writers.add(writer)
        return reader, writer

    def drop(self, writer: asyncio.StreamWriter) -> None:
        """Close one at once: the other process has closed its own."""
        self.writers.discard(writer)
        writer.transport.abort()

    async def aclose(self) -> None:
        """Close all that are left, a moment after what was written last where another process doesn't take it."""
        for connection in self._sockets:
            connection.close()
        for writer in self.writers:
            writer.close()
        closing = {asyncio.create_task(writer.wait_closed()): writer for writer in self.writers}
        if closing:
            _, late = await asyncio.wait(closing, timeout=_FAREWELL)
            for each in late:
                closing[each].transport.abort()
            await asyncio.gather(*closing, return_exceptions=True)
        await asyncio.sleep(0)  # those that were dropped are closed with the loop's next turn


class Answering:
    """A worker that answers whoever asks.

    Args:
        operated: this process.
        place: the worker's end of its place's pair.
    """

    def __init__(self, operated: Operated, place: socket.socket) -> None:
        self._operated = operated
        self._place = place
        self._tasks: set[asyncio.Task[None]] = set()
        self._ends = Ends()

    def start(self) -> None:
        """Answer from now on."""
        asyncio.get_running_loop().add_reader(self._place.fileno(), self._come)

    def leave(self) -> None:
        """Say that this process takes no more calls; whoever asks finds its successor at the same place."""
        asyncio.get_running_loop().remove_reader(self._place.fileno())
        self._say({"event": "leaving"})

    async def finish(self) -> None:
        """Say what was counted in all, and end."""
        asyncio.get_running_loop().remove_reader(self._place.fileno())
        figures = await self._operated.answer(contract.FIGURES, {})
        self._say({"event": "left", "figures": figures})
        for task in [*self._tasks]:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._ends.aclose()

    def _say(self, entry: Mapping[str, Any]) -> None:
        for writer in self._ends.writers:
            write(writer, entry)

    def _come(self) -> None:
        try:
            _, descriptors, _, _ = socket.recv_fds(self._place, 1, 1)
        except OSError:  # another process took it
            return
        for descriptor in descriptors:
            self._begin(self._converse(self._ends.take(socket.socket(fileno=descriptor))))

    def _begin(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _converse(self, connection: socket.socket) -> None:
        reader, writer = await self._ends.open(connection)
        listening: dict[int, asyncio.Task[None]] = {}
        try:
            while text := await reader.readline():
                asked = json.loads(text)
                if asked["ask"] == HUSH:
                    if (told := listening.pop(asked["given"]["id"], None)) is not None:
                        told.cancel()
                elif asked["ask"] == LISTEN:
                    listening[asked["id"]] = self._begin(self._tell(asked, writer))
                else:
                    self._begin(self._answer(asked, writer))
        except (OSError, ValueError):
            pass  # who asked is gone
        finally:
            for task in listening.values():
                task.cancel()
        self._ends.drop(writer)  # where this is cancelled, the last word is still to be sent

    async def _answer(self, asked: Mapping[str, Any], writer: asyncio.StreamWriter) -> None:
        try:
            said = {"answer": await self._operated.answer(asked["ask"], asked["given"])}
        except Exception:  # noqa: BLE001  # whatever it is, who asked is told, and the worker goes on
            _log.exception("%s can't be answered", asked["ask"])
            said = {"failed": "the worker could not answer; its log says why"}
        write(writer, {"id": asked["id"], **said})

    async def _tell(self, asked: Mapping[str, Any], writer: asyncio.StreamWriter) -> None:
        records = self._operated.records(**asked["given"])
        try:
            async for record in records:
                write(writer, {"id": asked["id"], "record": record})
                await writer.drain()
        finally:
            await records.aclose()


def connect(place: socket.socket) -> socket.socket | None:
    """Return a connection to the worker of a place; ``None`` where too many wait there already."""
    mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with theirs:
        try:
            socket.send_fds(place, [_ONE], [theirs.fileno()])
        except OSError:
            mine.close()
            return None
    return mine
