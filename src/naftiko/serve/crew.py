"""The processes behind the sockets of all listeners: what each of them has, and what they share."""

from __future__ import annotations

import gc
import json
import os
import secrets
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from naftiko.engine.capability import Capability
from naftiko.expose.authentication.nonces import share_counts
from naftiko.expose.control.adapter import CONTROL
from naftiko.serve.addresses import listeners
from naftiko.serve.channel import pairs
from naftiko.serve.kept import Keeping, Kept
from naftiko.serve.operators import Operators, control_of
from naftiko.serve.peers import Peers
from naftiko.serve.reading import Reading
from naftiko.serve.reload import Open
from naftiko.serve.workers import Assignment, Supervisor

if TYPE_CHECKING:
    from naftiko.serve.process import ServeOptions


@dataclass(frozen=True, slots=True)
class Post:
    """What one of the processes has.

    Attributes:
        capabilities: what it serves.
        here: the listeners of callers, each with its socket in this process.
        operators: the operator's sockets, if it answers on them itself.
        place: where it answers another process that does.
        peers: the workers, if this is the process that asks them.
        keeping: keeps what it serves for those that start later.
    """

    capabilities: Sequence[Capability]
    here: Sequence[Open] = ()
    operators: Operators | None = None
    place: socket.socket | None = None
    peers: Peers | None = None
    keeping: Keeping | None = None


class Crew:
    """The processes behind the sockets of all listeners.

    Args:
        capabilities: what they serve first.
        options: of all.
        open_now: the listeners, each with a socket for each worker.
        reading: reads the files again; ``None``: nobody does.
        operators: the operator's sockets.
        run: runs one of them.
    """

    def __init__(
        self,
        capabilities: Sequence[Capability],
        options: ServeOptions,
        open_now: Sequence[Open],
        reading: Reading | None,
        operators: Operators,
        run: Callable[[Reading | None, Assignment, ServeOptions, Post], None],
    ) -> None:
        self._operators = operators
        self._channels = pairs(options.workers) if operators else []
        self._capabilities = capabilities
        self._options = options
        self._open = list(open_now)
        self._gone: list[Open] = []
        self._reading = reading
        self._run = run
        self._kept = Kept(options.workers)

    def serve(self) -> None:
        """Supervise them until SIGINT or SIGTERM."""
        # What one worker signs, another one must accept: handles of cut answers, nonces of Digest.
        for name in ("NAFTIKO_HANDLE_KEY", "NAFTIKO_NONCE_KEY"):
            os.environ.setdefault(name, secrets.token_hex(32))
        share_counts()
        kinds = {kind.kind: kind for each in self._open for kind, _ in each.listener.by_kind()}
        for kind in kinds.values():
            kind.prepare()  # once, before the forks that share its memory
        if self._operators:
            CONTROL.prepare()
        gc.collect()
        gc.freeze()
        supervisor = Supervisor(
            self._options.workers,
            self._run_one,
            grace=self._options.stop_seconds,
            stopping=self._close_sockets,
            scout=self._scout,
            prepare=self._prepare,
            apart=1 if self._operators else 0,
        )
        supervisor.notifier = self._options.notifier
        supervisor.part = self._part
        try:
            supervisor.supervise()
        finally:
            self._kept.close()
            for each in (end for pair in self._channels for end in pair):
                each.close()

    def _close_sockets(self, keep: int | None = None) -> None:
        """Close the listening sockets in this process, but for those of one slot."""
        for each in self._open:
            for slot, its_socket in enumerate(each.sockets):
                if slot != keep:
                    its_socket.close()
        for each in self._gone:
            for its_socket in each.sockets:
                its_socket.close()
        if keep != self._options.workers:
            self._operators.close()

    def _scout(self) -> bytes:
        """Return where the files want to listen by now, and what was seen of them; in a process of its own."""
        if self._reading is None:
            return b""
        checked = self._reading.checked(self._open, self._kept.newest())
        return b"" if checked is None else json.dumps(checked[0]).encode() + b"\n" + checked[1]

    def _prepare(self, said: bytes) -> bool:
        """Open listeners for the workers that start from now on, which serve what was seen."""
        if self._reading is None:
            return True
        wanted, newline, seen = said.partition(b"\n")
        if not newline or not seen:
            return False
        for each in self._gone:  # of a replacement that was not completed
            each.close()
        self._gone = []
        opened = self._reading.prepared(self._open, json.loads(wanted), self._options.workers)
        if opened is None:
            return False
        self._gone = [each for each in self._open if each not in opened]
        self._open = opened
        self._kept.keep(seen)
        return True

    def _part(self, slot: int | None) -> None:
        """Let nobody else come to a worker that is replaced by way of listeners that are gone.

        Who waits in their queues gets an answer of it: this process holds the sockets no longer then, and the last one
        that closes a socket resets whoever is in its queue.
        """
        for each in self._gone:
            each.take_no_more(slot)
        if slot is None:
            self._gone = []

    def _run_one(self, assignment: Assignment) -> None:
        self._close_sockets(keep=assignment.slot)
        self._gone = []
        capabilities, since = self._capabilities, 0
        kept = self._kept.newest() if assignment.reload else None
        if kept is not None and self._reading is not None:
            capabilities, self._open = self._reading.anew(self._open, kept)
            since = kept.at
        if assignment.slot == self._options.workers:
            self._run(None, assignment, self._options, self._of_operators(capabilities))
            return
        place = self._channels[assignment.slot][1] if self._channels else None
        here = [Open(each.listener, [each.sockets[assignment.slot]], each.place) for each in self._open]
        keeping = Keeping(self._kept, assignment.slot, since)
        self._run(self._reading, assignment, self._options, Post(capabilities, here, None, place, None, keeping))

    def _of_operators(self, capabilities: Sequence[Capability]) -> Post:
        """Return what the process has that answers on the operator's ports, with what the workers say."""
        options = self._options
        beside = control_of(options.control)
        found = listeners(capabilities, host=options.host, ports=options.ports, beside=beside, given=options.given)
        operators = self._operators.of(found, capabilities)
        return Post(capabilities, operators=operators, peers=Peers([asking for asking, _ in self._channels]))
