"""One consumed API while it runs: its transport, its credential, its limits (SEMANTICS 4.7)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx

from naftiko.engine.credentialed import SIGNED, Credentialed, Renew
from naftiko.engine.masking import veiled, veiled_stream
from naftiko.engine.named import named, refused
from naftiko.engine.paging import Paging, paging
from naftiko.engine.process_pool.outside import ROLE, Outside
from naftiko.engine.redacting import redacting
from naftiko.engine.request import Draft, Writer, full_url
from naftiko.engine.resilience import Declared, States
from naftiko.engine.sending import Outgoing, Send, Target, wrapped
from naftiko.engine.settings import Settings
from naftiko.engine.transport import MAY_GO, OPERATION, Limits, PoolFigures, Transport, fetch, opened
from naftiko.engine.transport.whole import Whole
from naftiko.engine.watched import Watched
from naftiko.expression.content import Content
from naftiko.expression.scope import Scope, Variables
from naftiko.expression.text import whole_characters
from naftiko.ground.errors import UpstreamError
from naftiko.observe.observer import sees
from naftiko.observe.redaction import Redactor
from naftiko.plan.actions import Call
from naftiko.plan.bindings import arguments_of
from naftiko.plan.credentials import path_names
from naftiko.plan.operation import Operation
from naftiko.plan.unit import ApiPlan

if TYPE_CHECKING:
    from naftiko.engine.streaming.opening import Streams

_UNAUTHORIZED = 401
FORWARD = "forward"
"""What shares the connections beside the operations, whose keys have a dot: all that is forwarded to the API."""


class Upstream(Credentialed):
    """Builds and sends the requests to one API.

    Attributes:
        plan: the API.
        limits: of the calls to it.
        peers: the APIs of the capability by key.
        stand_ins: the calls that stand in for failed ones, by the operation that fails.
        states: what its policies remember.
        paged: what fetches the lists that come in pages, by the operation's key.
        streams: what opens those that come item by item, likewise.
    """

    def __init__(
        self,
        plan: ApiPlan,
        variables: Variables,
        settings: Settings,
        redactor: Redactor,
        *,
        comma_arrays: bool,
        connections: int | None = None,
        renew: Renew | None = None,
    ) -> None:
        shared = settings.shared
        tokens = shared if shared is not None and shared.tokens else None
        super().__init__(plan, variables, redactor, renew, tokens)
        self._settings = settings
        self.limits = settings.limits if connections is None else replace(settings.limits, connections=connections)
        self._comma_arrays = comma_arrays
        self._transport: httpx.AsyncBaseTransport | None = None
        self._keeps_transport = True
        observer = settings.observer
        is_seen = observer is not None and sees(observer, "exchange")
        self._watched = Watched(plan, observer, redactor) if observer is not None and is_seen else None
        self.states = States()
        self._told = observer.acted if observer is not None and sees(observer, "acted") else None
        seen_and_stored = self._told, self._identity if plan.caches else None, settings.shared
        self._policies = (*settings.policies, Declared(self.states, self.limits.total, *seen_and_stored))
        self._is_bare = not settings.policies and plan.resilience is None
        self._sends: dict[str, Send] = {}
        self._wrapped: set[str] = set()
        self.stand_ins: dict[str, Call] = {}
        self.peers: Mapping[str, Upstream] = {}
        self.paged: dict[str, Paging] = {}
        self.streams: dict[str, Streams] = {}
        self._writers: dict[int, Writer] = {}  # by the id of the call, which they keep
        self._forwards: Send = wrapped(self._opened, self._policies, Target(plan.namespace, None, plan.resilience))

    def take_over(self, before: Upstream) -> None:
        """Go on with the connections and the credential of the same API, as it was before its file was loaded anew.

        What is still in flight there goes on with them too; they are closed with this one.
        """
        self.states.take_over(before.states)
        if before._transport is not None and before._keeps_transport:
            self._transport, before._keeps_transport = before._transport, False
            self._go_on_as(before)

    def prepare(self, call: Call) -> None:
        """Take note of a call: what writes its requests is made now, and its policies are asked."""
        self._writers[id(call)] = Writer(call, self.plan, comma_arrays=self._comma_arrays)
        self._has_policies(call.operation)
        if call.fallback is not None:
            self.stand_ins[call.operation.key] = call.fallback

    def _wrap(self, operation: Operation) -> None:
        target = Target(self.plan.namespace, operation, operation.resilience)
        made = wrapped(redacting(self._exchanged, operation), self._policies, target)
        if operation.pager is not None:
            made = self.paged[operation.key] = paging(
                operation, made, self.plan, self.limits, self._redactor, self._told
            )
        self._sends[operation.key] = made
        if made != self._exchanged:
            self._wrapped.add(operation.key)
            self._is_bare = False

    @property
    def transport(self) -> httpx.AsyncBaseTransport:
        """The transport, made at the first call."""
        if self._transport is None:
            self._transport = self._connecting()
        return self._transport

    def figures(self) -> PoolFigures | None:
        """Return the figures of its connections; ``None`` before the first call, and of another transport."""
        return self._transport.figures() if isinstance(self._transport, Transport) else None

    def _connecting(self) -> httpx.AsyncBaseTransport:
        make = self._settings.transport
        if make is not None:
            return make(self.plan.namespace)
        context = None if self._credential is None else self._credential.tls()
        return Transport(self.limits, verify=context or True)

    async def _fetch(self, request: httpx.Request) -> httpx.Response:
        """Send what a credential asks, such as for a token: no call of an operation, and no policy's business."""
        sending = fetch(self.transport, request, self.limits)
        return await (sending if self._watched is None else self._watched.asking(request, sending))

    async def _log_in(self) -> httpx.Response:
        login = self.plan.login
        if login is None:
            raise TypeError("nothing gives a token")
        return await self.peers[login.call.operation.api].asked(login.call)

    async def asked(self, call: Call) -> httpx.Response:
        """Make a call for another API's credential: no policy's business, and its answer isn't masked, being secret."""
        arguments = arguments_of(call.arguments, Scope({}, self._variables))
        request, authorized = await self.request(call, arguments)
        response = await self._fetch(request)
        if authorized and response.status_code in self._refusals and await self._can_do_better(request, response):
            request, _ = await self.request(call, arguments)
            response = await self._fetch(request)
        return response

    def draft(self, call: Call, arguments: Mapping[str, Any], passed: Content | None = None) -> Draft:
        """Draft a call's request, without the credential."""
        scope = self.scope(arguments, call.operation) if self._in_path else Scope(arguments, self._variables)
        writer = self._writers.get(id(call))
        if writer is None:  # of a step that didn't say that it makes this call
            writer = Writer(call, self.plan, comma_arrays=self._comma_arrays)
        return writer.draft(scope, passed)

    def url(self, path: str, scope: Scope) -> str:
        """Return the URL of an encoded path below the base URI."""
        return full_url(self.plan, path, scope)

    def scope(self, arguments: Mapping[str, Any], operation: Operation | None = None) -> Scope:
        """Return what a request's values come from: arguments, variables, and a credential that is in the path."""
        if not self._in_path or self._credential is None:
            return Scope(arguments, self._variables)
        placed = {
            placeholder: value
            for name, value in self._credential.path()
            for placeholder in path_names(name, self.plan.base, operation)
        }
        return Scope({**placed, **arguments}, self._variables)

    async def request(
        self,
        call: Call,
        arguments: Mapping[str, Any],
        passed: Content | None = None,
        conditions: Sequence[tuple[str, str]] = (),
    ) -> tuple[httpx.Request, bool]:
        """Return the whole request, and whether it carries our credential.

        Half of a surrogate pair, which no encoding of the wire has, is sent as U+FFFD (SEMANTICS 5.2).

        Raises:
            InputError: see ``draft``.
            MissingVariable: a variable has no value.
        """
        try:
            made = self.draft(call, arguments, passed)
            if conditions:
                made.add_missing(conditions)
            authorized = self._credential is not None and await self.authorize(made, self._mapped(call, arguments))
            return self._of(made, call.operation.key, authorized=authorized), authorized
        except UnicodeEncodeError:
            whole = whole_characters(dict(arguments))
            if whole == arguments:  # it is nothing that the caller said
                raise
            return await self.request(call, whole, passed, conditions)

    def _drafted(
        self,
        call: Call,
        arguments: Mapping[str, Any],
        passed: Content | None,
        conditions: Sequence[tuple[str, str]],
    ) -> Draft:
        made = self.draft(call, arguments, passed)
        made.add_missing(conditions)
        return made

    def _mapped(self, call: Call, arguments: Mapping[str, Any]) -> Collection[str]:
        """Return the names that the file maps, which win over the credential's."""
        return arguments if call.operation.body is None else self._fields

    def _answered(
        self,
        outside: Outside,
        call: Call,
        arguments: Mapping[str, Any],
        passed: Content | None,
        conditions: Sequence[tuple[str, str]],
        max_binary_bytes: int | None,
    ) -> httpx.Response:
        """Return the answer that a job has already.

        Raises:
            NotYet: it has none; the request is among those that it wants.
            CallError: the call failed.
        """
        key, answer = outside.next(call.operation.key)
        if answer is not None:
            return answer
        raise outside.want(key, self.drafted(call, arguments, passed, conditions, max_binary_bytes))

    def drafted(
        self,
        call: Call,
        arguments: Mapping[str, Any],
        passed: Content | None,
        conditions: Sequence[tuple[str, str]],
        max_binary_bytes: int | None,
    ) -> Outgoing:
        """Return a call's request, ready but for the credential."""
        try:
            made = self._drafted(call, arguments, passed, conditions)
            made.probe()
        except UnicodeEncodeError:
            made = self._drafted(call, whole_characters(dict(arguments)), passed, conditions)
        operation = call.operation
        self._has_policies(operation)  # so that they are asked
        mapped = self._mapped(call, arguments)
        return Outgoing(
            *(self, operation.key, operation.raw_format, made, mapped, max_binary_bytes, operation.path.text),
            is_idempotent=call.is_idempotent,
            arguments=None if call.fallback is None else arguments,
        )

    async def send_drafted(self, outgoing: Outgoing) -> httpx.Response:
        """Send a request that is drafted already, by way of the policies; as ``send``."""
        return await self._sends.get(outgoing.operation, self._exchanged)(outgoing)

    async def send(
        self,
        call: Call,
        arguments: Mapping[str, Any],
        passed: Content | None = None,
        *,
        max_binary_bytes: int | None = None,
        conditions: Sequence[tuple[str, str]] = (),
    ) -> httpx.Response:
        """Send a call's request; return the answer, its body read.

        Args:
            call: the call.
            arguments: its arguments by name.
            passed: a REST caller's body that is passed on, where the operation declares none.
            max_binary_bytes: the largest answer that is read, where it is smaller than the general limit.
            conditions: a REST caller's, sent unless the call itself has some.

        Raises:
            CallError: see ``naftiko.ground.errors``; an upstream's own 4xx and 5xx are answers.
            UpstreamBroken: the answer is larger than ``max_binary_bytes``, among others.
            UpstreamRefused: 401 to our credential.

        Returns:
            the answer without what was sent as a credential.
        """
        if ROLE.outside is not None:
            return self._answered(ROLE.outside, call, arguments, passed, conditions, max_binary_bytes)
        operation = call.operation
        if not self._is_bare and self._has_policies(operation):
            return await self.send_drafted(self.drafted(call, arguments, passed, conditions, max_binary_bytes))
        limits = self.limits if max_binary_bytes is None else self._limits(max_binary_bytes)
        try:
            request, authorized = await self.request(call, arguments, passed, conditions)
            sending = fetch(self._transport or self.transport, request, limits, self._sign)
            if self._watched is None:
                response = await sending
            else:
                with self._watched.calling(operation.key, operation.path.text, 1, request) as seen:
                    response = seen.answered(await sending)
            if authorized and response.status_code in self._refusals:
                outgoing = self.drafted(call, arguments, passed, conditions, max_binary_bytes)
                outgoing.attempts = 1
                request, response = await self._again(request, response, outgoing, limits)
        except UpstreamError as error:
            raise named(error, operation.key, max_binary_bytes, limits) from error.__cause__
        if self._signs or self._redactor.veil.hides:
            return await self._veiled(request, response, operation.raw_format)
        return response

    def _has_policies(self, operation: Operation) -> bool:
        if operation.key not in self._sends:
            self._wrap(operation)
        return operation.key in self._wrapped

    async def _exchanged(self, outgoing: Outgoing) -> httpx.Response:
        """Send a drafted request, and once more after a 401 if the credential can do better: what policies wrap."""
        limits = self._limits(outgoing.max_binary_bytes)
        try:
            request, authorized = await self._authorized(outgoing)
            response = await self._fetched(outgoing, request, limits)
            if authorized and response.status_code in self._refusals:
                request, response = await self._again(request, response, outgoing, limits)
        except UpstreamError as error:
            raise named(error, outgoing.operation, outgoing.max_binary_bytes, limits) from error.__cause__
        return await self._veiled(request, response, outgoing.raw_format)

    async def _authorized(self, outgoing: Outgoing) -> tuple[httpx.Request, bool]:
        """Return the request with our credential, and whether it has one; the draft stays as it is."""
        made = outgoing.draft.copy()
        authorized = await self.authorize(made, outgoing.mapped)
        return self._of(made, outgoing.operation, authorized=authorized), authorized

    def _of(self, made: Draft, operation: str, *, authorized: bool) -> httpx.Request:
        """Return the request of an operation, which takes its share of the connections."""
        request = made.make()
        request.extensions[OPERATION] = operation
        if self._signs and authorized:
            request.extensions[SIGNED] = True
        return request

    def _fetched(self, outgoing: Outgoing, request: httpx.Request, limits: Limits) -> Awaitable[httpx.Response]:
        outgoing.attempts += 1
        request.extensions[MAY_GO] = outgoing.may_go
        sending = fetch(self.transport, request, limits, self._sign)
        return sending if self._watched is None else self._watched.again(outgoing, request, sending)

    def _limits(self, max_binary_bytes: int | None) -> Limits:
        if max_binary_bytes is None or max_binary_bytes >= self.limits.response_bytes:
            return self.limits
        return replace(self.limits, response_bytes=max_binary_bytes)

    async def _veiled(self, request: httpx.Request, response: httpx.Response, raw_format: str) -> httpx.Response:
        veil, own = self._redactor.veil, self._own(request)
        if own and response.request is not request:  # redirected, and signed anew
            own = (*own, *self._own(response.request))
        return await veiled(response, veil, own, raw_format) if veil or own else response

    async def _again(
        self, request: httpx.Request, response: httpx.Response, outgoing: Outgoing, limits: Limits
    ) -> tuple[httpx.Request, httpx.Response]:
        """After a 401 to our credential: try once more if it can do better, or is another by now; else say so."""
        if await self._can_do_better(request, response):
            request, _ = await self._authorized(outgoing)
            response = await self._fetched(outgoing, request, limits)
        if response.status_code == _UNAUTHORIZED:
            raise refused(self.plan.namespace)
        return request, response

    @asynccontextmanager
    async def open(self, outgoing: Outgoing) -> AsyncIterator[httpx.Response]:
        """Send what is forwarded and stream its answer, without what was sent as a credential."""
        response = await self._forwards(outgoing)
        try:
            if response.is_stream_consumed:  # a policy's own answer
                response = Whole(response.status_code, response.headers, response.content, response.request, {})
            veil, own = self._redactor.veil, self._own(response.request)
            yield veiled_stream(response, veil, own) if veil or own else response
        finally:
            await response.aclose()

    async def _opened(self, outgoing: Outgoing) -> httpx.Response:
        """Send what is forwarded, and return its answer while its body is still to come: what policies wrap.

        After a 401 to our credential it is sent once more, if the credential can do better and the body isn't gone.
        """
        request, authorized = await self._forwarded(outgoing)
        response = await self._sent(outgoing, request)
        refused = authorized and response.status_code in self._refusals
        if refused and await self._can_do_better(request, response) and outgoing.is_repeatable:
            await response.aclose()
            request, _ = await self._forwarded(outgoing)
            response = await self._sent(outgoing, request)
        return response

    async def _forwarded(self, outgoing: Outgoing) -> tuple[httpx.Request, bool]:
        made = outgoing.draft.copy()
        authorized = await self.authorize(made, replace=True)
        return self._of(made, FORWARD, authorized=authorized), authorized

    def _sent(self, outgoing: Outgoing, request: httpx.Request) -> Awaitable[httpx.Response]:
        outgoing.attempts += 1
        request.extensions[MAY_GO] = outgoing.may_go
        send = partial(opened, self.transport, request, self.limits)
        return send() if self._watched is None else self._watched.forwarding(outgoing, request, send)

    async def aclose(self) -> None:
        """Close the connections, unless another one has taken them over."""
        if self._transport is not None and self._keeps_transport:
            await self._transport.aclose()
            self._transport = None
