"""Steps of an orchestration, and the mappings that build its answer (SEMANTICS 5.5).

A kind of step is a model: it has the keys of the kind. How it is linked and what it does is a plan, which is registered
together with it (``naftiko.link.steps``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Final, TypeAlias

from pydantic import Field

from naftiko.document.model.base import Canonical, Choice, Model, Named, NamedTuple
from naftiko.document.model.parameters import OutputParameter

Place: TypeAlias = tuple[str | int, ...]
"""A key path inside of a mapping."""


class Step(Model):
    """What every kind has.

    Attributes:
        kind: the word of the kind, as ``type`` has it.
        spellings: other words for it, in lower case.
        called: what it is called in a sentence, such as ``a call step``.
        is_file: whether it is a script, whose file is looked for by ``validate``.
        for_each: the list for each of whose items it is done.
        concurrency: the most items at once.
        max_items: how many items are done.
        on_error: what an item that fails does: ``fail``, ``skip`` or ``collect``.
        condition: where it doesn't hold, the step is not done.
        own_keys: keys that no other kind has: they say what it is where ``type`` is missing.
    """

    kind: ClassVar[str] = ""
    spellings: ClassVar[tuple[str, ...]] = ()
    called: ClassVar[str] = "a step"
    is_file: ClassVar[bool] = False
    own_keys: ClassVar[tuple[str, ...]] = ()

    type: str | None = None
    name: str | None = None
    description: str | None = None
    for_each: Any = None
    concurrency: int | None = None
    max_items: int | None = None
    on_error: str = "fail"
    condition: Any = None

    def texts(self) -> Iterator[tuple[Place, str]]:
        """Yield the texts that may be paths into earlier steps, each with where it stands; by default of ``with``."""
        for key, value in getattr(self, "with_", {}).items():
            yield from texts_of(value, ("with", key))


def texts_of(value: Any, place: Place) -> Iterator[tuple[Place, str]]:
    """Yield the texts of a value, of its maps and lists too, each with where it stands."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from texts_of(inner, (*place, key))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from texts_of(inner, (*place, at))


class CallStep(Step):
    """Calls a consumed operation."""

    kind = "call"
    called = "a call step"

    type: str | None = "call"
    call: str | None = None
    with_: dict[str, Any] = Field(default_factory=dict)


class LookupStep(Step):
    """Looks values up in the result of an earlier step.

    Attributes:
        index: the step whose result is searched.
        match: the field that is compared, as text.
        lookup_value: what is looked for: a JSONPath, a template or a literal.
        lookup_values: the same where the file has a list of literals or expressions.
        output_parameters: the fields to take of a hit; none: the whole hit.
    """

    kind = "lookup"
    called = "a lookup step"
    own_keys = ("lookupValue", "match")

    type: str | None = "lookup"
    index: str | None = None
    match: str | None = None
    lookup_value: str | None = None
    lookup_values: Annotated[list[Any] | None, Canonical()] = None
    output_parameters: tuple[str, ...] = ()

    def texts(self) -> Iterator[tuple[Place, str]]:
        """What is looked for."""
        if self.lookup_value is not None:
            yield ("lookupValue",), self.lookup_value


class ScriptStep(Step):
    """Runs a script of the capability's directory in a sandbox.

    Attributes:
        file: its path below the location.
        location: a ``file://`` directory; none: that of ``management.scripting``.
        language: ``javascript`` or ``python``; none: that of ``management.scripting``.
        dependencies: files that run before it, in the same global scope.
        with_: what it sees beside the inputs and the results of earlier steps.
    """

    kind = "script"
    called = "a script step"
    is_file = True
    own_keys = ("script", "language")

    type: str | None = "script"
    language: str | None = None
    location: str | None = None
    file: str | None = None
    dependencies: tuple[str, ...] = ()
    with_: dict[str, Any] = Field(default_factory=dict)


class UnknownStep(Step):
    """A step kind that this runtime doesn't know, such as ``transform``."""

    open_ended: ClassVar[bool] = True

    output_parameters: NamedTuple[OutputParameter] = ()


class Mapping(Model):
    """One value of an orchestration's answer; dots in ``target`` nest."""

    target: str | None = None
    value: Any = None


STEPS: Final = Choice(by="type", models={}, default=CallStep, unknown=UnknownStep)
"""The kinds that a file may declare."""
for _kind in (CallStep, LookupStep, ScriptStep):
    STEPS.add(_kind, (_kind.kind, *_kind.spellings), _kind.own_keys)

Steps: TypeAlias = Annotated[tuple[Step, ...], Named(), STEPS]
