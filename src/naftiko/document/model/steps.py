"""Steps of an orchestration, and the mappings that build its answer (SEMANTICS 5.5)."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, TypeAlias

from pydantic import Field

from naftiko.document.model.base import Canonical, Choice, Model, Named, NamedTuple
from naftiko.document.model.parameters import OutputParameter


class CallStep(Model):
    """Calls a consumed operation."""

    type: str = "call"
    name: str | None = None
    description: str | None = None
    call: str | None = None
    with_: dict[str, Any] = Field(default_factory=dict)
    for_each: str | None = None
    condition: str | None = None


class LookupStep(Model):
    """Looks values up in the result of an earlier step.

    Attributes:
        index: the step whose result is searched.
        match: the field that is compared, as text.
        lookup_value: what is looked for: a JSONPath, a template or a literal.
        lookup_values: the same where the file has a list of literals or expressions.
        output_parameters: the fields to take of a hit; none: the whole hit.
    """

    type: str = "lookup"
    name: str | None = None
    description: str | None = None
    index: str | None = None
    match: str | None = None
    lookup_value: str | None = None
    lookup_values: Annotated[list[Any] | None, Canonical()] = None
    output_parameters: tuple[str, ...] = ()


class ScriptStep(Model):
    """Runs a script of the capability's directory in a sandbox."""

    type: str = "script"
    name: str | None = None
    description: str | None = None
    language: str | None = None
    location: str | None = None
    file: str | None = None
    dependencies: tuple[str, ...] = ()
    with_: dict[str, Any] = Field(default_factory=dict)


class UnknownStep(Model):
    """A step kind that this runtime doesn't know, such as ``transform``."""

    open_ended: ClassVar[bool] = True

    type: str | None = None
    name: str | None = None
    description: str | None = None
    for_each: str | None = None
    output_parameters: NamedTuple[OutputParameter] = ()


class Mapping(Model):
    """One value of an orchestration's answer; dots in ``target`` nest."""

    target: str | None = None
    value: Any = None


Step: TypeAlias = CallStep | LookupStep | ScriptStep | UnknownStep

Steps: TypeAlias = Annotated[
    tuple[Step, ...],
    Named(),
    Choice(
        by="type",
        models={"call": CallStep, "lookup": LookupStep, "script": ScriptStep},
        default=CallStep,
        unknown=UnknownStep,
        by_key={"lookupValue": "lookup", "match": "lookup", "script": "script", "language": "script"},
    ),
]
