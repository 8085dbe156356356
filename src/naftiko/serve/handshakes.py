"""Take callers in over TLS: each counts as a connection from the first packet on, and its handshake has a time.

asyncio's own server knows nothing of a caller before the handshake is over, which may take as long as the caller likes;
and it meets all callers with the certificate that it began with.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from naftiko.serve.limits import ConnectionLimits, Connections
from naftiko.serve.tls import Tls

if TYPE_CHECKING:
    from naftiko.serve.outer import OuterConnection

_AT_ONCE: Final = 64
"""Callers that are taken out of the queue of a socket in one turn of the loop."""
_PAUSE: Final = 1.0
"""Seconds without taking anybody in where the process can open no more files."""
_FAREWELL: Final = 2.0
"""Seconds in which a caller says goodbye (``close_notify``) once we have."""
_SETTLING: Final = 1.0
"""Seconds that handshakes get which are under way when the server stops."""


class Handshake:
    """A caller who is agreeing on TLS.

    Attributes:
        address: the caller's; ``""`` over a socket that has none.
        since: when it came, by the loop's clock.
        counts_for: the address that it counts for.
        loop: the event loop.
    """

    is_idle = False

    def __init__(self, loop: asyncio.AbstractEventLoop, address: str, counts_for: str) -> None:
        self.counts_for = counts_for
        self.loop = loop
        self.since = loop.time()
        self.address = address
        self.task: asyncio.Task[None] | None = None
        self.is_late = False

    @property
    def name(self) -> str:
        """What the caller is called in logs."""
        return self.address or "a caller of this machine"

    def look(self, now: float, limits: ConnectionLimits) -> None:
        """End it if it takes longer than the head of a request may."""
        if now - self.since > limits.head_seconds:
            self.is_late = True
            self.end()

    def end(self) -> None:
        """Close the connection."""
        if self.task is not None:
            self.task.cancel()


class TlsServer:
    """Takes callers in, in place of ``asyncio.Server``.

    Args:
        tls: what they are met with.
        listening: the socket.
        make: makes the protocol of a caller.
        connections: all of the process.
        counted: returns the address that one counts for.
    """

    def __init__(
        self,
        tls: Tls,
        listening: socket.socket,
        make: Callable[[Handshake], OuterConnection],
        connections: Connections,
        counted: Callable[[str], str],
    ) -> None:
        self._counted = counted
        self._loop = asyncio.get_running_loop()
        self._tls = tls
        self._listening = listening
        self._make = make
        self._connections = connections
        self._handshakes: set[asyncio.Task[None]] = set()
        self._is_open = True
        self._listen()

    def close(self) -> None:
        """Take nobody else in."""
        if self._is_open:
            self._is_open = False
            self._loop.remove_reader(self._listening.fileno())

    async def wait_closed(self) -> None:
        """Wait for the handshakes that are under way, for a moment; the others end."""
        if self._handshakes:
            _, late = await asyncio.wait(self._handshakes, timeout=_SETTLING)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def take(self, caller: socket.socket, address: str) -> None:
        """Agree on TLS with one; who has no place is not even asked, which would cost more than most requests."""
        handshake = Handshake(self._loop, address, self._counted(address))
        reason = self._connections.admit(handshake)
        if reason:
            self._connections.tell("connections", reason)
            caller.close()
            return
        handshake.task = self._loop.create_task(self._agree(handshake, caller), name="handshake")
        self._handshakes.add(handshake.task)
        handshake.task.add_done_callback(self._handshakes.discard)

    def _listen(self) -> None:
        if self._is_open:
            self._loop.add_reader(self._listening.fileno(), self._accept)

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                caller, address = self._listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:  # no descriptor is left: it would be told again and again
                self._connections.tell("accept", f"no connection can be taken in: {error.strerror or error}")
                self._loop.remove_reader(self._listening.fileno())
                self._loop.call_later(_PAUSE, self._listen)
                return
            self.take(caller, address[0] if isinstance(address, tuple) else "")

    async def _agree(self, handshake: Handshake, caller: socket.socket) -> None:
        try:
            caller.setblocking(False)  # noqa: FBT003  # the socket's own signature
            if caller.family in {socket.AF_INET, socket.AF_INET6}:
                caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await self._loop.connect_accepted_socket(
                lambda: self._make(handshake),
                caller,
                ssl=self._tls.context,
                ssl_handshake_timeout=self._connections.limits.head_seconds + _PAUSE,  # ``look`` comes before
                ssl_shutdown_timeout=_FAREWELL,
            )
        except asyncio.CancelledError:
            if not handshake.is_late:
                raise
            self._connections.tell("slow-caller", f"a TLS handshake took too long (from {handshake.name})")
        except OSError as error:  # those of TLS, and callers that went away
            self._connections.tell("tls", f"no TLS with {handshake.name}: {_said(error)}")
        finally:
            self._connections.leave(handshake)
            with contextlib.suppress(OSError):
                if handshake.is_late:
                    caller.close()


def _said(error: OSError) -> str:
    if not isinstance(error, ssl.SSLError):
        return (error.strerror or "the caller went away").lower()
    reason = error.reason or ""
    if reason == "HTTP_REQUEST":
        return "it speaks plain HTTP, and this port has TLS (https://)"
    verify = getattr(error, "verify_message", "")
    return f"its certificate is refused: {verify}" if verify else reason.lower().replace("_", " ") or "unknown reason"
