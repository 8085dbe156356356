"""The ASGI app of REST adapters.

Routes are found in a tree and requests are read and answered on plain ASGI messages: what Starlette's request,
response and route objects cost per call is a third of a small answer's whole price (see docs/performance.md).
Starlette still reads multipart forms and answers CORS.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from naftiko.engine.answer import Answer
from naftiko.engine.capability import Adapter, Capability, Unit
from naftiko.engine.decode import useful_headers
from naftiko.engine.forward import Inbound, backward, forwarded
from naftiko.errors import InputError, NotExecutable, UpstreamStatus
from naftiko.expose.problems import report
from naftiko.expose.rest.options import RestOptions
from naftiko.expose.rest.problem import PROBLEM_MEDIA_TYPE, problem_body, simple_problem
from naftiko.expose.rest.reading import InboundRequest, InputReader, TooLarge, is_multipart, read_form
from naftiko.expose.rest.router import Router, UndecodablePath
from naftiko.plan.unit import ForwardAction

_HEAD_OF = {"HEAD": "GET"}
Pairs = list[tuple[bytes, bytes]]


@dataclass(slots=True)
class Route:
    """What stands at a path: a unit for each method, or a forward for all that is left.

    Attributes:
        forward: any method that has no unit.
    """

    units: dict[str, Served] = field(default_factory=dict)
    forward: Served | None = None

    def served(self, method: str) -> Served | None:
        """Return what answers a method; HEAD is answered by GET."""
        return self.units.get(method) or self.units.get(_HEAD_OF.get(method, "")) or self.forward

    @property
    def allowed(self) -> str:
        """The value of ``Allow``."""
        methods = set(self.units) | {"OPTIONS"}
        if "GET" in methods:
            methods.add("HEAD")
        return ", ".join(sorted(methods))


@dataclass(frozen=True, slots=True)
class Served:
    """A unit behind a route, with what reads its inputs."""

    unit: Unit
    reader: InputReader
    capability: Capability


class RestApp:
    """Routes requests to units."""

    def __init__(self, options: RestOptions) -> None:
        self._options = options
        self._router: Router[Route] = Router()

    def add(self, capability: Capability, adapter: Adapter, prefix: str = "") -> None:
        """Add the routes of an adapter; the first of the same method and path wins."""
        for unit in adapter.units:
            served = Served(unit, InputReader(unit.plan), capability)
            if isinstance(unit.plan.action, ForwardAction) or unit.method is None:
                route = self._router.add(prefix + (unit.path or "/"), Route(), spans=True)
                route.forward = route.forward or served
            else:
                route = self._router.add(prefix + (unit.path or "/"), Route())
                route.units.setdefault(unit.method, served)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        method: str = scope["method"]
        try:
            match = self._router.find(raw_path(scope))
        except UndecodablePath as error:
            await _send_problem(send, 400, simple_problem(400, "invalid-input", str(error)))
            return
        if match is None:
            detail = f"there is nothing at {scope['path']}"
            await _send_problem(send, 404, simple_problem(404, "not-found", detail))
            return
        route = match.route
        served = route.served(method)
        if served is None:
            await self._without_unit(method, route, send)
        elif served is route.forward and method not in route.units:
            await self._forward(served, match.values, scope, receive, send)
        else:
            await self._call(served, match.values, scope, receive, send)

    @staticmethod
    async def _without_unit(method: str, route: Route, send: Send) -> None:
        """OPTIONS tells what is allowed; any other method is 405 (RFC 9110 chapter 15.5.6)."""
        allow = [(b"allow", route.allowed.encode())]
        if method == "OPTIONS":
            await _send(send, 204, allow, b"")
        else:
            detail = f"{method} is not allowed here; allowed: {route.allowed}"
            await _send_problem(send, 405, simple_problem(405, "method-not-allowed", detail), allow)

    async def _call(self, served: Served, values: tuple[str, ...], scope: Scope, receive: Receive, send: Send) -> None:
        is_head = scope["method"] == "HEAD"
        try:
            answer = await self._answer(served, values, scope, receive)
        except UpstreamStatus as error:
            await _pass_on(error, send, is_head=is_head)
        except Exception as error:  # noqa: BLE001  # every failure becomes an answer; report() logs the unexpected
            await _send_failure(error, served, send, is_head=is_head)
        else:
            await _send_answer(answer, send, is_head=is_head)

    async def _answer(self, served: Served, values: tuple[str, ...], scope: Scope, receive: Receive) -> Answer:
        unit, reader = served.unit, served.reader
        if unit.plan.action is None:
            raise NotExecutable(f"`{unit.name}` can't be executed: {unit.reason}")
        headers = header_map(scope)
        body, form = b"", None
        if reader.needs_body:
            body = await _read_body(receive, headers, self._options.max_request_bytes)
            if body and is_multipart(headers) and not reader.passes_body:
                form = await read_form(scope, body)
        request = InboundRequest(scope["method"], scope["query_string"], values, headers, body, form)
        given, text = reader.read(request)
        checked = unit.plan.inputs.check(given, text=text)
        passed = request.content() if reader.passes_body else None
        return await unit.run_checked(checked, passed)

    async def _forward(
        self, served: Served, values: tuple[str, ...], scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Pass the request on and stream the answer back."""
        started = False
        try:
            engine = served.capability.engine
            action = _forward_action(served)
            upstream = engine.upstreams[action.api]
            request = await forwarded(action, _inbound(action, values, scope, receive), upstream, engine.variables)
            async with upstream.open(request) as response:
                pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in backward(response)]
                await send({"type": "http.response.start", "status": response.status_code, "headers": pairs})
                started = True
                async for piece in response.aiter_raw():
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        except Exception as error:
            if started:  # the answer is cut: the server closes the connection, so that the client sees it
                raise
            await _send_failure(error, served, send, is_head=scope["method"] == "HEAD")


def _forward_action(served: Served) -> ForwardAction:
    action = served.unit.plan.action
    if not isinstance(action, ForwardAction):
        raise NotExecutable(f"`{served.unit.name}` can't be executed: {served.unit.reason}")
    return action


def _inbound(action: ForwardAction, values: tuple[str, ...], scope: Scope, receive: Receive) -> Inbound:
    headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]
    has_body = any(name in {"content-length", "transfer-encoding"} for name, _ in headers)
    return Inbound(
        method=scope["method"],
        rest=values[-1] if action.path_variable is not None and values else "",
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        body=_pieces(receive) if has_body else None,
    )


async def _send_failure(error: Exception, served: Served, send: Send, *, is_head: bool) -> None:
    made = report(error, served.capability.variables.redactor.redact, unit=served.unit.name)
    headers: Pairs = []
    if made.retry_after is not None:
        headers.append((b"retry-after", str(max(1, round(made.retry_after))).encode()))
    await _send_problem(send, made.status, problem_body(made), headers, is_head=is_head)


def raw_path(scope: Scope) -> str:
    """Return the undecoded path of a request."""
    raw: bytes | None = scope.get("raw_path")
    return scope["path"] if raw is None else raw.partition(b"?")[0].decode("latin-1")


def header_map(scope: Scope) -> dict[str, str]:
    """Return the headers by name; several of a name are joined (RFC 9110 chapter 5.3)."""
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        key = name.decode("latin-1")
        text = value.decode("latin-1")
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found


async def _read_body(receive: Receive, headers: Mapping[str, str], limit: int) -> bytes:
    """Read the whole body, up to the limit.

    Raises:
        TooLarge: it is larger.
    """
    announced = headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit:
        raise TooLarge(f"the body has {announced} bytes; the limit is {limit}")
    pieces: list[bytes] = []
    size = 0
    async for piece in _pieces(receive):
        size += len(piece)
        if size > limit:
            raise TooLarge(f"the body has more than {limit} bytes")
        pieces.append(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


async def _pieces(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise InputError([], hint="the caller went away")
        if message.get("body"):
            yield message["body"]
        if not message.get("more_body"):
            return


async def _send(send: Send, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> None:
    start: Message = {"type": "http.response.start", "status": status, "headers": list(headers)}
    await send(start)
    await send({"type": "http.response.body", "body": body})


async def _send_answer(answer: Answer, send: Send, *, is_head: bool) -> None:
    """Send an answer; HEAD gets the headers that GET would."""
    content = answer.content
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    if content:
        media_type = answer.media_type or "application/octet-stream"
        headers.append((b"content-type", media_type.encode("latin-1")))
        headers.append((b"content-length", str(len(content)).encode()))
    status = answer.status if content or answer.status != 200 else 204  # noqa: PLR2004  # 200 without content is 204
    await _send(send, status, headers, b"" if is_head else content)


async def _pass_on(error: UpstreamStatus, send: Send, *, is_head: bool) -> None:
    """Pass an upstream's own 4xx or 5xx on: status, body, media type and useful headers (SEMANTICS 6)."""
    response = error.response
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in useful_headers(response)]
    media_type = response.headers.get("content-type")
    if media_type:
        headers.append((b"content-type", media_type.encode("latin-1")))
    headers.append((b"content-length", str(len(response.content)).encode()))
    await _send(send, response.status_code, headers, b"" if is_head else response.content)


async def _send_problem(
    send: Send, status: int, body: bytes, headers: Sequence[tuple[bytes, bytes]] = (), *, is_head: bool = False
) -> None:
    all_headers = [
        (b"content-type", PROBLEM_MEDIA_TYPE),
        (b"content-length", str(len(body)).encode()),
        *headers,
    ]
    await _send(send, status, all_headers, b"" if is_head else body)


class _Lifespan:
    """Closes the capabilities' connections when the server stops."""

    def __init__(self, app: ASGIApp, capabilities: Sequence[Capability]) -> None:
        self._app = app
        self._capabilities = capabilities

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._app(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1003, "reason": "no WebSockets here"})

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                for capability in self._capabilities:
                    with contextlib.suppress(Exception):  # a connection that can't be closed is gone already
                        await capability.aclose()
                await send({"type": "lifespan.shutdown.complete"})
                return


def build(capabilities: Sequence[Capability], options: RestOptions | None = None) -> ASGIApp:
    """Return the app of all REST adapters; adapters that ask for authentication get it each on its own."""
    options = options or RestOptions()
    app = RestApp(options)
    for capability in capabilities:
        prefix = f"/{capability.namespace}" if options.prefix else ""
        for adapter in capability.adapters:
            if adapter.kind == "rest":
                app.add(capability, adapter, prefix)
    inner: ASGIApp = app
    if options.cors_origins:
        inner = CORSMiddleware(
            app,
            allow_origins=list(options.cors_origins),
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=["ETag", "Link", "Location", "Retry-After"],
        )
    return _Lifespan(inner, capabilities)
