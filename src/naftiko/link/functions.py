"""Functions of aggregates: what a ``ref`` can name, and what a unit gives to one (SEMANTICS 5.7)."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias

from naftiko.document.findings import Findings
from naftiko.document.model import (
    Aggregate,
    AggregateFunction,
    CapabilityDocument,
    ExposedOperation,
    Import,
    McpResource,
    McpTool,
)
from naftiko.document.suggest import did_you_mean
from naftiko.expression.references import InputReference as Reference
from naftiko.expression.references import Names
from naftiko.expression.template import Value
from naftiko.ground.types import ABSENT
from naftiko.link.callables import Callables, NameOrigin
from naftiko.link.calls import Caller, compiled
from naftiko.link.needs import InputUse, Needs
from naftiko.plan.inputs import Input, InputSet
from naftiko.plan.slots import Slot

Function: TypeAlias = tuple[Aggregate, AggregateFunction]
"""A function with the aggregate that it stands in."""


def collect_functions(document: CapabilityDocument, findings: Findings) -> Callables[Function]:
    """Return the functions of all aggregates, by the names that a ``ref`` has for them."""
    functions: Callables[Function] = Callables("function")
    for aggregate in document.aggregates:
        if isinstance(aggregate, Import):  # one that failed
            functions.lack(aggregate.alias or aggregate.namespace)
        elif isinstance(aggregate, Aggregate):
            functions.declare(aggregate.namespace or "")
            for function in aggregate.functions:
                _add(functions, aggregate, function, findings)
    return functions


def _add(functions: Callables[Function], aggregate: Aggregate, function: AggregateFunction, findings: Findings) -> None:
    namespace, name = aggregate.namespace or "", function.name
    if name is None:
        findings.at(function.node).warning("missing-name", "a function without a name can't be used")
        return
    if not functions.add(namespace, name, (aggregate, function), NameOrigin(description=function.description)):
        _, first = functions.first(namespace, name)
        findings.at(function.at("name")).warning(
            "duplicate-function",
            f"a second function `{namespace}.{name}`: a `ref` means the one that has its unit's description; where "
            "none has it, the first unit that uses it means the first, the second the second",
            hint="rename one",
            related=(findings.position(first.node),),
        )


_ANYWHERE = Slot("", "query", None, None, required=False, schema={})


class FunctionArguments:
    """Links what a unit gives to a function: its ``with``, else its own input of the same name."""

    def __init__(self, inputs: InputSet, inner: Needs, findings: Findings) -> None:
        self._inputs = inputs
        self._slots: dict[str, Slot] = {}
        for want in inner.found:
            self._slots.setdefault(want.name, want.slot)
        self._findings = findings

    def link(
        self, model: ExposedOperation | McpTool | McpResource | AggregateFunction, caller: Caller, wants: Needs
    ) -> tuple[tuple[str, Value], ...]:
        """Return the value of each of the function's inputs; what that asks of the unit's caller goes to ``wants``.

        Raises:
            CannotLink: a value of ``with`` is broken.
        """
        arguments: dict[str, Value] = {}
        for given in self._inputs.inputs:
            if given.constant is not ABSENT:
                continue
            names = replace(caller.names, used={}, key=given.name)
            value = self._value(given.name, model, names)
            arguments[given.name] = value
            for name in names.used:
                wants.add(name, self._slot(given), InputUse.of(value))
        self._tell_unknown(model)
        return tuple(arguments.items())

    def _value(
        self, name: str, model: ExposedOperation | McpTool | McpResource | AggregateFunction, names: Names
    ) -> Value:
        if model.with_.get(name) is None:
            names.used[name] = None
            return Reference(name)
        return compiled(model.with_[name], names, model, name)

    def _slot(self, given: Input) -> Slot:
        """Return the place of a function's input: where the function's own call sends it, as the function types it."""
        used = self._slots.get(given.name, _ANYWHERE)
        return replace(
            used,
            name=given.name,
            argument="",
            type=given.type,
            description=given.description,
            required=given.required,
            schema=dict(given.schema),
            known=True,
        )

    def _tell_unknown(self, model: ExposedOperation | McpTool | McpResource | AggregateFunction) -> None:
        known = [given.name for given in self._inputs.inputs]
        for key in model.with_:
            if key not in known:
                self._findings.at(model.at("with", key)).warning(
                    "unknown-argument", f"the function has no input `{key}`", hint=did_you_mean(key, known)
                )
