"""The ASGI app of REST adapters.

Routes are found in a tree and requests are read and answered on plain ASGI messages: what Starlette's request,
response and route objects cost per call is a third of a small answer's whole price (see docs/performance.md).
Starlette still reads multipart forms and answers CORS.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import math
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import replace
from functools import partial
from operator import methodcaller

import httpx
from starlette.types import ASGIApp, Receive, Scope, Send

from naftiko.engine.answer import Answer
from naftiko.engine.capability import Adapter, Capability
from naftiko.engine.forward import Inbound, backward, forwarded
from naftiko.engine.head import UpstreamLinks, links_of
from naftiko.engine.process_pool import LIGHT, Shared, current
from naftiko.engine.request import Streamed
from naftiko.engine.run import PLAIN
from naftiko.expose.authentication import Guard, ResourceMetadata, admit, guard, problem, refuse
from naftiko.expose.http.caller import Callers, CallerWatch, SlowReader, send_to_reader
from naftiko.expose.http.limits import CallLimit
from naftiko.expose.http.problems import report, tell_passed_on
from naftiko.expose.http.streams import Stream, end_of_body, is_stream
from naftiko.expose.limiting import limiter_of
from naftiko.expose.rest.admission import Doors, admitting, distinct
from naftiko.expose.rest.conditions import conditions_of
from naftiko.expose.rest.description import DESCRIPTION_PATH, ApiDescription
from naftiko.expose.rest.finishing import Finishing
from naftiko.expose.rest.inbound import InboundRequest, is_multipart, read_form, uncoded
from naftiko.expose.rest.limited import within_limits
from naftiko.expose.rest.links import URL_HEADERS, rewritten
from naftiko.expose.rest.messages import (
    Pairs,
    body_pieces,
    header_map,
    header_text,
    pass_on,
    problem_body,
    raw_path,
    raw_query,
    read_body,
    read_pieces,
    root_path,
    send_allowed,
    send_answer,
    send_problem,
    simple_problem,
)
from naftiko.expose.rest.options import RestOptions
from naftiko.expose.rest.pages import Cors, Gated, gate_of, send_unwelcome
from naftiko.expose.rest.reading import InputReader
from naftiko.expose.rest.reverse import Here, ReverseRoutes
from naftiko.expose.rest.router import Match, Router
from naftiko.expose.rest.routes import HEAD_OF, Route, Served, best_of, not_found
from naftiko.expose.rest.seeing import Began, HttpCaller, seen_passing
from naftiko.expose.rest.streaming import send_stream
from naftiko.expose.rest.timing import ServerTiming
from naftiko.expose.spaces import Spaces, spaces_of
from naftiko.expression.scope import Scope as PlanScope
from naftiko.ground.errors import CallError, NotExecutable, TakesLong, UpstreamRedirect, UpstreamStatus
from naftiko.ground.http import READING, SAFE_METHODS
from naftiko.observe.observer import Hooks
from naftiko.observe.requests import request_now
from naftiko.plan.forward import ForwardAction
from naftiko.plan.streamed import is_streamed

_WHOLE = contextlib.nullcontext()
"""Around an answer that has an end."""


class RestApp(Shared):
    """Routes requests to units.

    Attributes:
        gate: which hosts and pages may call.
        guards: what the adapters ask of their callers.
    """

    def __init__(self, options: RestOptions) -> None:
        super().__init__()
        self._served: list[Served] = []
        self._options = options
        self._router: Router[Route] = Router()
        self._description = ApiDescription(options.selection)
        self._doors = Doors()
        self._loaded = dt.datetime.now(tz=dt.UTC).replace(microsecond=0)
        self._limit = CallLimit(options.max_concurrency)
        self._callers = Callers()
        self._finishing = Finishing.plain(self._loaded)
        self.gate = gate_of(options)
        self.guards: list[Guard] = []

    def add(self, capability: Capability, adapter: Adapter, prefix: str = "") -> None:
        """Add the routes of an adapter that are served."""
        its_guard = guard(
            adapter.plan.model.authentication,
            adapter.plan.secrets,
            PlanScope({}, capability.variables),
            shared=capability.shared,
        )
        if its_guard is not None:
            self.guards.append(its_guard)
        self._doors.add(prefix, its_guard)
        self._description.add(capability, adapter, prefix, its_guard)
        units = [unit for unit in adapter.units if self._options.selection.admits(unit.namespace, unit.name)]
        reverse = ReverseRoutes(capability, prefix, units)
        for unit in units:
            action = unit.plan.action
            forwards = unit.method is None or (action is not None and action.forwarded is not None)
            changes = not (forwards or unit.plan.only_reads)
            served = Served(unit, InputReader(unit), capability, reverse, self._finishing, its_guard, forwards, changes)
            if action is not None and is_streamed(action):
                served = replace(served, finishing=Finishing.streaming())
            if unit.plan.cache is not None:
                served = replace(served, finishing=Finishing.marking(unit.plan.cache, self._loaded))
            if unit.plan.limits is not None:
                served = replace(served, limiter=limiter_of(capability, adapter.plan, unit.plan))
            self._served.append(served)
            route = self._router.add(prefix + (served.route.path or "/"), Route(), spans=forwards)
            if forwards or unit.method is None:
                route.forward = route.forward or served
            else:
                route.add(unit.method, served)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = raw_path(scope)
        match = self._find(scope["method"], path, scope)
        if match is None:
            await self._without_unit(path, scope, receive, send)
            return
        served, values = match
        record = request_now.get()
        if record is not None:
            record.adapter, record.route = served.unit.adapter, served.route.path
        if served.changes and scope["method"] in SAFE_METHODS:
            unwelcome = self.gate.refusal(scope, changes=True)
            if unwelcome is not None:
                await send_unwelcome(unwelcome, scope, send)
                return
        if served.guard is not None:
            admitted = await admit(served.guard, scope, send)
            if admitted is None:
                return
            scope = admitted
        if served.forwards:
            await self._forward(served, values, scope, receive, send)
        else:
            await self._call(served, values, scope, receive, send)

    def _find(self, method: str, path: str, scope: Scope) -> Match[Served] | None:
        """Return what answers: of the routes that fit a path the most fixed one that has the method and the query."""
        if method == "OPTIONS":
            best = self._router.find(path, lambda route: route)
            if best is not None and best[0].forward is None:  # it asks about this route, not about a forward behind it
                return self._router.find(path, lambda route: route.own(method, scope))
        return self._router.find(path, methodcaller("served", method, scope))

    async def _without_unit(self, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Nothing there, or another query, is 404; OPTIONS tells what is allowed, another method is 405 (RFC 9110).

        Where that is an adapter's that asks for authentication, its callers alone are told.
        """
        method: str = scope["method"]
        routes = self._router.every(path)
        is_described = self._options.openapi and path == DESCRIPTION_PATH
        if is_described and (not routes or method in READING):
            await self._description(scope, receive, send)
            return
        served = [each for route in routes for each in route.every]
        guards = distinct(each.guard for each in served) if routes else self._doors.before(path)
        is_open = any(each.guard is None for each in served)
        admitting_ones, refusal = await admitting(guards, scope)
        if refusal is not None and not is_open:
            await refuse(refusal, problem, scope, send)
            return
        seen = [each for each in served if each.guard is None or each.guard in admitting_ones]
        known = {each.unit.method or "" for each in seen}
        if known.isdisjoint({method, HEAD_OF.get(method)}) and known:
            await send_allowed(method, known, send)
        else:
            detail = not_found(method, scope["path"], seen)
            await send_problem(send, 404, simple_problem(404, "not-found", detail), is_head=method == "HEAD")

    async def _call(self, served: Served, values: tuple[str, ...], scope: Scope, receive: Receive, send: Send) -> None:
        is_head = scope["method"] == "HEAD"
        try:
            with self._limit, CallerWatch(receive, self._callers) as watch:
                request = self._begun(served, values, scope)
                if served.reader.needs_body or served.rivals:
                    request.body = await read_body(receive, request.headers, self._options.max_request_bytes)
                watch.start()
                hooks = served.unit.hooks
                if hooks is not None:
                    served, answer = await self._seen(hooks, served, request, scope, send)
                elif len(request.body) > LIGHT:
                    served, answer = await self._done(served, request)
                else:
                    try:
                        served, answer = await self.answered(served, request)
                    except TakesLong as error:
                        served, answer = await self._elsewhere(served, request, error)
                if answer.stream is not None and hooks is None:
                    await send_stream(answer, scope, send, self._options.reading_seconds, partial(_problem_of, served))
            if watch.gone or answer.stream is not None:
                return
        except (UpstreamStatus, UpstreamRedirect) as error:
            await self._pass_on(error, served, values, scope, send)
        except Exception as error:  # noqa: BLE001  # every failure becomes an answer; report() logs the unexpected
            await _send_failure(error, served, send, is_head=is_head)
        else:
            links = None if answer.links is None else _links(answer.links, served, values, scope)
            await send_answer(answer, send, links, is_head=is_head, keeps_status=served.unit.plan.method == "HEAD")

    async def _seen(
        self, hooks: Hooks, served: Served, request: InboundRequest, scope: Scope, send: Send
    ) -> tuple[Served, Answer]:
        """Answer a request while the observer looks; what is streamed is sent, since the run ends with it."""
        with served.unit.run_of(hooks, HttpCaller(scope)) as run:
            served, answer = await self._done(served, request)
            # Which of several rivals ran is known at its end.
            run.name, run.path, run.status = served.unit.name, served.unit.path, answer.status
            if answer.stream is not None:
                await send_stream(answer, scope, send, self._options.reading_seconds, partial(_problem_of, served))
        return served, answer

    async def _pass_on(
        self,
        error: UpstreamStatus | UpstreamRedirect,
        served: Served,
        values: tuple[str, ...],
        scope: Scope,
        send: Send,
    ) -> None:
        """Pass an upstream's own error on; of a step, which the caller didn't ask for, say which one failed."""
        is_head = scope["method"] == "HEAD"
        if error.step is None and (isinstance(error, UpstreamStatus) or error.passes_on):
            tell_passed_on(error.response, error.operation, served.unit.name)
            links = _links(links_of(error.response), served, values, scope)
            await pass_on(error, send, links, is_head=is_head)
        else:
            await _send_failure(error, served, send, is_head=is_head)

    def _begun(self, served: Served, values: tuple[str, ...], scope: Scope) -> InboundRequest:
        """Return a request as far as its head says."""
        if served.unit.plan.action is None:
            raise NotExecutable(f"`{served.unit.name}` can't be executed: {served.unit.reason}")
        headers = header_map(scope, None if served.rivals else served.reader.header_names)
        return InboundRequest(scope["method"], raw_query(scope), values, headers, b"")

    async def _done(self, served: Served, request: InboundRequest) -> tuple[Served, Answer]:
        """Answer a request, in another process if it takes long; return the answer with the unit that made it."""
        if len(request.body) > LIGHT and current() is not None and request.is_heavy:
            return await self._elsewhere(served, request)
        try:
            return await self.answered(served, request)
        except TakesLong as error:
            return await self._elsewhere(served, request, error)

    async def _elsewhere(
        self, served: Served, request: InboundRequest, error: TakesLong | None = None
    ) -> tuple[Served, Answer]:
        """Answer a request in another process.

        Raises:
            TakesLong: there is none; it is the error that was given.
        """
        pool = current()
        if pool is None:
            raise error or TakesLong
        served.unit.check_held()
        places = tuple(map(self._served.index, served.rivals))
        lane = served.unit.call or served.unit.name
        size, learn = len(request.body), served.unit.learn
        place, answer = await pool.run(
            *(_answered_apart, self, self._served.index(served.plain), places, request),
            lane=lane,
            size=size,
            learn=learn,
        )
        return self._served[place], answer

    async def answered(self, served: Served, request: InboundRequest) -> tuple[Served, Answer]:
        """Answer a request; return the answer with the unit that made it."""
        if request.body and any(each.reader.needs_fields for each in served.rivals or (served,)):
            limit = self._options.max_request_bytes
            request.body, request.headers = await uncoded(request.body, request.headers, limit)
            if is_multipart(request.headers):
                request.form = await read_form(request.headers, request.body)
        if served.rivals:
            served = best_of(served.rivals, request, body=True)
        checked = served.reader.checked(request)
        passed = request.content() if served.reader.passes_body else None
        headers = request.headers
        conditions = conditions_of(request.method, headers, served.unit.inputs) if headers else ()
        finishing = served.finishing
        finish = (
            finishing.conditional(request.method, conditions)
            if conditions
            else finishing.usual.get(request.method, PLAIN)
        )
        return served, await served.unit.run_checked(checked, passed, conditions, finish)

    async def answered_at(self, place: int, rivals: Sequence[int], request: InboundRequest) -> tuple[int, Answer]:
        """Answer a request; units are known by their places."""
        served = self._served[place]
        if rivals:
            served = replace(served, rivals=tuple(self._served[each] for each in rivals))
        served, answer = await self.answered(served, request)
        return self._served.index(served.plain), answer

    def _streamed(self, receive: Receive, watch: CallerWatch) -> Streamed:
        pieces = _watched(receive, watch)
        return Streamed(pieces, partial(read_pieces, pieces, self._options.max_request_bytes))

    async def _forward(
        self, served: Served, values: tuple[str, ...], scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Pass the request on and stream the answer back."""
        is_head = scope["method"] == "HEAD"
        began = Began()
        try:
            with self._limit, CallerWatch(receive, self._callers) as watch:
                passing = self._passed_on(served, values, scope, (receive, send), watch, began)
                hooks = served.unit.hooks
                await (passing if hooks is None else seen_passing(passing, served, hooks, scope, began))
        except SlowReader:
            pass  # nobody is there to be told
        except Exception as error:
            if not began.status:
                await _send_failure(error, served, send, is_head=is_head)
            elif isinstance(error, CallError):
                # The answer is cut. An app that ends without its last message makes the server close the connection,
                # which is how the client sees it.
                report(error, served.capability.variables.redactor.redact, unit=served.unit.name)
            else:
                raise

    async def _passed_on(
        self,
        served: Served,
        values: tuple[str, ...],
        scope: Scope,
        connection: tuple[Receive, Send],
        watch: CallerWatch,
        began: Began,
    ) -> None:
        receive, send = connection
        served.unit.check_held()
        action = _forward_action(served)
        upstream = served.capability.upstreams[action.api]
        inbound = _inbound(action, values, scope, self._streamed(receive, watch))
        if inbound.body is None:
            watch.start()
        async with upstream.open(forwarded(action, inbound, upstream)) as response:
            headers = _backward(response, served, values, scope)
            began.status = response.status_code
            await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
            with Stream(scope) if is_stream(response.headers.get("content-type", "")) else _WHOLE:
                async for piece in response.aiter_raw():
                    message = {"type": "http.response.body", "body": piece, "more_body": True}
                    await send_to_reader(send, message, scope, self._options.reading_seconds)
        await end_of_body(send)


class LimitedRestApp(RestApp):
    """The same where routes have limits for callers; who has none pays for nothing of it."""

    async def _call(self, served: Served, values: tuple[str, ...], scope: Scope, receive: Receive, send: Send) -> None:
        await within_limits(served, scope, send, partial(super()._call, served, values, scope, receive))

    async def _forward(
        self, served: Served, values: tuple[str, ...], scope: Scope, receive: Receive, send: Send
    ) -> None:
        await within_limits(served, scope, send, partial(super()._forward, served, values, scope, receive))


async def _answered_apart(
    app: RestApp, place: int, rivals: Sequence[int], request: InboundRequest
) -> tuple[int, Answer]:
    """Answer a request in another process of the pool."""
    return await app.answered_at(place, rivals, request)


def _links(links: UpstreamLinks | None, served: Served, values: tuple[str, ...], scope: Scope) -> Pairs | None:
    """Return the headers that point to URLs of upstreams as a caller gets them, ``None`` where there were none."""
    if links is None:
        return None
    here = Here(links.url, root_path(scope), served.unit, values, raw_query(scope))
    found = rewritten(links.pairs, lambda target: served.reverse.lead(target, here))
    return [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in found]


def _backward(response: httpx.Response, served: Served, values: tuple[str, ...], scope: Scope) -> Pairs:
    """Return the headers of a forwarded answer, in their order but for those that point to URLs."""
    kept: Pairs = []
    pointing: list[tuple[str, str]] = []
    for name, value in backward(response):
        if name.decode("latin-1") in URL_HEADERS:
            pointing.append((name.decode("latin-1"), value.decode("latin-1")))
        else:
            kept.append((name, value))
    links = UpstreamLinks(str(response.request.url), pointing) if pointing else None
    return [*kept, *(_links(links, served, values, scope) or ())]


async def _watched(receive: Receive, watch: CallerWatch) -> AsyncIterator[bytes]:
    """Yield the body's pieces, and watch the caller once they are through."""
    async for piece in body_pieces(receive):
        yield piece
    watch.start()


def _forward_action(served: Served) -> ForwardAction:
    action = served.unit.plan.action
    if action is None or action.forwarded is None:
        raise NotExecutable(f"`{served.unit.name}` can't be executed: {served.unit.reason}")
    return action.forwarded


def _inbound(action: ForwardAction, values: tuple[str, ...], scope: Scope, body: Streamed) -> Inbound:
    headers = [(name.decode("latin-1").lower(), header_text(value)) for name, value in scope["headers"]]
    has_body = any(name in {"content-length", "transfer-encoding"} for name, _ in headers)
    return Inbound(
        method=scope["method"],
        rest=values[-1] if action.path_variable is not None and values else "",
        query=raw_query(scope),
        headers=headers,
        body=body if has_body else None,
    )


def _problem_of(served: Served, error: Exception) -> bytes:
    return problem_body(report(error, served.capability.variables.redactor.redact, unit=served.unit.name))


async def _send_failure(error: Exception, served: Served, send: Send, *, is_head: bool) -> None:
    made = report(error, served.capability.variables.redactor.redact, unit=served.unit.name)
    headers: Pairs = []
    if made.retry_after is not None:
        headers.append((b"retry-after", str(max(1, math.ceil(made.retry_after))).encode()))
    await send_problem(send, made.status, problem_body(made), headers, is_head=is_head)


class _Lifespan:
    """Closes the capabilities' connections when the server stops."""

    def __init__(self, app: ASGIApp, capabilities: Sequence[Capability]) -> None:
        self._app = app
        self._capabilities = capabilities

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # A server knows by `async` that this is ASGI 3: uvicorn takes anything else for ASGI 2.
        if scope["type"] == "http":
            await self._app(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
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


def build(
    exposed: Iterable[tuple[Capability, Adapter]], options: RestOptions | None = None, spaces: Spaces | None = None
) -> ASGIApp:
    """Return the app of REST adapters; those that ask for authentication get it each on its own."""
    options = options or RestOptions()
    pairs = list(exposed)
    has_limits = any(unit.plan.limits is not None for _, adapter in pairs for unit in adapter.units)
    app = (LimitedRestApp if has_limits else RestApp)(options)
    spaces = spaces or spaces_of(pairs, prefix=options.prefix)
    for capability, adapter in pairs:
        app.add(capability, adapter, f"/{spaces.of(adapter)}" if options.prefix else "")
    inner: ASGIApp = ResourceMetadata(app, app.guards) if app.guards else app
    if options.server_timing:
        inner = ServerTiming(inner)
    if options.cors_origins:  # outside of the guards: a browser's preflight carries no credentials
        inner = Cors(inner, options.cors_origins)
    return _Lifespan(Gated(inner, app.gate), list({id(capability): capability for capability, _ in pairs}.values()))
