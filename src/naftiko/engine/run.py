"""Run units: inputs in, answer out (SEMANTICS 3 to 5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, TypeAlias, TypeVar

import httpx

from naftiko.engine.answer import JSON_MEDIA_TYPE, Answer
from naftiko.engine.decode import answer as make_answer
from naftiko.engine.decode import document, passed_on, passes_bytes
from naftiko.engine.formats import Decoder, FormatError, FormatOptions, FormatUnavailable, decoder
from naftiko.engine.head import told_head
from naftiko.engine.named import failed, not_done
from naftiko.engine.paging.listing import STREAMED, Listing, PagesWanted
from naftiko.engine.process_pool import LIGHT, Shared, current
from naftiko.engine.process_pool.outside import ROLE, Calls, sent_or_given
from naftiko.engine.reach import FileRoots
from naftiko.engine.request import dump_json
from naftiko.engine.stepping import Heavy, StepRunner, reads_elsewhere, run_step
from naftiko.engine.streaming.answering import StreamedItems, streamed_or_listed
from naftiko.engine.streaming.further import Further
from naftiko.engine.transport.redirects import is_redirect, not_followed
from naftiko.engine.upstream import Upstream
from naftiko.expression.answers import ONLY, AnswerHead
from naftiko.expression.content import Content
from naftiko.expression.scope import Scope, Variables
from naftiko.ground.errors import NotExecutable, TakesNoCalls
from naftiko.ground.http import READING
from naftiko.ground.sizes import binary_bytes
from naftiko.ground.together import together
from naftiko.ground.types import ABSENT
from naftiko.observe.observer import Observer, sees
from naftiko.observe.redaction import Learnt, Redactor
from naftiko.plan.actions import Call, Heads, PagedCallAction, Run, StepResult
from naftiko.plan.bindings import arguments_of
from naftiko.plan.flow import FlowAction
from naftiko.plan.operation import Operation
from naftiko.plan.outputs import Outputs
from naftiko.plan.unit import UnitPlan

if TYPE_CHECKING:
    from naftiko.engine.scripting.runs import Scripting

ResultT = TypeVar("ResultT")
Complete: TypeAlias = Callable[[Call, Mapping[str, Any]], Mapping[str, Any]]
"""Completes the arguments of a step's call with what stands in for what its steps have no value for."""
_FIRST_REDIRECT = 300
_FIRST_ERROR = 400


@dataclass(slots=True)  # not frozen: one is made for each call of a tool
class Finish(Generic[ResultT]):
    """What becomes of an answer, wherever it is made.

    Attributes:
        make: makes it; a function of a module, or a ``partial`` of one.
        reads: whether it reads the bytes of an answer that is passed on.
        pages: what it wants of a list in pages; ``None``: all of it.
    """

    make: Callable[[Answer], ResultT]
    reads: bool
    pages: PagesWanted | None = None


def _as_it_is(answer: Answer) -> Answer:
    return answer


PLAIN: Final = Finish(_as_it_is, reads=False)
"""The answer itself."""
AS_IT_COMES: Final = Finish(_as_it_is, reads=False, pages=STREAMED)
"""The same, page by page or item by item where it comes so."""


class Engine(Shared):
    """Runs the units of one capability.

    Attributes:
        label: what the file calls itself.
        units: those that may run elsewhere, known there by their place.
        observer: what sees the runs, or ``None``.
        hooks: of what sees the runs of units, or ``None``.
        held: the adapters that take no calls: kind and namespace.
        scripting: runs its scripts; ``None`` where it has none.
    """

    def __init__(
        self,
        upstreams: Mapping[str, Upstream],
        variables: Variables,
        redactor: Redactor,
        roots: FileRoots,
        *,
        complete: Complete | None = None,
        observer: Observer | None = None,
    ) -> None:
        super().__init__()
        self.label = ""
        self.units: tuple[UnitPlan, ...] = ()
        self.upstreams = upstreams
        self.variables = variables
        self._redactor = redactor
        self._roots = roots
        self._complete = complete
        self.pretends = complete is not None
        self.observer = observer
        self.hooks = observer.hooks("unit") if observer is not None and sees(observer, "unit") else None
        self.held: frozenset[tuple[str, str]] = frozenset()
        self.scripting: Scripting | None = None
        self._decoders: dict[int, Decoder] = {}

    async def run(
        self,
        unit: UnitPlan,
        inputs: Mapping[str, Any],
        passed: Content | None = None,
        conditions: Sequence[tuple[str, str]] = (),
        finish: Finish[Any] = PLAIN,
    ) -> Any:
        """Run a unit with checked inputs; what takes long runs elsewhere (``naftiko.engine.process_pool``).

        Args:
            unit: the unit.
            inputs: by name.
            passed: a REST caller's body that is passed on.
            conditions: a REST caller's, which go with the call where its answer is passed on, or where it changes
                something (RFC 9110 chapter 13).
            finish: what is made of the answer.

        Raises:
            CallError: see ``naftiko.ground.errors``.
        """
        action = unit.action
        if self.held:
            self.check_held(unit)
        if action is None:
            raise NotExecutable(f"`{unit.name}` can't be executed: {unit.reason}")
        try:
            answer: Answer = await action.run(self, Run(unit, inputs, passed, conditions, finish.reads, finish.pages))
        except Heavy as heavy:
            place = next(at for at, each in enumerate(self.units) if each is unit)
            answers = heavy.answers
            return await heavy.pool.run(
                *(_run_apart, self, place, inputs, passed, conditions, finish),
                lane=[*answers][-1].partition("#")[0],
                answers=answers,
                learn=self.learn,
            )
        return finish.make(answer)

    def check_held(self, unit: UnitPlan) -> None:
        """Refuse a call of an adapter that takes none.

        Raises:
            TakesNoCalls: it is one.
        """
        if (unit.adapter, unit.namespace) in self.held:
            raise TakesNoCalls(f"`{unit.namespace or unit.adapter}` takes no calls just now; try again later")

    def learn(self, secrets: Mapping[str, Learnt]) -> None:
        """Hide values that another process learnt to be secret."""
        self._redactor.learn_all(secrets)

    async def call(self, call: Call, run: Run) -> Answer:
        """Make the one call of a unit; return the answer that its outputs make."""
        unit, operation, conditions = run.unit, call.operation, run.conditions
        scope = Scope(run.inputs, self.variables)
        arguments = arguments_of(call.arguments, scope) if call.arguments else {}
        if conditions:
            conditions = _passed_on(conditions, operation, unit)
        largest = _largest(operation, unit.max_binary_size) if operation.raw_format == "binary" else None
        response = await self.upstreams[operation.api].send(
            call, arguments, run.passed, max_binary_bytes=largest, conditions=conditions
        )
        passes = passes_bytes(operation, unit.outputs)
        if response.status_code >= _FIRST_REDIRECT:
            self._check(response, operation, passes_on=passes)
        if len(response.content) > LIGHT and (run.reads or not passes):
            self._part(response, operation, run)
        decoder = self._decoders.get(id(operation)) or self.decoder(operation)
        if passes:
            return passed_on(response, operation, unit.outputs, decoder)
        if unit.outputs.reads_head:
            scope.answers = {ONLY: self.head(response)}
        return await make_answer(response, operation, unit.outputs, scope, decoder)

    def head(self, response: httpx.Response) -> AnswerHead:
        """Return what an answer says beside its body."""
        return told_head(response, self._redactor.redact)

    @staticmethod
    def _part(response: httpx.Response, operation: Operation, run: Run) -> None:
        """Let an answer be read here, unless it is better read elsewhere.

        Raises:
            Heavy: it is.
        """
        pool, descends = current(), run.unit.outputs.descends
        if pool is not None and reads_elsewhere(response, operation, reads=run.reads, descends=descends):
            raise Heavy(pool, {Calls().next(operation.key): response})

    async def paged(self, action: PagedCallAction, run: Run) -> Answer:
        """Make the one call of a unit whose answer is a list in pages; return the answer that its outputs make."""
        unit, call = run.unit, action.call
        operation, upstream = call.operation, self.upstreams[call.operation.api]
        scope = Scope(run.inputs, self.variables)
        listing = Listing.of(unit, operation, scope, run.pages, run.inputs.get(action.limit))
        outgoing = upstream.drafted(call, arguments_of(call.arguments, scope), run.passed, (), None)
        outgoing.pages = listing.wish()
        if listing.streams and ROLE.outside is None:
            begun = await listing.begun(upstream.paged[operation.key].pages(outgoing))
            if isinstance(begun, Answer):
                return begun
            response = begun
        else:
            response = await sent_or_given(outgoing)
        return listing.told(await self._answered(response, operation, run, scope, unit.outputs), response)

    async def streamed(self, call: Call, run: Run) -> Answer:
        """Make the one call of a unit whose answer is a stream; return what its outputs make of each item."""
        scope = Scope(run.inputs, self.variables)
        upstream, outputs = self.upstreams[call.operation.api], run.unit.outputs
        outgoing = upstream.drafted(call, arguments_of(call.arguments, scope), run.passed, (), None)
        streams = run.pages is not None and run.pages.streams
        given = await streamed_or_listed(outgoing, outputs, scope, self.head, streams=streams)
        socket, stream = call.operation.socket, call.operation.stream
        if isinstance(given, Answer):
            if socket is not None and isinstance(given.stream, StreamedItems) and run.unit.action is not None:
                is_own = run.unit.action.inner is run.unit.action  # the inputs of a function are other ones
                given.stream.further = Further(run.unit.inputs, call, self.variables) if is_own else None
            return given
        gathers = stream is not None and stream.gathers
        return await self._answered(given, call.operation, run, scope, outputs if gathers else outputs.of_each)

    async def _answered(
        self, response: httpx.Response, operation: Operation, run: Run, scope: Scope, outputs: Outputs
    ) -> Answer:
        """Return the answer that outputs make of an answer with a list."""
        passes = passes_bytes(operation, outputs)
        if response.status_code >= _FIRST_REDIRECT:
            self._check(response, operation, passes_on=passes)
        if len(response.content) > LIGHT and (run.reads or not passes):
            self._part(response, operation, run)
        decoder = self._decoders.get(id(operation)) or self.decoder(operation)
        if passes:
            return passed_on(response, operation, outputs, decoder)
        if outputs.reads_head:
            scope.answers = {ONLY: self.head(response)}
        return await make_answer(response, operation, outputs, scope, decoder)

    def made(self, value: Any) -> Answer:
        """Return the answer that a value is; of ABSENT it has no content."""
        if value is ABSENT:
            return Answer(status=204)
        return Answer(value=value, media_type=JSON_MEDIA_TYPE, dump=dump_json)

    def _check(self, response: httpx.Response, operation: Operation, *, passes_on: bool) -> None:
        """Let an answer through that is one; 304 is, and says that the caller has it already.

        Raises:
            UpstreamStatus: the upstream's own 4xx or 5xx.
            UpstreamRedirect: a redirect that was not followed.
        """
        if response.status_code >= _FIRST_ERROR:
            raise failed(response, operation)
        if is_redirect(response):
            location = response.headers.get("Location", "")
            # A target with our own credential in it, as many that add a slash or TLS have, is nobody else's.
            passes_on = passes_on and self._redactor.redact(location) == location
            told = not_followed(response, self._redactor.redact)
            raise not_done(response, operation, told, passes_on=passes_on)

    async def request(self, unit: UnitPlan, inputs: Mapping[str, Any], passed: Content | None = None) -> httpx.Request:
        """Return the request that a unit in simple mode would send.

        Raises:
            NotExecutable: the unit sends none, or several.
        """
        run, action = Run(unit, inputs, passed), unit.action
        call = None if action is None else action.inner.only_call
        if action is None or call is None:
            reason = unit.reason or "it doesn't make exactly one request"
            raise NotExecutable(f"`{unit.name}` has no request to show: {reason}")
        given = action.inside(self, run).inputs
        arguments = arguments_of(call.arguments, Scope(given, self.variables))
        request, _ = await self.upstreams[call.operation.api].request(call, arguments, passed)
        return request

    async def document(self, call: Call, scope: Scope, passed: Content | None = None) -> Any:
        """Call an operation and return its decoded document, for steps and for explaining."""
        return await self.read(await self.response(call, scope, passed), call)

    async def answered(self, call: Call, scope: Scope, passed: Content | None = None) -> tuple[Any, AnswerHead]:
        """Call an operation; return its decoded document, and what its answer says beside it."""
        response = await self.response(call, scope, passed)
        return await self.read(response, call), self.head(response)

    async def read(self, response: httpx.Response, call: Call) -> Any:
        """Return the decoded document of an answer."""
        return await document(response, call.operation, self.decoder(call.operation))

    async def response(self, call: Call, scope: Scope, passed: Content | None = None) -> httpx.Response:
        """Call an operation and return its good answer."""
        arguments: Mapping[str, Any] = arguments_of(call.arguments, scope)
        if self._complete is not None:
            arguments = self._complete(call, arguments)
        upstream = self.upstreams[call.operation.api]
        largest = _largest(call.operation, None)
        response = await upstream.send(call, arguments, passed, max_binary_bytes=largest)
        if response.status_code >= _FIRST_REDIRECT:
            self._check(response, call.operation, passes_on=False)
        return response

    async def steps(
        self, flow: FlowAction, scope: Scope, *, descends: bool = False, heads: Heads | None = None
    ) -> tuple[dict[str, StepResult], Scope]:
        """Run steps wave by wave; a failing one ends the flow with its name in the error.

        Args:
            flow: the steps.
            scope: the inputs.
            descends: whether the answer is made of what stands at any depth.
            heads: what keeps the useful headers of the steps' answers; ``None``: nobody does.

        Returns:
            the results by the steps' names, and the scope that the flow's answer is made in.
        """
        runner = StepRunner(self, descends=descends, heads=heads)
        shown: dict[str, Any] = {}
        results: dict[str, StepResult] = {}
        heads_of: dict[str, AnswerHead] = {}
        for wave in flow.waves:
            inside = Scope(scope.inputs, scope.variables, shown, heads_of)
            for step, result in zip(
                wave, await together([run_step(step, runner, inside) for step in wave]), strict=True
            ):
                results[step.name] = result
                if result.head is not None:
                    heads_of[step.name] = result.head
                if result.shown is not ABSENT:
                    shown[step.name] = result.shown
            runner.stay()
        return results, Scope({**scope.inputs}, scope.variables, shown, heads_of)

    def decoder(self, operation: Operation) -> Decoder:
        """Return the decoder of an operation's format, made once.

        Raises:
            NotExecutable: the format is unknown, or its library is absent.
        """
        known = self._decoders.get(id(operation))
        if known is not None:
            return known
        roots = self._roots
        options = FormatOptions(schema=operation.output_schema, schema_base=roots.own, schema_roots=roots.named)
        try:
            made = decoder("json" if operation.pager is not None or operation.redact else operation.raw_format, options)
        except (FormatUnavailable, FormatError) as error:
            raise NotExecutable(f"`{operation.key}`: {error}") from error
        self._decoders[id(operation)] = made
        return made


async def _run_apart(
    engine: Engine,
    place: int,
    inputs: Mapping[str, Any],
    passed: Content | None,
    conditions: Sequence[tuple[str, str]],
    finish: Finish[ResultT],
) -> Any:
    """Run a unit in another process of the pool."""
    return await engine.run(engine.units[place], inputs, passed, conditions, finish)


def _largest(operation: Operation, declared: str | None) -> int | None:
    """Return how many bytes of an answer are read; ``None`` where the operation's answer is not binary."""
    return binary_bytes(operation.max_binary_size, declared) if operation.raw_format == "binary" else None


def _passed_on(
    conditions: Sequence[tuple[str, str]], operation: Operation, unit: UnitPlan
) -> Sequence[tuple[str, str]]:
    """Return the conditions of a caller that go with the call (RFC 9110 chapter 13).

    What a caller who reads asks is asked of the upstream where callers have its own ``ETag`` and date. What a caller
    who changes something makes a condition of it always goes on: without it an update of somebody else would be lost.
    Whether a caller has the answer already is no question to an upstream that only reads for one who writes.
    """
    if unit.method in READING:
        has_its_validators = unit.outputs.identity or operation.raw_format == "binary"
        is_marked = unit.cache is not None and not unit.cache.propagate  # callers have tags of ours
        if is_marked or (operation.resilience is not None and operation.resilience.cache is not None):
            has_its_validators = False  # what is stored is all of the answer, and is compared here
        return conditions if operation.method in READING and has_its_validators else ()
    return [pair for pair in conditions if pair[0] in _GUARDS or operation.method not in READING]


_GUARDS = frozenset({"if-match", "if-unmodified-since"})
