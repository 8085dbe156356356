"""The ASGI app of control adapters that share a port."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

from starlette.types import Receive, Scope, Send

from naftiko.expose.authentication import Credentials, Guard, Principal, Refusal
from naftiko.expose.control import handlers
from naftiko.expose.control.contract import STARTED, Processes
from naftiko.expose.control.handlers import LEVELS, Asked
from naftiko.expose.control.switches import Switches
from naftiko.expose.http.gate import Gate
from naftiko.expose.http.paths import inner_path
from naftiko.expose.http.replies import Refused, Reply, problem, read_body, wrong_method
from naftiko.expose.http.streams import Stream, end_of_body
from naftiko.ground.http import SAFE_METHODS

Handler = Callable[[Asked], Awaitable[Reply]]
_NOT_FOUND: Final = int(HTTPStatus.NOT_FOUND)
_QUIET_SECONDS: Final = 15.0
"""A stream without records says something after so long, or what lies between closes it."""
_BEGUN: Final = "naftiko.control.begun"
"""In a request's scope once its answer has begun."""
_log = logging.getLogger(__name__)
STREAM_PATH: Final = "/logs/stream"


@dataclass(frozen=True, slots=True)
class Door:
    """A control adapter: what it shows, of what, and to whom.

    Attributes:
        file: the capability's.
        namespace: of the adapter.
        guard: what it asks of callers; ``None``: nothing.
        switches: its routes.
    """

    file: str
    namespace: str
    guard: Guard | None
    switches: Switches


@dataclass(frozen=True, slots=True)
class _Route:
    """A method of a path.

    Attributes:
        switch: the name of what turns it on.
        named: whether the path names something at its end.
    """

    method: str
    path: str
    switch: str
    handler: Handler | None
    named: bool = False

    def name_in(self, path: str) -> str | None:
        """Return what a path names; ``None`` where it isn't this route's."""
        if not self.named:
            return "" if path == self.path else None
        name = path.removeprefix(self.path)
        return unquote(name) if name and name != path and "/" not in name else None


_ROUTES: Final = (
    _Route("GET", "/health/live", "health", handlers.live),
    _Route("GET", "/health/ready", "health", handlers.ready),
    _Route("GET", "/health/dependencies", "info", handlers.dependencies),
    _Route("GET", "/status", "info", handlers.status),
    _Route("GET", "/config", "info", handlers.configuration),
    _Route("POST", "/config/validate", "validate", handlers.validate),
    _Route("POST", "/config/reload", "reload", handlers.reload),
    _Route("GET", "/logs", "level_control", handlers.loggers),
    _Route("GET", STREAM_PATH, "stream", None),
    _Route("GET", "/logs/", "level_control", handlers.logger, named=True),
    _Route("PUT", "/logs/", "level_control", handlers.set_level, named=True),
    _Route("GET", "/metrics", "metrics", handlers.metrics),
    _Route("GET", "/traces", "traces", handlers.traces),
    _Route("GET", "/traces/", "traces", handlers.trace, named=True),
    _Route("GET", "/lifecycle", "info", handlers.lifecycle),
    _Route("PUT", "/lifecycle", "reload", handlers.steer),
    _Route("PUT", "/lifecycle/", "reload", handlers.steer, named=True),
    _Route("GET", "/scripting", "scripting", handlers.scripting),
    _Route("PUT", "/scripting", "scripting", handlers.scripting),
)


class ControlApp:
    """Shows and changes how processes run.

    Where several adapters share the port, a request sees what those show whose authentication lets it in.

    Args:
        doors: the adapters.
        processes: what is operated.
        gate: which hosts and pages may call; ``None``: any.
        metrics_prefix: what the names of metrics begin with.
    """

    def __init__(
        self, doors: Sequence[Door], processes: Processes, gate: Gate | None, metrics_prefix: str = "ikanos"
    ) -> None:
        self._doors = tuple(doors)
        self._processes = processes
        self._gate = gate
        self._metrics_prefix = metrics_prefix
        self._subscribers = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        method: str = scope["method"]
        unwelcome = None if self._gate is None else self._gate.refusal(scope, changes=method not in SAFE_METHODS)
        reply: Reply | None
        try:
            if unwelcome is not None:
                reply = problem(unwelcome.status, unwelcome.kind, unwelcome.detail)
            else:
                reply = await self._answer(method, scope, receive, send)
        except Refused as refused:
            reply = refused.reply
        except Exception:
            if scope.get(_BEGUN):
                raise
            _log.exception("the control adapter could not answer %s", method)
            detail = "the answer could not be made; the log says why"
            reply = problem(int(HTTPStatus.INTERNAL_SERVER_ERROR), "internal-error", detail)
        if reply is not None:
            await reply.send(scope, send)

    async def _answer(self, method: str, scope: Scope, receive: Receive, send: Send) -> Reply | None:
        doors = await self._opened(scope)
        path = inner_path(scope)
        routes = [(route, name) for route, name in _routes(path) if any(_is_on(door, route) for door in doors)]
        if not routes:
            return problem(_NOT_FOUND, "not-found", f"there is nothing at {path[:200]}")
        wanted = "GET" if method == "HEAD" else method
        found = next(((route, name) for route, name in routes if route.method == wanted), None)
        if found is None:
            return wrong_method(method, {route.method for route, _ in routes})
        route, name = found
        its_doors = [door for door in doors if _is_on(door, route)]
        query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        if route.handler is None:
            most = max(door.switches.subscribers for door in its_doors)
            return await self._stream(most, query, scope, (receive, send))
        body = await read_body(receive) if method in {"POST", "PUT"} else b""
        return await route.handler(self._asked(its_doors, scope, name, query, body))

    def _asked(self, doors: Sequence[Door], scope: Scope, name: str, query: Mapping[str, str], body: bytes) -> Asked:
        port = (scope.get("server") or ("", None))[1]
        named = dict.fromkeys(door.namespace for door in doors)
        own = [{"type": "control", "namespace": each, "port": port, "state": STARTED} for each in named]
        files = list(dict.fromkeys(door.file for door in doors))
        return Asked(self._processes, files, own, name, query, body, self._metrics_prefix)

    async def _opened(self, scope: Scope) -> list[Door]:
        """Return the adapters whose authentication lets a request in.

        Raises:
            Refused: none does.
        """
        request = Credentials.of(scope)
        known: dict[int, Principal | Refusal] = {}
        first: Refusal | None = None
        opened = []
        for door in self._doors:
            found = None
            if door.guard is not None:
                if id(door.guard) not in known:
                    known[id(door.guard)] = await door.guard.identify(request)
                found = known[id(door.guard)]
            if isinstance(found, Refusal):
                first = first or found
            else:
                opened.append(door)
        if not opened and first is not None:
            raise Refused(first.status, first.kind, first.detail, first.headers)
        return opened

    async def _stream(
        self, most: int, query: Mapping[str, str], scope: Scope, connection: tuple[Receive, Send]
    ) -> Reply | None:
        """Tell what is logged from now on, as server-sent events."""
        receive, send = connection
        level = query.get("level", LEVELS[0]).upper()
        if level not in LEVELS:
            raise Refused(int(HTTPStatus.BAD_REQUEST), "invalid-input", f"`level` is one of {', '.join(LEVELS)}")
        headers = (("content-type", "text/event-stream"), ("x-accel-buffering", "no"))
        if scope["method"] == "HEAD":
            return Reply(handlers.OK, b"", headers[0][1])
        if self._subscribers >= most:
            detail = f"{self._subscribers} listen already, the most that may at once"
            raise Refused(int(HTTPStatus.TOO_MANY_REQUESTS), "too-many", detail, (("retry-after", "5"),))
        raw = [(name.encode(), value.encode()) for name, value in (*headers, ("cache-control", "no-store"))]
        self._subscribers += 1
        try:
            with Stream(scope):
                await send({"type": "http.response.start", "status": handlers.OK, "headers": raw})
                scope[_BEGUN] = True
                await send(_event(b": from now on\n\n"))
                await self._tell(query.get("logger") or "ROOT", level, receive, send)
            await end_of_body(send)
        finally:
            self._subscribers -= 1
        return None

    async def _tell(self, logger: str, level: str, receive: Receive, send: Send) -> None:
        records = self._processes.records(logger, level)
        leaving = asyncio.ensure_future(_left(receive))
        coming: asyncio.Future[Mapping[str, Any]] = asyncio.ensure_future(anext(records))
        try:
            while not leaving.done():
                await asyncio.wait((coming, leaving), timeout=_QUIET_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                if coming.done():
                    text = json.dumps(coming.result(), ensure_ascii=False, default=str)
                    coming = asyncio.ensure_future(anext(records))
                    await send(_event(f"data: {text}\n\n".encode("utf-8", "replace")))
                elif not leaving.done():
                    await send(_event(b": still here\n\n"))
        finally:
            await records.aclose()
            for each in (coming, leaving):
                each.cancel()
            await asyncio.gather(coming, leaving, return_exceptions=True)


async def _left(receive: Receive) -> None:
    """Wait until the caller has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _event(data: bytes) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, "more_body": True}


def _routes(path: str) -> Iterator[tuple[_Route, str]]:
    """Yield the routes of a path, each with what it names; a path that is there without a name is no name."""
    fixed = [route for route in _ROUTES if route.path == path and not route.named]
    for route in fixed or _ROUTES:
        name = route.name_in(path)
        if name is not None:
            yield route, name


def _is_on(door: Door, route: _Route) -> bool:
    is_on: bool = getattr(door.switches, route.switch)
    return is_on


def routes_on(switches: Switches) -> list[str]:
    """Return the paths that are on, for people."""
    on = dict.fromkeys(
        route.path + ("{name}" if route.named else "") for route in _ROUTES if getattr(switches, route.switch)
    )
    return list(on)
