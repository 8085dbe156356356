"""One MCP server over Streamable HTTP, for every revision of the protocol."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from naftiko.engine.process_pool import LIGHT, Pool, current, is_heavy
from naftiko.expose.http.bodies import whole_json
from naftiko.expose.http.caller import Callers, CallerWatch
from naftiko.expose.http.limits import CallLimit
from naftiko.expose.mcp.callers import arrived
from naftiko.expose.mcp.exact_numbers import handling, with_numbers
from naftiko.expose.mcp.exchange import (
    BodyRefused,
    explained,
    listened,
    outlasting,
    read_body,
    replayed,
    send_json,
    serve_until_gone,
    streamed,
)
from naftiko.expose.mcp.failures import refusal
from naftiko.expose.mcp.incoming import (
    VERSION_HEADER,
    read_headers,
    refused,
    too_large,
    unsupported_media,
    with_headers,
)
from naftiko.expose.mcp.listening import LISTEN, Offered, ToldServer
from naftiko.expose.mcp.options import McpOptions
from naftiko.expose.mcp.server import make_server
from naftiko.expose.mcp.sessions import SessionManager, Sessions, owned
from naftiko.expose.mcp.shortcut import Shortcut
from naftiko.expose.mcp.sources import McpSource
from naftiko.expose.mcp.tools import Home, ToolBook, tool_book
from naftiko.ground.errors import CallError, Overloaded
from naftiko.observe.redaction import Learnt

_STOP_SECONDS: Final = 5.0
_TELLING: Final[set[asyncio.Task[None]]] = set()
"""What is being told: a task that nobody keeps may end at any time."""


@dataclass(frozen=True, slots=True)
class _Managers:
    """The SDK's session managers over one server.

    An answer in JSON is the cheapest, but can't carry progress. So there are three roles:

    Attributes:
        plain: JSON, stateless: the newest revision.
        progress: server-sent events: the newest revision, where the client gave a progress token; older ones where
            tools give items of streams, too.
        handshake: the revisions with a handshake; JSON and stateless, or events and sessions where those are on.
    """

    plain: SessionManager
    progress: StreamableHTTPSessionManager
    handshake: SessionManager


class Endpoint(Home):
    """An ASGI app: the MCP server of one adapter, or of several together.

    It must be started before the first request, in the loop of the requests.

    Args:
        sources: the adapters.
        options: the operator's.
        limit: how many calls may run at once, in the whole app.
        sessions: those of the whole app.
    """

    def __init__(self, sources: Sequence[McpSource], options: McpOptions, limit: CallLimit, sessions: Sessions) -> None:
        super().__init__()
        self._sessions = sessions
        self._sources = tuple(sources)
        self._options = options
        self._stateful = options.stateful
        self._limit = options.max_request_bytes
        self._calls = limit
        self._callers = Callers()
        self._running: _Running | None = None

    @cached_property
    def tools(self) -> ToolBook:
        """Its tools, made when they are first needed."""
        return tool_book(self._sources, self._options, self._calls, self)

    @cached_property
    def server(self) -> ToldServer:
        """The SDK's server, made when it is first needed."""
        return make_server(self._sources, self.tools, self._calls)

    @cached_property
    def shortcut(self) -> Shortcut:
        """What answers most tool calls."""
        return Shortcut(self.server, self.tools)

    async def start(self) -> None:
        """Start it in this event loop, unless it runs there already."""
        running = self._running
        if running is None or not running.is_here:
            running = self._running = _Running(self._managers())
        await running.started()

    async def _begun(self) -> _Running | None:
        await self.start()
        return self._running

    async def stop(self) -> None:
        """Stop it; what is still in flight is cancelled."""
        running, self._running = self._running, None
        if running is not None:
            self.server.listeners.handler.close()
            await running.stop()

    def count_in(self, sessions: Sessions) -> None:
        """Count its sessions among others'."""
        self._sessions = sessions

    def succeed(self, before: Endpoint) -> None:
        """Take over who is connected to another endpoint, and tell them what has changed.

        Where nobody can be, or the servers are not of the same kind, they are left to it: it ends them with itself, and
        they ask again.
        """
        running, here, own = before._running, before.server, self.server
        if running is None or not running.is_here or type(here) is not type(own):
            return
        offered = here.offered
        here.become(own)
        self.server, before.server, self.shortcut = here, own, Shortcut(here, self.tools)
        self._running, before._running = running, self._running
        telling = asyncio.create_task(_tell(offered, here, running.managers.handshake), name="tell of changes")
        _TELLING.add(telling)
        telling.add_done_callback(_TELLING.discard)

    def _managers(self) -> _Managers:
        plain = self._manager(json_response=True, stateless=True)
        progress = self._manager(json_response=False, stateless=True)
        if not self._stateful:
            return _Managers(plain, progress, plain)
        sessions = self._manager(json_response=False, stateless=False)
        self.server.tell_sessions(sessions.open)
        return _Managers(plain, progress, sessions)

    def _manager(self, *, json_response: bool, stateless: bool) -> SessionManager:
        return SessionManager(
            self.server,
            self._sessions,
            json_response=json_response,
            stateless=stateless,
            max_request_body_size=self._limit,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        known = self._running
        running = known if known is not None and known.is_ready else await self._begun()
        if running is None:
            await refusal(503, "the server is stopping")(scope, receive, send)
            return
        headers = read_headers(scope)
        said = dict(headers)
        version = said.get(VERSION_HEADER)
        in_session = self._stateful and (version is None or version in HANDSHAKE_PROTOCOL_VERSIONS)
        if in_session:
            scope = owned(scope)
        if scope["method"] != "POST":
            await self._other_method(running, with_headers(scope, headers), receive, send, in_session=in_session)
            return
        unsupported = unsupported_media(said)
        if unsupported is not None:
            await unsupported(scope, receive, send)
            return
        body = await self._received(scope, receive, send)
        if body is None:
            return
        if len(body) > LIGHT and (pool := current()) is not None and is_heavy(body, "json"):
            outside = running.managers.handshake.refusal(scope) if in_session else None
            await (outside or functools.partial(self._answer_elsewhere, pool, headers, body))(scope, receive, send)
            return
        body = whole_json(body)
        wants_progress = _wants_progress(said, body)
        if in_session or wants_progress or not await self._answered_shortly(headers, body, scope, receive, send):
            shows = wants_progress and self.tools.streams and not in_session
            app: ASGIApp = _manager_for(running.managers, version, wants_progress=wants_progress, shows=shows)
            if in_session or wants_progress:
                app = functools.partial(streamed, app)
            app = refused(body, version) or app
            if said.get("mcp-method") == LISTEN and not in_session:
                scope, answer = with_headers(scope, headers), replayed(body, receive)
                await outlasting(scope, lambda: listened(app, scope, answer, explained(send)))
                return
            serve = _serve_in_session if in_session else serve_until_gone
            with handling(body) as handled:
                sending = with_numbers(explained(send), handled)
                await serve(app, with_headers(scope, headers), body, receive, sending)

    async def _other_method(
        self, running: _Running, scope: Scope, receive: Receive, send: Send, *, in_session: bool
    ) -> None:
        """Serve the stream of a session, or end one; without sessions there is neither."""
        if in_session:
            handle = running.managers.handshake.handle_request
            await outlasting(scope, lambda: streamed(handle, scope, receive, send))
            return
        # The SDK would open a stream that never says anything, one for each client, for ever.
        why = f"{scope['method']} is not supported: POST to this URL"
        await refusal(405, why, {"allow": "POST"})(scope, receive, send)

    async def _received(self, scope: Scope, receive: Receive, send: Send) -> bytes | None:
        """Return a request's body; ``None`` where it was refused, or nobody is left to be answered."""
        try:
            return await read_body(receive, self._limit, self._options.body_seconds)
        except Overloaded as error:
            await too_much(error)(scope, receive, send)
        except BodyRefused as broken:
            if broken.status is not None:
                await refusal(broken.status, str(broken))(scope, receive, send)
        return None

    def _learn(self, secrets: Mapping[str, Learnt]) -> None:
        for source in self._sources:
            source.capability.engine.learn(secrets)

    async def _answer_elsewhere(
        self,
        pool: Pool,
        headers: Sequence[tuple[str, str]],
        body: bytes,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        """Have a large message answered in another process."""
        try:
            with CallerWatch(receive, self._callers) as watch:
                watch.start()
                status, answer = await pool.run(
                    *(_answer_apart, self, headers, body), lane="tools/call", size=len(body), learn=self._learn
                )
        except CallError as error:
            await too_much(error)(scope, receive, send)
        else:
            if not watch.gone:
                await send_json(send, status, answer)

    async def _answered_shortly(
        self, headers: Sequence[tuple[str, str]], body: bytes, scope: Scope, receive: Receive, send: Send
    ) -> bool:
        """Answer a tool call that is in order; tell whether it was one."""
        if self.tools.is_observed:
            arrived.set(scope)  # of this request's task alone
        with CallerWatch(receive, self._callers) as watch:
            watch.start()
            answer = await self.shortcut.answer(headers, body)
        if watch.gone:
            return True
        if answer is not None:
            await send_json(send, 200, answer)
        return answer is not None


async def _answer_apart(endpoint: Endpoint, headers: Sequence[tuple[str, str]], body: bytes) -> tuple[int, bytes]:
    """Answer a large message in another process of the pool; return the HTTP status and the body."""
    body = whole_json(body)
    answer = await endpoint.shortcut.answer(headers, body)
    if answer is not None:
        return 200, answer
    refusing = refused(body, dict(headers).get(VERSION_HEADER)) or too_large(body)
    return refusing.status_code, bytes(refusing.body)


async def _tell(before: Callable[[], Awaitable[Offered]], server: ToldServer, manager: SessionManager) -> None:
    events = (await before()).changes(await server.offered())
    await server.listeners.tell(events, manager.open)


def too_much(error: CallError) -> Response:
    """Return the refusal of a message that is too much for now, or for ever."""
    if error.retry_after is None:
        return refusal(413, error.detail)
    return refusal(503, error.detail, {"retry-after": str(round(error.retry_after))})


async def _serve_in_session(app: ASGIApp, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
    """Serve a request of a session, which goes on without the request's client."""
    await app(scope, replayed(body, receive), send)


def _manager_for(managers: _Managers, version: str | None, *, wants_progress: bool, shows: bool) -> ASGIApp:
    """Return what serves a request; where tools give items of streams (``shows``) older clients see them come, too."""
    if not shows and (version is None or version in HANDSHAKE_PROTOCOL_VERSIONS):
        return managers.handshake.handle_request
    return (managers.progress if wants_progress else managers.plain).handle_request


def _wants_progress(headers: Mapping[str, str], body: bytes) -> bool:
    # A look at the bytes is enough: at worst an answer is made by the way that could have carried progress.
    return b'"progressToken"' in body and "text/event-stream" in headers["accept"].lower()


class _Running:
    """Managers that run in a task of their own: their task groups must be left in the task that entered them.

    One belongs to the event loop in which it is made, and runs once.
    """

    def __init__(self, managers: _Managers) -> None:
        self.managers = managers
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self._started: asyncio.Future[None] = self._loop.create_future()
        self._is_started = False
        self._task = self._loop.create_task(self._run(), name="mcp-endpoint")

    @property
    def is_here(self) -> bool:
        """Whether it runs in the current event loop."""
        return self._loop is asyncio.get_running_loop() and not self._task.done()

    @property
    def is_ready(self) -> bool:
        """Whether it runs in the current event loop, and has started."""
        return self._is_started and self._loop is asyncio.get_running_loop() and not self._task.done()

    async def started(self) -> None:
        """Wait until it runs."""
        if not self._started.done() or self._started.exception() is not None:
            await asyncio.shield(self._started)  # shared: one waiter that is cancelled must not cancel the others

    async def _run(self) -> None:
        try:
            async with contextlib.AsyncExitStack() as stack:
                different = {id(manager): manager for manager in _all(self.managers)}
                for manager in different.values():
                    await stack.enter_async_context(manager.run())
                self._started.set_result(None)
                self._is_started = True
                await self._stop.wait()
        except Exception as error:
            if not self._started.done():
                self._started.set_exception(error)
            else:
                raise

    async def stop(self) -> None:
        if self._loop is not asyncio.get_running_loop():
            return
        self._stop.set()
        await asyncio.wait([self._task], timeout=_STOP_SECONDS)


def _all(managers: _Managers) -> tuple[StreamableHTTPSessionManager, ...]:
    return (managers.plain, managers.progress, managers.handshake)
