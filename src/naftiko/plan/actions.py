"""What a unit does: each kind of action, with all that anybody asks of it (SEMANTICS 3.3, 4.6, 5.4 and 5.5).

An action runs, is explained and is described by methods of its own: a new kind is a class here, or anywhere, and
nothing else changes. What it needs of the engine stands in ``Performer``: the plan knows nothing of HTTP.
"""

from __future__ import annotations

from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeAlias

from naftiko.expression.answers import ONLY, AnswerHead
from naftiko.expression.content import Content
from naftiko.expression.scope import Scope, Variables
from naftiko.expression.template import Value
from naftiko.plan import promises
from naftiko.plan.bindings import function_inputs
from naftiko.plan.inputs import InputSet
from naftiko.plan.operation import Operation
from naftiko.plan.outputs import ConsumedOutputs, Explained, Outputs
from naftiko.plan.script import Script

if TYPE_CHECKING:
    from naftiko.plan.flow import FlowAction
    from naftiko.plan.forward import ForwardAction
    from naftiko.plan.unit import UnitPlan

Heads: TypeAlias = dict[str, Sequence[tuple[str, str]]]
"""What the answers of steps say in their headers, by the operation's key."""


@dataclass(frozen=True, slots=True)
class Extra:
    """A ``with`` key that names nothing in the operation, and where it goes (SEMANTICS 4.3).

    Attributes:
        place: ``body`` (it is the body), ``field`` (of a JSON body), ``query`` or ``header``.
    """

    name: str
    place: str


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a consumed operation.

    Attributes:
        arguments: what each argument of the operation is made of.
        extras: arguments that the operation doesn't know.
        consumed: the operation's named outputs.
        fallback: the call that stands in for it when it fails, made of its arguments.
        is_idempotent: whether who makes it says that making it twice does what making it once does.
    """

    operation: Operation
    arguments: tuple[tuple[str, Value], ...]
    extras: tuple[Extra, ...] = ()
    consumed: ConsumedOutputs = field(default_factory=dict)
    is_idempotent: bool = False
    fallback: Call | None = None

    @property
    def every(self) -> tuple[Call, ...]:
        """The call, and the one that stands in for it when it fails."""
        return (self,) if self.fallback is None else (self, self.fallback)

    @property
    def has_notes(self) -> bool:
        """Whether an answer may be another one than its API's, or not all of a list, and says so then."""
        operation, policies = self.operation, self.operation.resilience
        is_list = operation.pager is not None or operation.stream is not None
        return is_list or (policies is not None and policies.fallback is not None)

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables that its request needs: the operation's own, and free names that no argument fills."""
        filled = dict(self.arguments)
        return (*self.operation.variables, *(name for name in self.operation.free_names if name not in filled))


class Runner(Protocol):
    """What a step may ask of the engine."""

    async def call(self, call: Call, scope: Scope) -> Any:
        """Call a consumed operation; return its decoded document, ``None`` for no content."""
        ...

    async def answered(self, call: Call, scope: Scope) -> tuple[Any, AnswerHead | None]:
        """Do as ``call``; return also what the answer says beside its body, ``None`` where nothing is sent."""
        ...

    def note(self, step: str, done: int, count: int) -> None:
        """Let the answer say that a step did less than it should: ``done`` of ``count``."""
        ...

    async def script(self, script: Script, context: Mapping[str, Any]) -> Any:
        """Run a script that sees ``context``; return its result, ``None`` where it has none.

        Raises:
            CallError: it failed, or may not run.
        """
        ...


@dataclass(frozen=True, slots=True)
class StepResult:
    """A step's result.

    Attributes:
        raw: the document itself, which the unit's outputs apply to if it is the last; ABSENT: the step has no result,
            as if it were not there.
        shown: what later steps see.
        head: what its answer says beside its body, where somebody reads that.
    """

    raw: Any
    shown: Any
    head: AnswerHead | None = None


class RunnableStep(Protocol):
    """A step of a flow, as far as it is run: what ``StepPlan`` of the linker's steps says of each."""

    @property
    def name(self) -> str:
        """Under which later steps see its result."""
        ...

    @property
    def calls(self) -> tuple[Call, ...]:
        """The calls that it makes."""
        ...

    @property
    def scripts(self) -> tuple[Script, ...]:
        """The scripts that it runs."""
        ...

    @property
    def may_be_partial(self) -> bool:
        """Whether it may leave things out, and say so."""
        ...

    @property
    def has_answer(self) -> bool:
        """Whether it makes one call, whose status and headers others may read."""
        ...

    @property
    def only_reads(self) -> bool:
        """Whether it changes nothing anywhere."""
        ...

    def keeping(self) -> Self:
        """Return it with what its answer says beside its body in its result."""
        ...

    async def run(self, runner: Runner, scope: Scope) -> StepResult:
        """Run it."""
        ...

    async def pretend(self, runner: Runner, scope: Scope) -> StepResult:
        """Do as ``run``, where nothing is sent."""
        ...

    def requests(self, pretended: StepResult) -> Sequence[Any]:
        """Return the descriptions of requests that are in a result of ``pretend``."""
        ...


@dataclass(slots=True)  # not frozen: one is made for each call, and that takes a microsecond more
class Run:
    """One run of a unit.

    Attributes:
        unit: the unit.
        inputs: checked, by name.
        passed: a REST caller's body that is passed on.
        conditions: a REST caller's (RFC 9110 chapter 13).
        reads: whether the bytes of an answer that is passed on are read by whoever gets it.
        pages: what whoever gets the answer wants of a list in pages.
    """

    unit: UnitPlan
    inputs: Mapping[str, Any]
    passed: Content | None = None
    conditions: Sequence[tuple[str, str]] = ()
    reads: bool = False
    pages: Any = None


class Performer(Protocol):
    """What an action may ask of the engine."""

    @property
    def variables(self) -> Variables:
        """The values from outside."""
        ...

    async def call(self, call: Call, run: Run) -> Any:
        """Make the one call of a unit; return the answer that its outputs make."""
        ...

    async def paged(self, action: PagedCallAction, run: Run) -> Any:
        """Make the one call of a unit whose answer is a list in pages; return the answer that its outputs make."""
        ...

    async def streamed(self, call: Call, run: Run) -> Any:
        """Make the one call of a unit whose answer is a stream; return what its outputs make of each item."""
        ...

    def made(self, value: Any) -> Any:
        """Return the answer that a value is; of ABSENT it has no content."""
        ...

    async def answered(self, call: Call, scope: Scope, passed: Content | None = None) -> tuple[Any, AnswerHead]:
        """Make a call; return its decoded document, and what its answer says beside it."""
        ...

    async def steps(
        self, flow: FlowAction, scope: Scope, *, descends: bool = False, heads: Heads | None = None
    ) -> tuple[Mapping[str, StepResult], Scope]:
        """Run steps; return their results by name, and the scope that the answer is made in; see ``Engine.steps``."""
        ...


class Action:
    """What a unit does."""

    __slots__ = ()

    @property
    def inner(self) -> Action:
        """What is done in the end: of a function, the action of it."""
        return self

    @property
    def calls(self) -> Sequence[tuple[str, Call]]:
        """The calls that it makes, each with its step's name (``""`` outside of a flow)."""
        return ()

    @property
    def scripts(self) -> Sequence[Script]:
        """The scripts that it runs."""
        return ()

    @property
    def only_call(self) -> Call | None:
        """The call, if it is exactly one and nothing else."""
        return None

    @property
    def forwarded(self) -> ForwardAction | None:
        """What passes requests on as they are, if it does that."""
        return None

    @property
    def is_made_here(self) -> bool:
        """Whether the answer is what the file says, and nothing is called."""
        return False

    @property
    def has_steps(self) -> bool:
        """Whether it may make several calls."""
        return False

    @property
    def layers(self) -> tuple[tuple[tuple[str, Value], ...], ...]:
        """What the inputs of the functions are made of that it is behind, the innermost first."""
        return ()

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables that its calls need, steps and functions included (SEMANTICS 2)."""
        return tuple(name for _, call in self.calls for name in call.variables)

    @property
    def only_reads(self) -> bool:
        """Whether it calls only what changes nothing, steps and functions included (RFC 9110 chapter 9.2.1)."""
        return all(call.operation.only_reads for _, call in self.calls)

    def inside(self, performer: Performer, run: Run) -> Run:
        """Return the run of ``inner`` that a run of it is.

        Raises:
            InputError: the inputs of a function don't fit.
        """
        del performer
        return run

    @property
    def propagating(self) -> Action:
        """The same, saying about caching what the last call's answer says; where one call is all, it does already."""
        return self

    def typed(self, media_type: str | None) -> Action:
        """Return the same, whose bytes are of a declared media type; by default it has none."""
        del media_type
        return self

    async def run(self, performer: Performer, run: Run) -> Any:
        """Run it; return the answer.

        Raises:
            CallError: see ``naftiko.ground.errors``.
        """
        raise NotImplementedError

    async def explain(self, performer: Performer, run: Run) -> list[Explained]:
        """Run it, and say for each output where its value came from.

        Raises:
            CallError: as from ``run``.
        """
        raise NotImplementedError

    async def planned(self, performer: Performer, run: Run) -> dict[str, Any]:
        """Return the requests of a flow by step, of a performer that sends nothing."""
        del performer, run
        return {}

    def promised(self, outputs: Outputs, *, mock: bool) -> dict[str, Any] | None:
        """Return the schema of its answers; ``None`` where they are made of something else than the declaration.

        Args:
            outputs: the unit's.
            mock: whether nothing is called, so that the answer is another one.
        """
        return None if mock else promises.kept(outputs)


@dataclass(frozen=True, slots=True)
class CallAction(Action):
    """Simple mode: one call."""

    call: Call

    @property
    def calls(self) -> Sequence[tuple[str, Call]]:
        """The one."""
        return (("", self.call),)

    @property
    def only_call(self) -> Call | None:
        """It is."""
        return self.call

    def typed(self, media_type: str | None) -> Action:
        """Return the same, whose bytes have the media type unless the operation itself says one."""
        operation = self.call.operation
        if media_type is None or operation.raw_format != "binary" or operation.output_media_type is not None:
            return self
        return replace(self, call=replace(self.call, operation=replace(operation, output_media_type=media_type)))

    def run(self, performer: Performer, run: Run) -> Coroutine[Any, Any, Any]:
        """Make the call."""
        return performer.call(self.call, run)

    async def explain(self, performer: Performer, run: Run) -> list[Explained]:
        """Make the call, and look at its document."""
        scope = Scope(run.inputs, performer.variables)
        document, head = await performer.answered(self.call, scope, run.passed)
        scope.answers = {ONLY: head}
        return run.unit.outputs.explain(document, scope)

    def promised(self, outputs: Outputs, *, mock: bool) -> dict[str, Any] | None:
        """Return the schema of what the outputs make; bytes are nothing that they make."""
        return None if mock or self.call.operation.raw_format == "binary" else promises.kept(outputs)


@dataclass(frozen=True, slots=True)
class PagedCallAction(CallAction):
    """One call whose answer is a list in pages (docs/pagination.md).

    Attributes:
        limit: the input that says how many items are wanted, ``""`` for none.
    """

    limit: str = ""

    def run(self, performer: Performer, run: Run) -> Coroutine[Any, Any, Any]:
        """Make the call, as often as it takes."""
        return performer.paged(self, run)


@dataclass(frozen=True, slots=True)
class MockAction(Action):
    """No call: the outputs are the answer."""

    @property
    def is_made_here(self) -> bool:
        """It is."""
        return True

    async def run(self, performer: Performer, run: Run) -> Any:
        """Build the outputs of nothing."""
        return performer.made(run.unit.outputs.build(None, Scope(run.inputs, performer.variables)))

    async def explain(self, performer: Performer, run: Run) -> list[Explained]:
        """Say which constants and inputs the outputs are."""
        return run.unit.outputs.explain(None, Scope(run.inputs, performer.variables))

    def promised(self, outputs: Outputs, *, mock: bool) -> dict[str, Any] | None:
        """Return what the outputs are, whether anything is called or not."""
        del mock
        return promises.kept(outputs)


@dataclass(frozen=True, slots=True)
class FunctionAction(Action):
    """An aggregate's function that a unit calls with inputs of its own making (``ref`` beside ``with``)."""

    arguments: tuple[tuple[str, Value], ...]
    inputs: InputSet
    action: Action

    @property
    def inner(self) -> Action:
        """What the function does."""
        return self.action.inner

    @property
    def calls(self) -> Sequence[tuple[str, Call]]:
        """Those of the function."""
        return self.action.calls

    @property
    def propagating(self) -> Action:
        """The same of the function."""
        return replace(self, action=self.action.propagating)

    def typed(self, media_type: str | None) -> Action:
        """Return the same of the function."""
        return replace(self, action=self.action.typed(media_type))

    @property
    def scripts(self) -> Sequence[Script]:
        """The function's."""
        return self.action.scripts

    @property
    def is_made_here(self) -> bool:
        """Whether the function's answer is."""
        return self.action.is_made_here

    @property
    def has_steps(self) -> bool:
        """Whether the function has."""
        return self.action.has_steps

    @property
    def layers(self) -> tuple[tuple[tuple[str, Value], ...], ...]:
        """Its own arguments, behind those of what the function calls."""
        return (*self.action.layers, self.arguments)

    def inside(self, performer: Performer, run: Run) -> Run:
        """Return the run of the function, with inputs made of the unit's."""
        scope = Scope(run.inputs, performer.variables)
        given = function_inputs(self.arguments, self.inputs, scope, run.unit.inputs)
        return self.action.inside(performer, replace(run, inputs=given))

    async def run(self, performer: Performer, run: Run) -> Any:
        """Run the function."""
        return await self.inner.run(performer, self.inside(performer, run))

    async def explain(self, performer: Performer, run: Run) -> list[Explained]:
        """Explain the function."""
        return await self.inner.explain(performer, self.inside(performer, run))

    async def planned(self, performer: Performer, run: Run) -> dict[str, Any]:
        """Return the function's requests."""
        return await self.inner.planned(performer, self.inside(performer, run))

    def promised(self, outputs: Outputs, *, mock: bool) -> dict[str, Any] | None:
        """Return what the function promises of the unit's outputs."""
        return self.action.promised(outputs, mock=mock)
