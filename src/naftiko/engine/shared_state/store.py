"""The store itself: connections to it, and whether it is there.

A request asks it at most once while it is away: the first that gets no answer ends that for all, and from then on the
process does without, until a task beside the requests has heard from it again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from naftiko.engine.shared_state.address import Address
from naftiko.engine.shared_state.lane import Away, Command, Lane
from naftiko.engine.shared_state.script import Script
from naftiko.ground.errors import NaftikoError

if TYPE_CHECKING:
    from valkey.asyncio import Valkey

_log = logging.getLogger(__name__)

SECONDS: Final = 0.5
"""How long the store may take, from a command that is sent to its answer."""
_PAUSE: Final = 0.5
"""Seconds between two tries to reach a store that is away."""
_LONGEST_PAUSE: Final = 5.0
_DOCUMENT_LANES: Final = 4
"""Batches of documents under way at once: a large one doesn't hold up the others for long."""
_MOST_KINDS: Final = 16
"""Kinds of refusals that are told, once each."""


@dataclass(slots=True)
class _Open:
    """What is open in one event loop.

    Attributes:
        counts: the way for what is small and waited for by every call.
        documents: the way for what may be large.
        returning: what tries to reach a store that is away.
    """

    loop: asyncio.AbstractEventLoop
    client: Valkey
    counts: Lane
    documents: Lane
    returning: asyncio.Task[None] | None = None


class SharedStore:
    """A Redis or Valkey server; made before processes are forked, connected by each for itself.

    Args:
        address: where it is.
        seconds: how long it may take.

    Attributes:
        is_away: whether it doesn't answer just now.
        is_used: whether it was ever asked in this process.
        commands: that were sent.
        skipped: what was done without it, since it was away.
        losses: how often it went away.
        refused: error replies.

    Raises:
        NaftikoError: its client is not installed.
    """

    def __init__(self, address: Address, seconds: float = SECONDS) -> None:
        if find_spec("valkey") is None:
            raise NaftikoError("shared state (--shared) needs the client valkey: pip install 'naftiko[shared]'")
        self.address = address
        self.is_away = False
        self.is_used = False
        self.commands = 0
        self.skipped = 0
        self.losses = 0
        self.refused = 0
        self._seconds = seconds
        self._open: _Open | None = None
        self._kinds: set[str] = set()

    async def run(
        self, script: Script, keys: Sequence[str], *arguments: str | bytes | float, large: bool = False
    ) -> Any:
        """Run a script on keys; return what it returns.

        Raises:
            Away: it can't be.
        """
        answer = await self._asked(("EVALSHA", script.digest, len(keys), *keys, *arguments), large=large)
        if _is_unknown_script(answer):
            answer = await self._asked(("EVAL", script.text, len(keys), *keys, *arguments), large=large)
        return self._checked(answer)

    async def ask(self, *command: str | bytes | float, large: bool = False) -> Any:
        """Send a command; return its answer.

        Args:
            command: its words.
            large: whether it, or its answer, may be: it then holds up none that is small.

        Raises:
            Away: it can't be.
        """
        return self._checked(await self._asked(command, large=large))

    def tell(self, *command: str | bytes | float) -> None:
        """Send a command whose answer nobody waits for; nothing where the store is away."""
        if not self.is_away:
            with contextlib.suppress(Away):
                self.commands += 1
                self._opened().counts.put(command)

    async def _asked(self, command: Command, *, large: bool = False) -> Any:
        if self.is_away:
            self.skipped += 1
            raise Away("it is away")
        opened = self._opened()
        self.commands += 1
        try:
            return await (opened.documents if large else opened.counts).put(command)
        except Away:
            self.skipped += 1
            raise

    def _checked(self, answer: Any) -> Any:
        """Return an answer that is none of an error.

        Raises:
            Away: it is; the store is there, and does not do this: it is full, or read only, or has another rule.
        """
        if not isinstance(answer, Exception):
            return answer
        self.refused += 1
        word = str(answer).partition(" ")[0][:40]  # of kinds that the client has no class for
        kind = word if word.isupper() else type(answer).__name__
        if kind not in self._kinds and len(self._kinds) < _MOST_KINDS:
            self._kinds.add(kind)
            _log.warning("the shared store %s refuses: %s; it is done without", self.address, self._said(answer))
        raise Away(kind)

    def begin(self) -> None:
        """Look, in the event loop that runs, whether the store is there, so that it is known before a call asks."""
        self._opened()
        task = asyncio.create_task(self._looked(), name="shared state: first look")
        _LOOKING.add(task)
        task.add_done_callback(_LOOKING.discard)

    async def _looked(self) -> None:
        with contextlib.suppress(Away):
            await self.ask("PING")

    def _opened(self) -> _Open:
        loop = asyncio.get_running_loop()
        known = self._open
        if known is not None and known.loop is loop:
            return known
        self.is_used = True
        self.is_away = False
        client, documents = self._client(1), self._client(_DOCUMENT_LANES)
        self._open = _Open(
            loop,
            self._client(1),
            Lane(client, self._seconds, self._lost),
            Lane(documents, self._seconds, self._lost, connections=_DOCUMENT_LANES),
        )
        return self._open

    def _client(self, connections: int) -> Valkey:
        from valkey.asyncio import ConnectionPool, Valkey  # noqa: PLC0415  # only whoever shares imports it
        from valkey.asyncio.connection import Connection, SSLConnection, UnixDomainSocketConnection  # noqa: PLC0415  # likewise

        classes = {"redis": Connection, "rediss": SSLConnection, "unix": UnixDomainSocketConnection}
        pool = ConnectionPool(
            max_connections=connections,
            connection_class=classes[self.address.scheme],
            socket_timeout=None,  # a batch has a time of its own
            socket_connect_timeout=self._seconds,
            lib_name=None,
            **self.address.arguments(),
        )
        return Valkey.from_pool(pool)

    def _lost(self, error: BaseException) -> None:
        """Do without from now on, and try to reach it beside the calls."""
        opened = self._open
        if self.is_away or opened is None:
            return
        self.is_away = True
        self.losses += 1
        _log.warning(
            "the shared store %s is away (%s): limits are counted in each process, answers are not shared",
            *(self.address, self._said(error)),
        )
        opened.returning = asyncio.create_task(self._return(opened.client), name="shared state: away")

    async def _return(self, client: Valkey) -> None:
        pause = _PAUSE
        while True:
            await asyncio.sleep(pause)
            pause = min(_LONGEST_PAUSE, pause * 1.5)
            try:
                async with asyncio.timeout(max(1.0, self._seconds)):
                    await client.ping()
            except Exception:  # noqa: BLE001, S112  # whatever it is, it is away still
                continue
            self.is_away = False
            _log.info("the shared store %s is back: state is shared again", self.address)
            return

    def _said(self, error: BaseException) -> str:
        if isinstance(error, TimeoutError):
            return f"no answer in {self._seconds:g} s"
        said = " ".join(str(error).split())[:200] or type(error).__name__
        return said.replace(self.address.password, "***") if self.address.password else said

    def described(self) -> dict[str, Any]:
        """Return it as ``/status`` shows it."""
        state = "away" if self.is_away else "up" if self.is_used else "idle"
        return {"store": str(self.address), "state": state, "losses": self.losses, "refused": self.refused}

    async def aclose(self) -> None:
        """Close the connections of this event loop; whoever asks again opens them."""
        opened, self._open = self._open, None
        if opened is None or opened.loop is not asyncio.get_running_loop():
            return
        if opened.returning is not None:
            opened.returning.cancel()
            await asyncio.gather(opened.returning, return_exceptions=True)
        for each in (opened.counts, opened.documents):
            await each.aclose()
        await opened.client.aclose()


_LOOKING: Final[set[asyncio.Task[None]]] = set()
"""First looks that are under way, so that nobody forgets them."""


def _is_unknown_script(answer: Any) -> bool:
    if not isinstance(answer, Exception):
        return False
    from valkey.exceptions import NoScriptError  # noqa: PLC0415  # only after an error of it

    return isinstance(answer, NoScriptError)
