"""A step that is done for each item of a list, or only under a condition (SEMANTICS 5.9)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from naftiko.document.model import Step
from naftiko.expression import jsonpath
from naftiko.expression.conditions import compares, comparison, holds, is_true
from naftiko.expression.scope import Scope
from naftiko.expression.sources import steps_in
from naftiko.expression.template import Value
from naftiko.ground.errors import CallError
from naftiko.ground.together import together
from naftiko.ground.types import ABSENT
from naftiko.link.steps.contract import UNKNOWN_ANSWER, Linking, StepPlan
from naftiko.plan.actions import Call, Runner, StepResult
from naftiko.plan.script import Script

ITEM: Final = "item"
"""What values inside of a loop call the item that it is at."""
MOST_ITEMS: Final = 1_000
"""Items of a list that a loop without ``maxItems`` does; a longer one is refused."""
READING: Final = 4
"""Items at once that a loop without ``concurrency`` does where it only reads; else one."""
_ON_ERROR: Final = ("fail", "skip", "collect")
_ONE_PLACEHOLDER: Final = re.compile(r"\s*\{\{\s*[\w$][\w.$\[\]-]*\s*\}\}\s*")
_PLACEHOLDER: Final = re.compile(r"\{\{\s*([\w$][\w.\[\]-]*)\s*\}\}")
_ANSWERED: Final = re.compile(r"""\$(?:status|header)(?:\.[\w-]+|\['[^']+'\])+""")
_OF_ANSWER: Final = "\x7f{}"
"""The name of a status or a header in what a comparison looks at; no step has it."""


class WrongList(CallError):
    """What ``forEach`` names is no list, or one that is too long."""

    kind = "wrong-list"
    title = "A loop has no list to go through"


@dataclass(frozen=True, slots=True)
class WrappedStepPlan(StepPlan):
    """A step that does another one.

    Attributes:
        inner: that is done.
    """

    inner: StepPlan

    @property
    def calls(self) -> tuple[Call, ...]:
        """Those of the step inside."""
        return self.inner.calls

    @property
    def scripts(self) -> tuple[Script, ...]:
        """Those of the step inside."""
        return self.inner.scripts

    @property
    def only_reads(self) -> bool:
        """As the step inside."""
        return self.inner.only_reads

    @property
    def may_be_partial(self) -> bool:
        """As the step inside."""
        return self.inner.may_be_partial

    def requests(self, pretended: StepResult) -> Sequence[Any]:
        """Return those of the step inside."""
        return self.inner.requests(pretended)


@dataclass(frozen=True, slots=True)
class LoopStepPlan(WrappedStepPlan):
    """Does a step for each item of a list; its result is the list of the results, in the order of the items.

    Attributes:
        items: the list.
        condition: which items are done; ``None``: all.
        at_once: the most at once.
        most: how many items are done; ``None``: all, and more than ``MOST_ITEMS`` are refused.
        on_error: ``fail``: the first failure ends it; ``skip``: what fails is left out; ``collect``: it is told in the
            result.
    """

    items: Value
    condition: Condition | None
    at_once: int
    most: int | None
    on_error: str

    @property
    def may_be_partial(self) -> bool:
        """Whether items may be left out."""
        return self.on_error == "skip" or self.most is not None or self.inner.may_be_partial

    async def run(self, runner: Runner, scope: Scope) -> StepResult:
        """Do the step for each item."""
        listed = self._items(scope)
        items = listed[: self.most]
        cut = len(listed) - len(items)
        if self.condition is not None:
            items = [item for item in items if self.condition.holds(inside(scope, item))]
        found: list[Any] = [ABSENT] * len(items)
        left = iter(range(len(items)))

        async def work() -> None:
            for at in left:  # in the order of the items, whoever takes one
                found[at] = await self._done(runner, scope, items[at], at)

        await together([work() for _ in range(min(self.at_once, len(items)))])
        raw = [result.raw for result in found if result is not None]
        shown = [result.shown for result in found if result is not None]
        left_out = cut + len(items) - len(raw)
        if left_out:
            runner.note(self.name, len(raw), len(raw) + left_out)
        return StepResult(
            [None if each is ABSENT else each for each in raw], [None if x is ABSENT else x for x in shown]
        )

    async def _done(self, runner: Runner, scope: Scope, item: Any, at: int) -> StepResult | None:
        """Do the step for one item; return ``None`` where it failed and is left out."""
        try:
            return await self.inner.run(runner, inside(scope, item))
        except CallError as error:
            if self.on_error == "collect":
                told = {"index": at, "error": error.detail, "kind": error.kind}
                return StepResult(told, told)
            if self.on_error == "skip":
                return None
            error.step = error.step or f"{self.name}[{at}]"
            raise

    def _items(self, scope: Scope) -> list[Any]:
        """Return the items of the list.

        Raises:
            WrongList: there is no list, or a longer one than may be.
        """
        found = self.items(scope)
        if found is ABSENT or found is None:
            return []
        if not isinstance(found, list):
            word = "an object" if isinstance(found, dict) else "one value"
            raise WrongList(f"`forEach` finds {word} and no list", hint="name the list, for example `$.step.items`")
        if self.most is None and len(found) > MOST_ITEMS:
            detail = f"`forEach` finds {len(found)} items, more than {MOST_ITEMS}"
            raise WrongList(detail, hint="ask the API for less, or give the step `maxItems`, which leaves out the rest")
        return found

    async def pretend(self, runner: Runner, scope: Scope) -> StepResult:
        """Show what one item would do."""
        return await self.inner.pretend(runner, inside(scope, ABSENT))


@dataclass(frozen=True, slots=True)
class ConditionalStepPlan(WrappedStepPlan):
    """Does a step where a condition holds; its result is null where it doesn't.

    Attributes:
        condition: the condition.
    """

    condition: Condition

    @property
    def has_answer(self) -> bool:
        """As the step inside."""
        return self.inner.has_answer

    def keeping(self) -> Self:
        """Return it with what the answer of the step inside says in its result."""
        return replace(self, inner=self.inner.keeping())

    async def run(self, runner: Runner, scope: Scope) -> StepResult:
        """Do the step, or nothing."""
        return await self.inner.run(runner, scope) if self.condition.holds(scope) else StepResult(None, None)

    async def pretend(self, runner: Runner, scope: Scope) -> StepResult:
        """Show what it would do: whether it would is unknown."""
        return await self.inner.pretend(runner, scope)


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition: a value that is there and true, or a comparison as in a filter of JSONPath (RFC 9535, 2.3.5).

    Attributes:
        value: its value is there and true; ``None`` where it is a comparison.
        path: finds something where the comparison holds.
        negated: whether it is the opposite.
        of_answers: the statuses and headers of answers that the comparison reads, each under its place in the list.
    """

    value: Value | None
    path: jsonpath.JSONPath | None
    negated: bool
    of_answers: tuple[Value, ...] = ()

    def holds(self, scope: Scope) -> bool:
        """Tell whether it holds."""
        if self.value is not None:
            return is_true(self.value(scope)) is not self.negated
        known = {**scope.inputs, **scope.steps}
        for at, value in enumerate(self.of_answers):
            found = value(scope)
            if found is not ABSENT:
                known[_OF_ANSWER.format(at)] = found
        return (self.path is not None and holds(self.path, known)) is not self.negated


def inside(scope: Scope, item: Any) -> Scope:
    """Return a scope in which ``item`` is the item that a loop is at."""
    return Scope(scope.inputs, scope.variables, {**scope.steps, ITEM: item}, scope.answers)


def wrapped(step: Step, linking: Linking, plan: StepPlan) -> StepPlan:
    """Return a step with its loop and its condition around it; the step itself where it has neither.

    Args:
        step: of the file.
        linking: sees the item, where there is a loop.
        plan: the step without them.

    Raises:
        CannotLink: one of them is broken.
    """
    if step.for_each is None and step.condition is None:
        return plan
    condition = None if step.condition is None else _condition(step.condition, linking)
    needs = plan.needs - {ITEM}
    if condition is not None:
        needs |= frozenset(linking.earlier) - {ITEM}
    if step.for_each is None:
        return plan if condition is None else ConditionalStepPlan(plan.name, needs, plan, condition)
    items = linking.value(step.for_each, "forEach")
    needs |= linking.reads([items]) - {ITEM}
    if step.on_error not in _ON_ERROR:
        linking.cannot("unsupported-step", f"has `onError: {step.on_error}`", "fail, skip or collect", key="onError")
    for key, number in (("concurrency", step.concurrency), ("maxItems", step.max_items)):
        if number is not None and number < 1:
            linking.cannot("unsupported-step", f"has `{key}: {number}`", "1 or more", key=key)
    at_once = step.concurrency or (READING if plan.only_reads else 1)
    of_items = condition if condition is not None and _names_item(condition, step.condition or "") else None
    loop = LoopStepPlan(plan.name, needs, plan, items, of_items, at_once, step.max_items, step.on_error)
    if condition is not None and of_items is None:
        return ConditionalStepPlan(plan.name, needs, loop, condition)
    return loop


def _names_item(condition: Condition, text: str) -> bool:
    if condition.value is not None:
        return ITEM in steps_in(condition.value)
    return re.search(rf"\$\.{ITEM}\b|\{{\{{\s*{ITEM}\b", text) is not None


def _condition(text: Any, linking: Linking) -> Condition:
    """Compile a condition: ``{{name}}``, ``$.step.path``, a comparison of such, or one of them after ``not``."""
    written = str(text).strip()
    negated = False
    while (opposite := re.fullmatch(r"(?:not\s+|!\s*)(.+)", written, re.DOTALL)) is not None:
        negated, written = not negated, opposite[1].strip()
    if written.lower() in {"true", "false"} or _ONE_PLACEHOLDER.fullmatch(written):
        return Condition(linking.value(written, "condition", needed=False), None, negated)
    if not any(sign in written for sign in ("{{", "$", ".")):
        linking.cannot("unsupported-step", f"has the condition `{written}`, which is a word", _GRAMMAR, key="condition")
    filled = _PLACEHOLDER.sub(lambda found: found[1] if found[1].startswith("$") else f"$.{found[1]}", written)
    if not compares(filled):
        return Condition(linking.value(written, "condition", needed=False), None, negated)
    of_answers: list[Value] = []

    def known(found: re.Match[str]) -> str:
        value = linking.of_answer(found[0])
        if value is None:
            linking.cannot("unknown-answer", f"has the condition `{written}`: {UNKNOWN_ANSWER}", key="condition")
        of_answers.append(value)
        return f"@['{_OF_ANSWER.format(len(of_answers) - 1)}']"

    filled = _ANSWERED.sub(known, filled)
    try:
        path = comparison(filled)
    except jsonpath.JSONPathError as error:
        linking.cannot(
            "broken-jsonpath", f"has a condition that can't be read: {error.message}", _GRAMMAR, key="condition"
        )
    return Condition(None, path, negated, tuple(of_answers))


_GRAMMAR: Final = (
    "write `{{step.flag}}`, `not {{step.flag}}`, or a comparison such as `$.step.total > 100 && $.step.open`"
)
