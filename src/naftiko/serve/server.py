"""Run the listeners in one process: they start together, stop together, and let requests in flight finish."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import uvicorn

from naftiko.engine.memory import Budget, Lease
from naftiko.expose.http.streams import STREAMS, OpenStreams, Outlasting
from naftiko.expose.rest.messages import PROBLEM_MEDIA_TYPE, simple_problem
from naftiko.ground.collection import collection_paused
from naftiko.ground.errors import NaftikoError
from naftiko.serve.connections import Connection
from naftiko.serve.front import Front
from naftiko.serve.given import Inherited, UnixSocket
from naftiko.serve.gzipped import Gzipped
from naftiko.serve.handshakes import Handshake, TlsServer
from naftiko.serve.limits import ConnectionLimits, Connections
from naftiko.serve.live import LiveApp, Served
from naftiko.serve.outer import OuterConnection
from naftiko.serve.recording import Recording
from naftiko.serve.sockets import take_no_more, url_of

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

GRACE = 10
"""Seconds that requests in flight get when the server stops, unless somebody says otherwise."""


_SWITCH = 0.0005
"""Seconds after which a thread lets another one have the interpreter."""
_CLOSING = 0.5
"""Seconds before the end of that, in which the streams that answer something are ended in good order."""

_MOMENT = 0.01
"""Seconds between two looks at whether connections are closed."""

STOP_DRAIN = 0.25
"""Seconds in which a server that stops tells its connections so before it stops listening."""

DRAIN = 1.0
"""Seconds in which a worker that is replaced tells its connections to close before it stops listening."""


@dataclass(frozen=True, slots=True)
class Site:
    """A socket and what makes the app behind it; made after the sockets are open, in a thread if it is slow.

    Attributes:
        front: what is before it; ``None``: what is before all.
    """

    opened: socket.socket
    make_app: Callable[[], ASGIApp]
    slow: bool = False
    front: Front | None = None


@dataclass(frozen=True, slots=True)
class Patience:
    """How many seconds calls in flight are waited for.

    Attributes:
        stop: when the process is told to stop.
        drain: when another one takes its place, or what a socket was opened for is gone.
    """

    stop: float = GRACE
    drain: float = GRACE


class _Server(uvicorn.Server):
    """A uvicorn server whose signals are ours, and that resets nobody when it stops.

    Args:
        config: uvicorn's.
        is_last: tells whether nobody else listens on its sockets, nor will.
        front: what is between callers and the app.
        connections: all of the process.
    """

    def __init__(
        self, config: uvicorn.Config, is_last: Callable[[], bool], front: Front, connections: Connections
    ) -> None:
        super().__init__(config)
        self._is_last = is_last
        self._front = front
        self._connections = connections
        self._listens = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the app, and listen."""
        tls, connections, counted = self._front.tls, self._connections, self._front.counted
        if tls is None:
            await super().startup(sockets)
            return
        await super().startup([])
        servers = [TlsServer(tls, each, self._protocol, connections, counted) for each in sockets or ()]
        self.servers = cast(Any, servers)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, then finish; who still holds a connection when the time is over loses it."""
        await self.leave(sockets)
        await super().shutdown(sockets)
        state = self.server_state
        until = asyncio.get_running_loop().time() + _CLOSING
        while state.connections and asyncio.get_running_loop().time() < until:  # noqa: ASYNC110  # uvicorn has no event for it
            await asyncio.sleep(_MOMENT)  # those whose calls were ended are told so
        for connection in [*state.connections]:
            cast(Connection, connection).transport.abort()
        await asyncio.sleep(0)  # before the loop is closed, they are

    async def leave(self, sockets: list[socket.socket] | None = None) -> None:
        """Take in the callers who wait in the queue of the sockets, then stop listening; their calls go on.

        Closing a listening socket resets whoever waits in its queue: nobody comes into it any more, and between the
        last look into it and the close nothing else may run.
        """
        if not self._listens:
            return
        self._listens = False
        loop = asyncio.get_running_loop()
        for listening in (sockets or ()) if self._is_last() else ():
            if isinstance(listening, UnixSocket):
                listening.remove()
            elif not isinstance(listening, Inherited):
                take_no_more(listening)
        ours = [each for each in sockets or () if not isinstance(each, Inherited)]  # others are for who comes next
        waiting = [caller for listening in ours for caller in _waiting(listening)]
        for server in self.servers:
            server.close()
        for server in self.servers:
            if isinstance(server, TlsServer):
                for caller, address in waiting:
                    server.take(caller, address)
                await server.wait_closed()
                waiting = []
        for caller, _ in waiting:
            with contextlib.suppress(OSError):  # gone already
                await loop.connect_accepted_socket(self._protocol, caller)

    def _protocol(self, handshake: Handshake | None = None) -> Any:
        own = {} if handshake is None else {"handshake": handshake}
        return self.config.http_protocol_class(  # type: ignore[call-arg]  # as uvicorn itself calls it
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state, **own
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone: one handler stops all servers."""
        yield


def _waiting(listening: socket.socket) -> Iterator[tuple[socket.socket, str]]:
    """Yield the connections in the queue of a listening socket, with their callers' addresses."""
    while True:
        try:
            caller, address = listening.accept()
        except OSError:  # nobody is there, or it is closed already
            return
        caller.setblocking(False)  # noqa: FBT003  # the socket's own signature
        yield caller, address[0] if isinstance(address, tuple) else ""


class _Finishing:
    """Ends connections politely: the last answer on one says so, while the server drains.

    Callers whose requests outlast the grace time are told that the server stops, where uvicorn just leaves. Another app
    may take the place of the one that answers: each request is answered by the one that it came to.

    Attributes:
        served: what answers the requests that come from now on.
        draining: whether callers are told to close their connections.
    """

    def __init__(
        self, app: ASGIApp, stopping: asyncio.Event, streams: OpenStreams, memory: Budget, *, draining: bool
    ) -> None:
        self.served = Served(app)
        self.draining = draining
        self._memory = memory
        self._stopping = stopping
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" and isinstance(self.served.app, LiveApp):
            await self._live(receive, send)
            return
        served = self.served
        scope[STREAMS] = self._streams
        served.calls += 1
        try:
            with Lease(self._memory):
                await served.app(scope, receive, _closing(send) if self.draining else send)
        except Outlasting as outlasting:
            go_on = outlasting.go_on
        except asyncio.CancelledError:
            if scope["type"] != "http" or not self._stopping.is_set():
                raise
            with contextlib.suppress(RuntimeError):  # the answer has begun already: it ends with the connection
                await _send_stopping(send)
            return
        else:
            return
        finally:
            served.left()
        del served  # nor anything else here keeps the app
        await go_on()

    async def _live(self, receive: Receive, send: Send) -> None:
        """Start the first app; stop the one that answers in the end. Between them nothing here holds any of them."""
        await receive()
        await cast(LiveApp, self.served.app).start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await cast(LiveApp, self.served.app).aclose()
        await send({"type": "lifespan.shutdown.complete"})

    async def change(self, app: LiveApp) -> Served:
        """Let another app answer from now on; return the one before, which may still be at some requests."""
        await app.start()
        before, self.served = self.served, Served(app)
        if isinstance(before.app, LiveApp):
            app.succeed(before.app)
        return before


def _closing(send: Send) -> Send:
    """Return a ``send`` whose answer asks the client for a new connection."""

    async def send_and_close(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), (b"connection", b"close")]
        await send(message)

    return send_and_close


async def _send_stopping(send: Send) -> None:
    detail = "the server stops, and the request took longer than it could be waited for"
    headers = [(b"content-type", PROBLEM_MEDIA_TYPE), (b"retry-after", b"1"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": simple_problem(503, "stopping", detail)})


def _config(app: Any, connections: Connections, front: Front) -> uvicorn.Config:
    is_outer = front.tls is not None or front.proxies is not None
    protocol = (
        functools.partial(OuterConnection, connections, front)
        if is_outer
        else functools.partial(Connection, connections)
    )
    return uvicorn.Config(
        app,
        lifespan="on",
        http=cast(Any, protocol),  # called as uvicorn calls its own classes
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        timeout_graceful_shutdown=GRACE,
        timeout_keep_alive=connections.limits.keep_alive_seconds,
        proxy_headers=False,
        root_path=front.root_path,
    )


@dataclass(frozen=True, slots=True)
class _Running:
    """A socket while it is served."""

    server: _Server
    finishing: _Finishing
    task: asyncio.Task[None]

    def ask_to_close(self, *, wanted: bool) -> None:
        """Let answers say that the connection closes behind them, those too that are on their way."""
        self.finishing.draining = wanted
        if wanted:
            for connection in self.server.server_state.connections:
                cast(Connection, connection).end_after_this()


class Servers:
    """All listeners of a process. Their apps can be changed while they run, and listeners can come and go.

    Attributes:
        tell_stopping: called once when it stops.
    """

    def __init__(
        self,
        sites: Sequence[Site],
        *,
        ready: Callable[[], None] | None = None,
        limits: ConnectionLimits | None = None,
        patience: Patience | None = None,
        memory: Budget | None = None,
        is_last: Callable[[], bool] = lambda: True,
        front: Front | None = None,
        tells: bool = True,
    ) -> None:
        self.tell_stopping: Callable[[], None] = lambda: None
        self._front = front or Front()
        self._tells = tells
        self._sites = sites
        self._is_last = is_last
        self._patience = patience or Patience()
        self._grace = self._patience.stop
        self._memory = memory or Budget(0)
        self._connections = Connections(limits or ConnectionLimits())
        self._ready = ready
        self._running: dict[socket.socket, _Running] = {}
        self._leaving: set[_Running] = set()
        self._is_replaced = False
        self._started = asyncio.Event()
        self._stopping = asyncio.Event()
        self._draining = asyncio.Event()
        self._streams = OpenStreams()

    async def started(self) -> None:
        """Wait until all listeners answer."""
        await self._started.wait()

    def is_serving(self, opened: socket.socket) -> bool:
        """Tell whether what comes to a socket is answered, and is meant to be."""
        running = self._running.get(opened)
        return running is not None and running.server.started and not self._draining.is_set()

    def calls(self, opened: socket.socket) -> frozenset[asyncio.Task[None]]:
        """Return the requests that a socket is at."""
        running = self._running.get(opened)
        return frozenset() if running is None else frozenset(running.server.server_state.tasks)

    def drain(self) -> None:
        """Stop after a moment in which every connection that is used is told to close: none is cut between calls.

        Requests in flight get as long as a call may take: another process serves already.
        """
        if not self._is_replaced:
            self._is_replaced = True
            self.ask_to_close()
            self._grace = self._patience.drain
            asyncio.get_running_loop().call_later(DRAIN, self.stop)

    def stop(self) -> None:
        """Stop accepting; requests in flight finish within the grace time, event streams end.

        Connections that are in use are told to close for a moment before, so that none is cut between two requests.
        """
        if self._stopping.is_set():
            return
        self._stopping.set()
        self.tell_stopping()
        self.ask_to_close()
        self._streams.end(answers=False)
        if len(self._connections):
            asyncio.get_running_loop().call_later(STOP_DRAIN, self._exit)
        else:
            self._exit()

    def ask_to_close(self, *, wanted: bool = True) -> None:
        """Let each answer from now on ask its caller to close the connection, or no longer."""
        if not wanted and self._stopping.is_set():
            return
        (self._draining.set if wanted else self._draining.clear)()
        for running in self._running.values():
            running.ask_to_close(wanted=wanted)

    def _exit(self) -> None:
        """Let all servers stop listening, and then end."""
        ending = max(self._grace - _CLOSING, 0)
        asyncio.get_running_loop().call_later(ending, lambda: self._streams.end(answers=True))
        for running in (*self._running.values(), *self._leaving):
            running.server.config.timeout_graceful_shutdown = round(self._grace)
            running.server.should_exit = True

    async def run(self) -> None:
        """Serve until ``stop`` is called.

        The sites that are quick to make start first: REST answers while the MCP SDK is still being imported.
        """
        tls = self._front.tls
        watching = None if tls is None else asyncio.create_task(tls.watch(tells=self._tells), name="tls")
        try:
            for site in sorted(self._sites, key=lambda site: site.slow):
                if self._stopping.is_set():
                    break
                await self.open(site)
            if self._ready is not None and not self._stopping.is_set():
                self._ready()
            self._started.set()
            await self._ended()
        finally:
            self.stop()
            self._exit()
            if watching is not None:
                watching.cancel()
            everything = (*self._running.values(), *self._leaving)
            await asyncio.gather(*(running.task for running in everything), return_exceptions=True)

    async def _ended(self) -> None:
        """Wait until all listeners have ended, those too that are opened meanwhile.

        Raises:
            Exception: what one of them failed with.
        """
        while pending := {running.task for running in self._running.values() if not running.task.done()}:
            done, _ = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()

    async def open(self, site: Site) -> None:
        """Serve one more socket.

        Raises:
            NaftikoError: it can't be served.
        """
        with collection_paused():
            app = await asyncio.to_thread(site.make_app) if site.slow else site.make_app()
        is_draining = self._draining.is_set()
        finishing = _Finishing(app, self._stopping, self._streams, self._memory, draining=is_draining)
        front = site.front or self._front
        coded = finishing if front.gzip_from is None else Gzipped(finishing, front.gzip_from)
        config = _config(Recording(coded), self._connections, front)
        server = _Server(config, self._is_last, front, self._connections)
        # Told to stop while the app was made: it starts and stops again, so that its lifespan is whole.
        server.should_exit = self._stopping.is_set()
        task = asyncio.create_task(server.serve(sockets=[site.opened]))
        self._running[site.opened] = _Running(server, finishing, task)
        while not server.started and not task.done():  # noqa: ASYNC110  # uvicorn has no event for it
            await asyncio.sleep(0.001)
        if not server.started and not self._stopping.is_set():
            raise NaftikoError(f"the server at {url_of(site.opened)} did not start; the log says why")

    async def change(self, opened: socket.socket, app: LiveApp) -> Served:
        """Let another app answer what comes to a socket from now on.

        Returns:
            the app before, which may still be at some requests.
        """
        return await self._running[opened].finishing.change(app)

    def close(self, opened: socket.socket) -> asyncio.Task[None]:
        """Stop listening on one socket; return what ends once its requests have their answers.

        Connections that are used are told to close for a moment, so that none is cut between two requests.
        """
        running = self._running.pop(opened)
        self._leaving.add(running)
        running.ask_to_close(wanted=True)
        running.server.config.timeout_graceful_shutdown = round(self._patience.drain)
        return asyncio.create_task(self._leave(running, opened), name="close a listener")

    async def _leave(self, running: _Running, opened: socket.socket) -> None:
        try:
            await running.server.leave([opened])
            if running.server.server_state.connections:
                await asyncio.sleep(DRAIN)
            running.server.should_exit = True
            await asyncio.shield(running.task)
        finally:
            self._leaving.discard(running)


def run(main: Callable[[], Awaitable[None]]) -> None:
    """Run an async main in the fastest event loop there is.

    A thread that works beside it lets it go on after half a millisecond, not after Python's five: an answer takes the
    interpreter's lock a dozen times.
    """
    sys.setswitchinterval(_SWITCH)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_as_coroutine(main))


async def _as_coroutine(main: Callable[[], Awaitable[None]]) -> None:
    await main()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415  # absent on some platforms
    except ImportError:
        return None
    return uvloop.new_event_loop
