"""Link steps: what each reads, which can run together, and the mappings that build the answer (SEMANTICS 5.5)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from naftiko.document.findings import Findings
from naftiko.document.model import CallStep, LookupStep, Mapping, Model, ScriptStep, Step, UnknownStep
from naftiko.document.suggest import did_you_mean, listed
from naftiko.plan import jsonpath
from naftiko.plan.actions import FlowAction, StepPlan
from naftiko.plan.calls import Caller, CallLinker, CannotLink
from naftiko.plan.references import Names, ScopePath, StepPath, compile_path, compile_value
from naftiko.plan.resolving import tell_misspelt_names
from naftiko.plan.sources import leaves, steps_in
from naftiko.plan.steps.call import CallStepPlan
from naftiko.plan.steps.lookup import LookupStepPlan
from naftiko.plan.template import TemplateError, Value
from naftiko.plan.text import as_text
from naftiko.plan.wants import Wants


class FlowLinker:
    """Links the steps of a unit."""

    def __init__(self, calls: CallLinker, findings: Findings) -> None:
        self._calls = calls
        self._findings = findings

    def link(self, steps: Sequence[Step], mappings: Sequence[Mapping], caller: Caller, wants: Wants) -> FlowAction:
        """Link all steps.

        Raises:
            CannotLink: a step can't be executed, so the whole flow can't.
        """
        plans: list[StepPlan] = []
        for at, step in enumerate(steps):
            earlier = tuple(plan.name for plan in plans)
            inside = replace(caller, names=replace(caller.names, steps=earlier))
            name = step.name or f"step-{at + 1}"
            if name in earlier:
                self._findings.at(step.at("name")).warning(
                    "duplicate-step", f"a second step `{name}`: later steps see this one's result"
                )
            plans.append(_KINDS[type(step)](self, name, step, inside, wants))
        names = replace(caller.names, steps=tuple(plan.name for plan in plans))
        sources = tuple(as_text(one.value) for one in mappings if one.target and one.value is not None)
        return FlowAction(_waves(plans), self._mappings(mappings, names), plans[-1].name, sources)

    def call(self, name: str, step: Any, caller: Caller, wants: Wants) -> StepPlan:
        """Link a call step."""
        if step.call is None:
            raise CannotLink(
                "unknown-call", f"step `{name}` calls nothing", "add `call: namespace.operation`", step.node
            )
        for key, given in (("forEach", step.for_each), ("condition", step.condition)):
            if given is not None:
                reason = f"step `{name}` has `{key}`, which this runtime doesn't run"
                raise CannotLink("unsupported-step", reason, node=step.at(key))
        try:
            call = self._calls.link(step.call, step.with_, step, caller, wants)
        except CannotLink as error:
            where = error.node or step.at("call")
            raise CannotLink(error.rule, f"step `{name}`: {error.reason}", error.hint, where) from error
        needs = {found for _, value in call.arguments for found in _steps_of(value, caller.names.steps)}
        return CallStepPlan(name, frozenset(needs), call)

    def lookup(self, name: str, step: Any, caller: Caller, wants: Wants) -> StepPlan:
        """Link a lookup step; it finds nothing without the inputs that it looks for."""
        earlier = caller.names.steps
        index = self._index(name, step, caller.names) if step.index else None
        if not isinstance(index, StepPath):
            raise CannotLink(
                "unknown-step",
                f"step `{name}` looks into `{step.index}`, which is no earlier step",
                did_you_mean(step.index or "", earlier) or f"earlier steps: {listed(earlier)}",
                step.at("index"),
            )
        wanted = step.lookup_value if step.lookup_values is None else step.lookup_values
        if step.match is None or wanted is None:
            raise CannotLink("unsupported-step", f"step `{name}` needs `match` and `lookupValue`", node=step.node)
        names = replace(caller.names, used={})
        value = self.value(wanted, names, step, "lookupValue")
        caller.names.used.update(names.used)
        for given in names.used:
            wants.feeds(given, needed=True)
        needs = frozenset({index.step, *_steps_of(value, earlier)})
        return LookupStepPlan(name, needs, index, step.match, value, step.output_parameters)

    def _index(self, name: str, step: Any, names: Names) -> Value | None:
        text = step.index.strip().removeprefix("$.")
        names = replace(names, misspelt={})
        try:
            found = names.step(text) or names.near_step(text, whole=True)
        except jsonpath.JSONPathError as error:
            reason = f"step `{name}`: `{step.index}`: {error.message}"
            raise CannotLink("broken-jsonpath", reason, node=step.at("index")) from error
        tell_misspelt_names(self._findings.at(step.at("index")), names)
        return found

    def script(self, name: str, step: Any, caller: Caller, wants: Wants) -> StepPlan:
        """Script steps are not run yet."""
        del caller, wants
        reason = f"step `{name}` is a script; this runtime doesn't run scripts"
        raise CannotLink("unsupported-step", reason, node=step.node)

    def unknown(self, name: str, step: Any, caller: Caller, wants: Wants) -> StepPlan:
        """A step kind of another dialect."""
        del caller, wants
        reason = f"step `{name}` is of type `{step.type}`, which this runtime doesn't run"
        raise CannotLink("unsupported-step", reason, node=step.at("type"))

    def value(self, text: Any, names: Names, model: Model, key: str) -> Value:
        """Compile a step's value: a JSONPath over steps, a template, a reference or a literal."""
        is_path = isinstance(text, str) and text.strip().startswith("$.")
        names = replace(names, misspelt={})
        try:
            value = compile_path(text.strip(), names) if is_path else compile_value(text, names)
        except TemplateError as error:
            raise CannotLink("broken-template", f"`{key}: {text}`: {error}", node=model.at(key)) from error
        except jsonpath.JSONPathError as error:
            raise CannotLink("broken-jsonpath", f"`{key}: {text}`: {error.message}", node=model.at(key)) from error
        tell_misspelt_names(self._findings.at(model.at(key)), names)
        return value

    def _mappings(self, mappings: Sequence[Mapping], names: Names) -> tuple[tuple[tuple[str, ...], Value], ...]:
        linked: list[tuple[tuple[str, ...], Value]] = []
        for mapping in mappings:
            if not mapping.target or mapping.value is None:
                self._findings.at(mapping.node).warning("missing-name", "a mapping needs `targetName` and `value`")
                continue
            value = self.value(mapping.value, names, mapping, "value")
            if isinstance(value, ScopePath):
                self._check_path(mapping, names)
            target = tuple(mapping.target.split("."))
            self._check_target(mapping, target, [one for one, _ in linked])
            linked.append((target, value))
        return tuple(linked)

    def _check_target(self, mapping: Mapping, target: tuple[str, ...], earlier: Sequence[tuple[str, ...]]) -> None:
        """Tell a target that another one is, or that lies inside of another one."""
        for other in earlier:
            shorter = min(len(target), len(other))
            if target[:shorter] == other[:shorter]:
                written = ".".join(other)
                does = (
                    "replaces it"
                    if len(target) <= len(other)
                    else "is added to it if it is an object, else replaces it"
                )
                self._findings.at(mapping.at("targetName")).warning(
                    "overlapping-target", f"`{mapping.target}` and `{written}` are one place: this one {does}"
                )
                return

    def _check_path(self, mapping: Mapping, names: Names) -> None:
        text = str(mapping.value).strip().removeprefix("$.")
        first = text.replace("[", ".").partition(".")[0]
        if first not in names.steps and first not in names.inputs:
            self._findings.at(mapping.at("value")).warning(
                "unknown-step",
                f"`{mapping.value}` begins with no step's name; it finds nothing",
                hint=did_you_mean(first, names.steps) or f"steps: {listed(names.steps)}",
            )


_KINDS: dict[type[Model], Callable[[FlowLinker, str, Any, Caller, Wants], StepPlan]] = {
    CallStep: FlowLinker.call,
    LookupStep: FlowLinker.lookup,
    ScriptStep: FlowLinker.script,
    UnknownStep: FlowLinker.unknown,
}


def _steps_of(value: Value, earlier: tuple[str, ...]) -> set[str]:
    """Return the steps that a value reads; a path over everything reads them all."""
    reads_all = any(isinstance(leaf, ScopePath) for leaf in leaves(value))
    return set(earlier) if reads_all else set(steps_in(value))


def _waves(plans: Sequence[StepPlan]) -> tuple[tuple[StepPlan, ...], ...]:
    """Group steps that need nothing of one another; each runs as early as what it reads allows.

    A step that changes something upstream (a POST) waits for all before it: the file's order is its meaning.
    """
    level_of: dict[str, int] = {}
    levels: dict[int, list[StepPlan]] = {}
    floor = highest = 0
    for plan in plans:
        level = max([floor, *(level_of[name] + 1 for name in plan.needs if name in level_of)])
        if _changes(plan):
            level = max(level, highest + 1) if level_of else level
            floor = level + 1
        highest = max(highest, level)
        level_of[plan.name] = level
        levels.setdefault(level, []).append(plan)
    return tuple(tuple(levels[level]) for level in sorted(levels))


def _changes(plan: StepPlan) -> bool:
    return isinstance(plan, CallStepPlan) and plan.call.operation.method not in {"GET", "HEAD", "OPTIONS"}
