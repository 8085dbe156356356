"""A real socket for an ASGI app, served from a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Final

import uvicorn
from starlette.types import ASGIApp

_LIMIT: Final = 5.0
"""Seconds that starting or stopping may take."""

_LEAVE: Final = 0.05
"""Seconds that an answer gets to notice that its connection is cut, before it is cancelled."""


class Listener:
    """Serves ``app`` on ``host``; port 0 takes a free one. Starts and stops once.

    Args:
        app: what answers.
        host: the address to listen on.
        port: the port.
        talks: whether WebSockets are opened too, where ``websockets`` is installed.

    Raises:
        OSError: the address can't be had.
    """

    def __init__(self, app: ASGIApp, host: str, port: int, *, talks: bool = False) -> None:
        self._socket = _bound(host, port)
        self.port: int = self._socket.getsockname()[1]
        self._server = _Server(
            uvicorn.Config(
                app,
                http="h11",  # httptools is faster, and refuses methods that it does not know
                lifespan="off",
                ws="websockets-sansio" if talks and find_spec("websockets") is not None else "none",
                log_config=None,  # the loggers belong to whoever runs the stand-in
                access_log=False,
                server_header=False,
                date_header=False,
                proxy_headers=False,  # scope["client"] is how a connection is found again
                timeout_graceful_shutdown=1,
            )
        )
        self._thread = threading.Thread(target=self._run, name=f"stand-in:{self.port}", daemon=True)

    def start(self) -> None:
        """Return once the socket accepts connections.

        Raises:
            RuntimeError: it does not within 5 seconds.
        """
        self._thread.start()
        if not self._server.ready.wait(_LIMIT):
            self._socket.close()
            raise RuntimeError(f"the stand-in on port {self.port} did not start within {_LIMIT:.0f} s")

    def stop(self) -> None:
        """Close the socket and cut every connection, whatever its answer was about to be.

        Raises:
            RuntimeError: an answer blocks the stand-in's thread for more than 5 seconds.
        """
        self._server.finish()
        self._thread.join(_LIMIT)
        if self._thread.is_alive():
            raise RuntimeError(
                f"the stand-in on port {self.port} did not stop within {_LIMIT:.0f} s: does an answer block its thread?"
            )

    @property
    def connections(self) -> int:
        """How many connections are open now."""
        return len(self._server.server_state.connections)

    def transport_to(self, client: tuple[str, int]) -> asyncio.Transport | None:
        """The connection from the address ``client``, if it is still open."""
        for connection in self._server.server_state.connections:
            if getattr(connection, "client", None) == client:
                return connection.transport
        return None

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=self._server.config.get_loop_factory()) as runner:
            runner.run(self._server.serve(sockets=[self._socket]))


class _Server(uvicorn.Server):
    """Uvicorn that says when it listens, and that waits for no client when it stops."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self._finished = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        self.ready.set()

    async def main_loop(self) -> None:
        # Uvicorn's own looks ten times a second whether it should exit: that would be half of what a stop takes.
        await self._finished.wait()

    def finish(self) -> None:
        """Begin to stop; from any thread, once ``ready``."""
        self._loop.call_soon_threadsafe(self._finished.set)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Not uvicorn's own: it sleeps a tenth of a second whether or not somebody is there.
        for server in self.servers:
            server.close()
        for listening in sockets or ():
            listening.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        if tasks := set(self.server_state.tasks):
            _, waiting = await asyncio.wait(tasks, timeout=_LEAVE)
            for task in waiting:
                task.cancel()
            await asyncio.wait(tasks, timeout=_LIMIT)


@contextlib.contextmanager
def refused_url() -> Iterator[str]:
    """Yield the URL of a port where nobody listens, and where nobody else can while the context lasts."""
    with contextlib.closing(_bound("127.0.0.1", 0)) as held:
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


def _bound(host: str, port: int) -> socket.socket:
    """A socket that holds its address and does not listen yet."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if port:  # a restart on the same port must not wait for old connections; a free one is not to be shared
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound
