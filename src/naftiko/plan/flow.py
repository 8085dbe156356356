"""Steps, and the answer that is built of them (SEMANTICS 5.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from naftiko.expression.answers import AnswerHead
from naftiko.expression.content import Content
from naftiko.expression.provenance import missed_step
from naftiko.expression.scope import Scope, Variables
from naftiko.expression.template import Value
from naftiko.ground.errors import PreconditionFailed
from naftiko.ground.http import READING
from naftiko.ground.types import ABSENT
from naftiko.plan import promises
from naftiko.plan.actions import Action, Call, Heads, PagedCallAction, Performer, Run, RunnableStep, StepResult
from naftiko.plan.outputs import Explained, Outputs, shown
from naftiko.plan.resilience import NOTE_HEADER
from naftiko.plan.script import Script

_UNCHECKED: Final = (
    "the route makes several calls, and can't tell which of them the precondition is for; nothing was sent"
)
_UNCHECKED_HINT: Final = (
    "leave out If-Match, If-None-Match and If-Unmodified-Since, or call a route that makes one call"
)
_OF_CACHES = frozenset({"cache-control", "expires", "vary"})
"""``ETag`` and ``Last-Modified`` are of other bytes."""


@dataclass(frozen=True, slots=True)
class FlowAction(Action):
    """Steps.

    Attributes:
        waves: steps that need nothing of one another, in order.
        mappings: what builds the answer, target names split at dots; none: the last step's result.
        sources: the values of the mappings as the file has them.
    """

    waves: tuple[tuple[RunnableStep, ...], ...]
    mappings: tuple[tuple[tuple[str, ...], Value], ...]
    last: str
    sources: tuple[str, ...] = ()

    @property
    def steps(self) -> Sequence[RunnableStep]:
        """All of them, in the order in which they run."""
        return tuple(step for wave in self.waves for step in wave)

    @property
    def calls(self) -> Sequence[tuple[str, Call]]:
        """Those of the steps, in the order in which they run."""
        return tuple((step.name, call) for wave in self.waves for step in wave for call in step.calls)

    @property
    def scripts(self) -> Sequence[Script]:
        """Those of the steps."""
        return tuple(script for wave in self.waves for step in wave for script in step.scripts)

    @property
    def has_steps(self) -> bool:
        """It has."""
        return True

    @property
    def may_be_partial(self) -> bool:
        """Whether one of its steps may leave things out."""
        return any(step.may_be_partial for wave in self.waves for step in wave)

    @property
    def only_reads(self) -> bool:
        """Whether all of its steps do."""
        return all(step.only_reads for wave in self.waves for step in wave)

    @property
    def propagating(self) -> Action:
        """The same, saying about caching what the last call's answer says."""
        return _PropagatingFlow(self.waves, self.mappings, self.last, self.sources)

    @property
    def noting(self) -> FlowAction:
        """The same, whose answer says what policies made of its steps' answers."""
        return _NotingFlow(self.waves, self.mappings, self.last, self.sources)

    async def run(self, performer: Performer, run: Run) -> Any:
        """Run the steps and build the answer: of the mappings, else of the last step's result."""
        if run.conditions and run.unit.method not in READING and not self.only_reads:
            raise PreconditionFailed(_UNCHECKED, hint=_UNCHECKED_HINT)
        descends = run.unit.outputs.descends or any(".." in source for source in self.sources)
        results, final = await performer.steps(self, Scope(run.inputs, performer.variables), descends=descends)
        if self.mappings:
            made = self._mapped(final)
            return performer.made(run.unit.outputs.hidden(made) if run.unit.outputs.redact else made)
        raw = self._last(results)
        last = run.unit.outputs.build(raw, final)
        return performer.made(ABSENT if last is None and raw is None else last)

    def _last(self, results: Mapping[str, StepResult]) -> Any:
        """Return the last step's document; of one without a result that of the last one that has one, else ``None``."""
        raw = results[self.last].raw
        if raw is ABSENT:
            raw = next((each.raw for each in reversed([*results.values()]) if each.raw is not ABSENT), None)
        return raw

    def _mapped(self, scope: Scope) -> dict[str, Any]:
        """Build the answer of mappings: dots in a target nest; what finds nothing is null (SEMANTICS 5.3).

        What stands inside of another's target is added to its object, and takes the place of what is none.
        """
        answer: dict[str, Any] = {}
        made = {id(answer)}
        for target, value in self.mappings:
            found = value(scope)
            inside = answer
            for name in target[:-1]:
                below: Any = inside.get(name)
                if id(below) not in made:  # a step's own document stays as it is
                    below = inside[name] = {**below} if isinstance(below, dict) else {}
                    made.add(id(below))
                inside = below
            inside[target[-1]] = None if found is ABSENT else found
        return answer

    async def explain(self, performer: Performer, run: Run) -> list[Explained]:
        """Run the steps, and look at each mapping, else at the last step's result."""
        results, final = await performer.steps(self, Scope(run.inputs, performer.variables))
        if not self.mappings:
            return run.unit.outputs.explain(self._last(results), final)
        told = [
            _explained(".".join(target), source, value, final)
            for (target, value), source in zip(self.mappings, self.sources, strict=True)
        ]
        if not run.unit.outputs.redact:
            return told
        left = run.unit.outputs.hidden(self._mapped(final))
        return [replace(each, value=shown(left, each.name)) for each in told]

    async def planned(self, performer: Performer, run: Run) -> dict[str, Any]:
        """Return the request of each step that calls, a list of several; what comes of earlier answers is absent."""
        results, _ = await performer.steps(self, Scope(run.inputs, performer.variables))
        steps = {step.name: step for wave in self.waves for step in wave}
        requests = {name: [*steps[name].requests(result)] for name, result in results.items()}
        return {name: found if len(found) > 1 else found[0] for name, found in requests.items() if found}

    def promised(self, outputs: Outputs, *, mock: bool) -> dict[str, Any] | None:
        """Return the schema of what the mappings build, or the outputs make."""
        if mock:
            return None
        targets = [target for target, _ in self.mappings]
        if not targets:
            return promises.kept(outputs)
        mapped = promises.mapped(targets, outputs.schema or {})
        return promises.nullable(mapped) if outputs.redact else mapped


def _explained(target: str, source: str, value: Value, scope: Scope) -> Explained:
    found = value(scope)
    detail = missed_step(value, scope) if found is ABSENT else ""
    return Explained(target, source, None if found is ABSENT else found, found is not ABSENT, detail)


@dataclass(frozen=True, slots=True)
class _PropagatingFlow(FlowAction):
    """Steps whose answer says about caching what the last call's answer says (SEMANTICS 6.5)."""

    async def run(self, performer: Performer, run: Run) -> Any:
        """Run the steps and build the answer."""
        heads: Heads = {}
        answer = await FlowAction.run(self, _Keeping(performer, heads), run)
        calling = [call.operation.key for _, call in self.calls if call.operation.key in heads]
        if calling:
            answer.headers = [pair for pair in heads[calling[-1]] if pair[0] in _OF_CACHES]
        answer.headers = [*answer.headers, *_notes(heads)]
        return answer

    @property
    def noting(self) -> FlowAction:
        """It does."""
        return self


@dataclass(frozen=True, slots=True)
class _NotingFlow(FlowAction):
    """Steps whose answer says what policies made of their answers."""

    async def run(self, performer: Performer, run: Run) -> Any:
        """Run the steps and build the answer."""
        heads: Heads = {}
        answer = await FlowAction.run(self, _Keeping(performer, heads), run)
        answer.headers = [*answer.headers, *_notes(heads)]
        return answer


def _notes(heads: Heads) -> list[tuple[str, str]]:
    return [pair for pairs in heads.values() for pair in pairs if pair[0] == NOTE_HEADER]


class _Keeping:
    """A performer that keeps what the answers of steps say."""

    def __init__(self, performer: Performer, heads: Heads) -> None:
        self._performer = performer
        self._heads = heads

    @property
    def variables(self) -> Variables:
        return self._performer.variables

    def made(self, value: Any) -> Any:
        return self._performer.made(value)

    async def call(self, call: Call, run: Run) -> Any:
        return await self._performer.call(call, run)

    async def paged(self, action: PagedCallAction, run: Run) -> Any:
        return await self._performer.paged(action, run)

    async def answered(self, call: Call, scope: Scope, passed: Content | None = None) -> tuple[Any, AnswerHead]:
        return await self._performer.answered(call, scope, passed)

    async def streamed(self, call: Call, run: Run) -> Any:
        return await self._performer.streamed(call, run)

    async def steps(
        self, flow: FlowAction, scope: Scope, *, descends: bool = False, heads: Heads | None = None
    ) -> tuple[Mapping[str, StepResult], Scope]:
        kept = self._heads if heads is None else heads
        return await self._performer.steps(flow, scope, descends=descends, heads=kept)
