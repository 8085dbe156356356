"""What the steps of a flow see of the engine, and which answers are better read elsewhere (SEMANTICS 5.5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import httpx

from naftiko.engine.head import head_of
from naftiko.engine.memory import SMALL
from naftiko.engine.process_pool import Pool, current, is_heavy
from naftiko.engine.process_pool.outside import ROLE, Answered, Calls
from naftiko.engine.watched import watched_step
from naftiko.expression.answers import AnswerHead
from naftiko.expression.scope import Scope
from naftiko.ground.errors import CallError, NotExecutable
from naftiko.ground.jsontext import read_exactly, write
from naftiko.plan.actions import Call, Heads, RunnableStep, StepResult
from naftiko.plan.operation import Operation
from naftiko.plan.resilience import NOTE_HEADER
from naftiko.plan.script import Script

if TYPE_CHECKING:
    from naftiko.engine.run import Engine

_FLAT: Final = 16 * 1024
"""Bytes of a document that is small however often its parts are in the answer."""


class Heavy(Exception):  # it is where the way parts
    """The answer is better read elsewhere.

    Attributes:
        pool: where.
        answers: what the upstreams answered so far, by the call's key.
    """

    def __init__(self, pool: Pool, answers: Mapping[str, Answered]) -> None:
        super().__init__()
        self.pool = pool
        self.answers = answers


class StepRunner:
    """What steps see of the engine; it keeps what upstreams answer, in case the flow goes on elsewhere."""

    def __init__(self, engine: Engine, *, descends: bool, heads: Heads | None) -> None:
        self._engine = engine
        self._heads = heads
        self._descends = descends
        self._pool = current()
        self.observer = engine.observer if ROLE.outside is None else None  # what it sees it sees in the server
        self.pretends = engine.pretends
        self._calls = Calls()
        self._answers: dict[str, Answered] = {}
        self._is_heavy = False

    async def call(self, call: Call, scope: Scope) -> Any:
        """See ``naftiko.plan.actions.Runner``, as for what follows."""
        if self._pool is None and self._heads is None:
            return await self._engine.document(call, scope)
        return await self._read(await self._response(call, scope), call)

    async def answered(self, call: Call, scope: Scope) -> tuple[Any, AnswerHead | None]:
        """Return the document, and what the answer says beside it."""
        response = await self._response(call, scope)
        return await self._read(response, call), None if self.pretends else self._engine.head(response)

    async def _response(self, call: Call, scope: Scope) -> httpx.Response:
        key = self._calls.next(call.operation.key)
        response = self._answers[key] = await self._engine.response(call, scope)
        if self._heads is not None:
            said = [pair for pair in self._heads.get(call.operation.key, ()) if pair[0] == NOTE_HEADER]  # of a loop
            self._heads[call.operation.key] = [*said, *head_of(response).useful]
        return response

    async def _read(self, response: httpx.Response, call: Call) -> Any:
        if self._pool is not None and reads_elsewhere(response, call.operation, descends=self._descends):
            self._is_heavy = True  # the steps beside this one are done before the flow moves
            return None
        return await self._engine.read(response, call)

    def note(self, step: str, done: int, count: int) -> None:
        """Let the answer say what is missing."""
        if self._heads is not None:
            self._heads[f"step {step}"] = [(NOTE_HEADER, f'partial;step="{step}";done={done};of={count}')]

    async def script(self, script: Script, context: Mapping[str, Any]) -> Any:
        """Run a script."""
        scripting = self._engine.scripting
        if scripting is None:  # never: there is one wherever there are scripts
            raise NotExecutable(f"`{script.step}` is a script, and none runs here")
        key = self._calls.next(f"script {script.step}")
        ran = self._answers[key] = await scripting.ran(script, write(context), key)
        return read_exactly(ran.content) if ran.content else None

    def stay(self) -> None:
        """Go on here, unless an answer is to be read elsewhere.

        Raises:
            Heavy: one is.
        """
        if self._is_heavy and self._pool is not None:
            raise Heavy(self._pool, self._answers)


def reads_elsewhere(
    response: httpx.Response, operation: Operation, *, reads: bool = False, descends: bool = False
) -> bool:
    """Tell whether an answer is better read elsewhere.

    Who reads all of it may cut it, level by level; who looks at any depth may find what is deep a hundred times.
    """
    if operation.raw_format == "binary":
        return False
    if descends and len(response.content) > _FLAT:
        return True
    return (reads and len(response.content) > SMALL) or is_heavy(response.content, operation.raw_format)


async def run_step(step: RunnableStep, runner: StepRunner, scope: Scope) -> StepResult:
    """Run a step; a failure says its name."""
    try:
        observer = runner.observer
        running = step.pretend(runner, scope) if runner.pretends else step.run(runner, scope)
        return await (running if observer is None else watched_step(observer, step, running))
    except CallError as error:
        error.step = error.step or step.name
        raise
