"""Link steps: what each reads, which can run together, and the mappings that build the answer (SEMANTICS 5.5)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from naftiko.document.findings import Findings
from naftiko.document.model import Mapping, ScriptingManagement, Step
from naftiko.document.suggest import did_you_mean, listed
from naftiko.expression.references import Names, ScopePath
from naftiko.expression.template import Value
from naftiko.expression.text import as_text
from naftiko.link.calls import Caller, CallLinker
from naftiko.link.needs import Needs
from naftiko.link.steps import Linking, StepPlan, kind_of
from naftiko.link.steps.contract import value_of
from naftiko.link.steps.repeated import ITEM, wrapped
from naftiko.plan.actions import RunnableStep
from naftiko.plan.flow import FlowAction


class FlowLinker:
    """Links the steps of a unit."""

    def __init__(self, calls: CallLinker, findings: Findings, scripting: ScriptingManagement | None = None) -> None:
        self._calls = calls
        self._findings = findings
        self._scripting = scripting

    def link(self, steps: Sequence[Step], mappings: Sequence[Mapping], caller: Caller, wants: Needs) -> FlowAction:
        """Link all steps.

        Raises:
            CannotLink: a step can't be executed, so the whole flow can't.
        """
        plans: list[StepPlan] = []
        for at, step in enumerate(steps):
            earlier = tuple(plan.name for plan in plans)
            inside = replace(caller, names=replace(caller.names, steps=earlier, answers=answering(plans)))
            name = step.name or f"step-{at + 1}"
            if name in earlier:
                self._findings.at(step.at("name")).warning(
                    "duplicate-step", f"a second step `{name}`: later steps see this one's result"
                )
            linking = Linking(name, step, inside, wants, self._calls, self._findings, self._scripting)
            looped = linking if step.for_each is None else linking.seeing(ITEM)
            plans.append(wrapped(step, looped, kind_of(step).link(step, looped)))
        names = replace(caller.names, steps=tuple(plan.name for plan in plans), answers=answering(plans))
        sources = tuple(as_text(one.value) for one in mappings if one.target and one.value is not None)
        return FlowAction(_waves(plans), self._mappings(mappings, names), plans[-1].name, sources)

    def _mappings(self, mappings: Sequence[Mapping], names: Names) -> tuple[tuple[tuple[str, ...], Value], ...]:
        linked: list[tuple[tuple[str, ...], Value]] = []
        for mapping in mappings:
            if not mapping.target or mapping.value is None:
                self._findings.at(mapping.node).warning("missing-name", "a mapping needs `targetName` and `value`")
                continue
            value = value_of(mapping.value, names, mapping, "value", self._findings)
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


def answering(plans: Iterable[RunnableStep]) -> frozenset[str]:
    """Return the steps that have the one answer whose status and headers can be read (SEMANTICS 5.10)."""
    return frozenset(plan.name for plan in plans if plan.has_answer)


def keeping(flow: FlowAction, heads: Collection[str]) -> FlowAction:
    """Return a flow whose steps keep what their answers say beside their bodies, where that is read."""
    if not heads:
        return flow
    waves = (tuple(step.keeping() if step.name in heads else step for step in wave) for wave in flow.waves)
    return replace(flow, waves=tuple(waves))


def _waves(plans: Sequence[StepPlan]) -> tuple[tuple[StepPlan, ...], ...]:
    """Group steps that need nothing of one another; each runs as early as what it reads allows.

    A step that changes something upstream (a POST) waits for all before it: the file's order is its meaning.
    """
    level_of: dict[str, int] = {}
    levels: dict[int, list[StepPlan]] = {}
    floor = highest = 0
    for plan in plans:
        level = max([floor, *(level_of[name] + 1 for name in plan.needs if name in level_of)])
        if not plan.only_reads:
            level = max(level, highest + 1) if level_of else level
            floor = level + 1
        highest = max(highest, level)
        level_of[plan.name] = level
        levels.setdefault(level, []).append(plan)
    return tuple(tuple(levels[level]) for level in sorted(levels))
