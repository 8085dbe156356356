"""One MCP server over Streamable HTTP, for every revision of the protocol."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp_types import INVALID_REQUEST
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from naftiko.expose.mcp.exchange import BodyRefused, read_body, replayed, serve_until_gone
from naftiko.expose.mcp.server import make_server
from naftiko.expose.mcp.sources import Source

_VERSION_HEADER: Final = "mcp-protocol-version"
_STOP_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class _Managers:
    """The SDK's session managers over one server.

    An answer in JSON is the cheapest, but can't carry progress. So there are three roles:

    Attributes:
        plain: JSON, stateless: the newest revision.
        progress: server-sent events: the newest revision, where the client gave a progress token.
        handshake: the revisions with a handshake; JSON and stateless, or events and sessions where those are on.
    """

    plain: StreamableHTTPSessionManager
    progress: StreamableHTTPSessionManager
    handshake: StreamableHTTPSessionManager


class Endpoint:
    """An ASGI app: the MCP server of one adapter, or of several together.

    It must be started before the first request, in the loop of the requests.

    Args:
        sources: the adapters.
        stateful: keep sessions for the handshake era.
        max_request_bytes: the largest request body.
    """

    def __init__(self, sources: Sequence[Source], *, stateful: bool, max_request_bytes: int) -> None:
        self._sources = tuple(sources)
        self._stateful = stateful
        self._limit = max_request_bytes
        self._running: _Running | None = None

    @cached_property
    def server(self) -> Server[Any]:
        """The SDK's server, made when it is first needed."""
        return make_server(self._sources)

    async def start(self) -> None:
        """Start it in this event loop, unless it runs there already."""
        running = self._running
        if running is None or not running.is_here:
            running = self._running = _Running(self._managers())
        await running.started()

    async def stop(self) -> None:
        """Stop it; what is still in flight is cancelled."""
        running, self._running = self._running, None
        if running is not None:
            await running.stop()

    def _managers(self) -> _Managers:
        plain = self._manager(json_response=True, stateless=True)
        return _Managers(
            plain,
            self._manager(json_response=False, stateless=True),
            self._manager(json_response=False, stateless=False) if self._stateful else plain,
        )

    def _manager(self, *, json_response: bool, stateless: bool) -> StreamableHTTPSessionManager:
        return StreamableHTTPSessionManager(
            self.server, json_response=json_response, stateless=stateless, max_request_body_size=self._limit
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        await self.start()
        running = self._running
        if running is None:
            await _error(503, "the server is stopping")(scope, receive, send)
            return
        scope = _trimmed(scope)
        headers = Headers(scope=scope)
        version = headers.get(_VERSION_HEADER)
        in_session = self._stateful and (version is None or version in HANDSHAKE_PROTOCOL_VERSIONS)
        if scope["method"] != "POST":
            if in_session:
                await running.managers.handshake.handle_request(scope, receive, send)
            else:
                # The SDK would open a stream that never says anything, one for each client, for ever.
                await _error(405, f"{scope['method']} is not supported: POST to this URL", {"allow": "POST"})(
                    scope, receive, send
                )
            return
        try:
            body = await read_body(receive, self._limit)
        except BodyRefused as refused:
            if refused.status is not None:
                await _error(refused.status, str(refused))(scope, receive, send)
            return
        if in_session:
            await running.managers.handshake.handle_request(scope, replayed(body, receive), send)
            return
        app = _manager_for(running.managers, version, headers, body)
        await serve_until_gone(app, scope, body, receive, send)


def _trimmed(scope: Scope) -> Scope:
    """Return the scope with header values as RFC 9110 chapter 5.5 reads them; httptools keeps the blanks at the end."""
    return {**scope, "headers": [(name, value.strip(b" \t")) for name, value in scope["headers"]]}


def _manager_for(managers: _Managers, version: str | None, headers: Headers, body: bytes) -> ASGIApp:
    if version is None or version in HANDSHAKE_PROTOCOL_VERSIONS:
        return managers.handshake.handle_request
    # A look at the bytes is enough: at worst an answer is made by the way that could have carried progress.
    wants_progress = b'"progressToken"' in body and "text/event-stream" in headers.get("accept", "")
    return (managers.progress if wants_progress else managers.plain).handle_request


class _Running:
    """Managers that run in a task of their own: their task groups must be left in the task that entered them.

    One belongs to the event loop in which it is made, and runs once.
    """

    def __init__(self, managers: _Managers) -> None:
        self.managers = managers
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self._started: asyncio.Future[None] = self._loop.create_future()
        self._task = self._loop.create_task(self._run(), name="mcp-endpoint")

    @property
    def is_here(self) -> bool:
        """Whether it runs in the current event loop."""
        return self._loop is asyncio.get_running_loop() and not self._task.done()

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


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    body = {"jsonrpc": "2.0", "id": None, "error": {"code": INVALID_REQUEST, "message": message}}
    return JSONResponse(body, status, headers)
