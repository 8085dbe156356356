"""What every kind of step is: a plan that says how it is linked, what it reads and calls, and what it does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NoReturn, Self

from naftiko.document.findings import Findings
from naftiko.document.model import ConsumedOperation, Model, ScriptingManagement, Step
from naftiko.expression import jsonpath
from naftiko.expression.answers import is_of_answer
from naftiko.expression.references import Constant, Names, ScopePath, compile_path, compile_value
from naftiko.expression.scope import Scope
from naftiko.expression.sources import leaves, steps_in
from naftiko.expression.template import TemplateError, Value
from naftiko.ground.http import SAFE_METHODS
from naftiko.link.calls import Caller, CallLinker, CannotLink, compiled
from naftiko.link.needs import InputUse, Needs
from naftiko.link.resolving import tell_misspelt_names
from naftiko.plan.actions import Call, Runner, StepResult
from naftiko.plan.script import Script
from naftiko.plan.slots import Slot


@dataclass(frozen=True, slots=True)
class StepPlan:
    """A step, compiled: small and immutable. A kind is a subclass that is a frozen dataclass too.

    Attributes:
        name: under which later steps see its result.
        needs: the earlier steps that it reads; it runs beside those that it doesn't.
    """

    name: str
    needs: frozenset[str]

    @classmethod
    def link(cls, step: Any, linking: Linking) -> Self:
        """Link a step of the file.

        Args:
            step: the model that the kind is registered with.
            linking: compiles what it says, and knows what is around it.

        Raises:
            CannotLink: it can't be executed, so its whole flow can't.
        """
        raise NotImplementedError

    @classmethod
    def check(cls, step: Any, called: Mapping[str, ConsumedOperation], findings: Findings) -> None:
        """Tell what works and is probably not as meant, for whoever shows diagnostics; by default nothing.

        Args:
            step: the model.
            called: the operations that the steps so far call, by the steps' names.
            findings: where it is told.
        """

    @property
    def calls(self) -> tuple[Call, ...]:
        """The calls that it makes; what they need and change, and where they go, is known by that. By default none."""
        return ()

    @property
    def scripts(self) -> tuple[Script, ...]:
        """The scripts that it runs; they are checked by ``validate``. By default none."""
        return ()

    @property
    def may_be_partial(self) -> bool:
        """Whether it may leave things out, and say so with ``Runner.note``. By default it never does."""
        return False

    @property
    def has_answer(self) -> bool:
        """Whether it makes one call, whose status and headers others may read (SEMANTICS 5.10). By default not."""
        return False

    def keeping(self) -> Self:
        """Return it with what its answer says beside its body in its result, where it has one."""
        return self

    @property
    def only_reads(self) -> bool:
        """Whether it changes nothing anywhere: a step that does waits for all before it, and all after it wait."""
        return all(call.operation.method in SAFE_METHODS for call in self.calls)

    async def run(self, runner: Runner, scope: Scope) -> StepResult:
        """Run it. Where a large answer is better read elsewhere, it is run once more there, with the same answers.

        Calls that are made one after the other must be made in the same order then; the one whose answer is large
        returns ``None`` the first time, and what becomes of the result is not looked at.

        Args:
            runner: makes its calls.
            scope: the inputs, the variables and the results of earlier steps: what its values are made of.

        Raises:
            CallError: it failed, and so does the flow; the step's name is added.
        """
        raise NotImplementedError

    async def pretend(self, runner: Runner, scope: Scope) -> StepResult:
        """Do as ``run``, where nothing is sent: in mock mode, and for ``--dry-run``.

        Each call returns the description of the request that it would send, and what is taken of it has no value. By
        default this is ``run``.

        Raises:
            CallError: as from ``run``.
        """
        return await self.run(runner, scope)

    def requests(self, pretended: StepResult) -> Sequence[Any]:
        """Return the descriptions of requests that are in a result of ``pretend``; by default none."""
        del pretended
        return ()


class Linking:
    """One step while it is linked.

    Attributes:
        name: the step's.
        earlier: the names of the steps before it.
        findings: where problems are told.
        scripting: what the file says of scripts; ``None``: nothing.
    """

    def __init__(
        self,
        name: str,
        step: Step,
        caller: Caller,
        wants: Needs,
        calls: CallLinker,
        findings: Findings,
        scripting: ScriptingManagement | None = None,
    ) -> None:
        self.name = name
        self.earlier = caller.names.steps
        self.findings = findings
        self.scripting = scripting
        self._step = step
        self._caller = caller
        self._wants = wants
        self._calls = calls

    def cannot(self, rule: str, reason: str, hint: str = "", *, key: str = "") -> NoReturn:
        """Say why the step can't be executed.

        Args:
            rule: that tells it, ``unsupported-step`` where there is no better one.
            reason: completes "step `NAME` …".
            hint: what to do about it.
            key: where it stands.

        Raises:
            CannotLink: always.
        """
        raise CannotLink(rule, f"step `{self.name}` {reason}", hint, self._step.at(key) if key else self._step.node)

    def seeing(self, *names: str) -> Linking:
        """Return what links values that see further results beside those of earlier steps, such as a loop's item.

        Args:
            names: of what ``scope.steps`` has there as well when the step runs.
        """
        inner = replace(self._caller, names=replace(self._caller.names, steps=(*self.earlier, *names)))
        return Linking(self.name, self._step, inner, self._wants, self._calls, self.findings, self.scripting)

    def call(self, called: str, with_: Mapping[str, Any]) -> Call:
        """Link a call of a consumed operation; what it needs is asked of the unit's caller.

        Raises:
            CannotLink: it can't be executed.
        """
        try:
            return self._calls.link(called, with_, self._step, self._caller, self._wants)
        except CannotLink as error:
            where = error.node or self._step.at("call")
            raise CannotLink(error.rule, f"step `{self.name}`: {error.reason}", error.hint, where) from error

    def with_values(self, with_: Mapping[str, Any]) -> dict[str, Value]:
        """Compile a ``with`` by key; the inputs that it names are asked of the unit's caller.

        Raises:
            CannotLink: a value is broken.
        """
        values: dict[str, Value] = {}
        for key, written in with_.items():
            names = replace(self._caller.names, used={}, missing={}, misspelt={}, key=key)
            value = values[key] = compiled(written, names, self._step, key)
            tell_misspelt_names(self.findings.at(self._step.at("with", key)), names)
            if self._caller.declared:
                self._calls.check_declared(names, self._step, key)
            for name in names.used:
                self._wants.add(name, replace(_ANYWHERE, name=name), InputUse.of(value))
        return values

    def value(self, text: Any, key: str, *, needed: bool = True) -> Value:
        """Compile the value of a key, a path, a template or a literal.

        Args:
            text: as the file has it.
            key: where it stands.
            needed: whether the inputs that it names must have a value.

        Raises:
            CannotLink: it is broken.
        """
        names = replace(self._caller.names, used={})
        value = value_of(text, names, self._step, key, self.findings)
        self._caller.names.used.update(names.used)
        for given in names.used:
            self._wants.feeds(given, needed=needed)
        return value

    def result(self, text: str, key: str) -> Value | None:
        """Compile the name of an earlier step, or a path into its result; ``None`` where it is none.

        Raises:
            CannotLink: the path is broken.
        """
        names = replace(self._caller.names, misspelt={})
        path = text.strip().removeprefix("$.")
        try:
            found = names.step(path) or names.near_step(path, whole=True)
        except jsonpath.JSONPathError as error:
            reason = f"step `{self.name}`: `{text}`: {error.message}"
            raise CannotLink("broken-jsonpath", reason, node=self._step.at(key)) from error
        tell_misspelt_names(self.findings.at(self._step.at(key)), names)
        return found

    def of_answer(self, text: str) -> Value | None:
        """Return what a text names of an earlier answer's status and headers; ``None`` where it names none."""
        return self._caller.names.of_answer(text)

    def reads(self, values: Iterable[Value]) -> frozenset[str]:
        """Return the steps that values read; a path over everything reads them all."""
        found: set[str] = set()
        for value in values:
            reads_all = any(isinstance(leaf, ScopePath) for leaf in leaves(value))
            found.update(self.earlier if reads_all else steps_in(value))
        return frozenset(found)


UNKNOWN_ANSWER: Final = "`$status.STEP` and `$header.STEP.NAME` name an earlier step that makes one call"


_ANYWHERE = Slot("", "query", None, None, required=False, schema={})


def value_of(text: Any, names: Names, model: Model, key: str, findings: Findings) -> Value:
    """Compile a value of a step or a mapping: a JSONPath over steps, a template, a reference or a literal.

    Raises:
        CannotLink: it is broken.
    """
    is_path = isinstance(text, str) and text.strip().startswith("$.")
    names = replace(names, misspelt={})
    try:
        value = compile_path(text.strip(), names) if is_path else compile_value(text, names)
    except TemplateError as error:
        raise CannotLink("broken-template", f"`{key}: {text}`: {error}", node=model.at(key)) from error
    except jsonpath.JSONPathError as error:
        raise CannotLink("broken-jsonpath", f"`{key}: {text}`: {error.message}", node=model.at(key)) from error
    tell_misspelt_names(findings.at(model.at(key)), names)
    if isinstance(text, str) and isinstance(value, Constant) and is_of_answer(text):
        hint = f"steps with one answer: {', '.join(sorted(names.answers)) or 'none'}"
        findings.at(model.at(key)).error("unknown-answer", f"`{text}`: {UNKNOWN_ANSWER}", hint=hint)
    return value
