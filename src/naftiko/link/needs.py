"""What a unit needs of its caller.

Required parameters, the inputs that its calls use, and whether its body is passed on.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from naftiko.expression.path import encode_literal
from naftiko.expression.references import InputReference, Names, Structure
from naftiko.expression.sources import inputs_of
from naftiko.expression.template import Value
from naftiko.ground.types import ABSENT
from naftiko.plan.actions import Action
from naftiko.plan.inputs import InputSet
from naftiko.plan.operation import Operation
from naftiko.plan.parameter import Parameter
from naftiko.plan.slots import Slot
from naftiko.plan.unit import ApiPlan

_MADE: Final = frozenset({"accept", "accept-encoding", "content-type", "user-agent"})
"""Headers that a request gets where nothing sets them."""


def is_made_elsewhere(parameter: Parameter, operation: Operation, api: ApiPlan) -> bool:
    """Tell a credential, a header that every request has, and what stands in the query of the path or the base URI."""
    name = parameter.name.lower() if parameter.location == "header" else parameter.name
    if (parameter.location, name) in api.credentials:
        return True
    if parameter.location == "header":
        return name in _MADE
    if parameter.location != "query":
        return False
    fixed = [pair.partition("=")[0] for pair in api.base.query.split("&")]
    fixed += [pair.name for pair in operation.path.query if not pair.holds_placeholder]
    return encode_literal(name) in fixed or name in fixed


def without_source(operation: Operation, api: ApiPlan, arguments: Iterable[str]) -> list[Parameter]:
    """Return the required parameters outside of path and body that nothing gives a value, whatever a caller does."""
    given = frozenset(arguments)
    return [
        parameter
        for parameter in operation.parameters
        if parameter.required
        and parameter.asked
        and parameter.location in {"query", "header", "cookie"}
        and parameter.fallback is ABSENT
        and parameter.argument not in given
        and not is_made_elsewhere(parameter, operation, api)
    ]


class InputUse(enum.Enum):
    """How a slot's value is made of an input."""

    WHOLE = "whole"
    """It is the value, so that the slot's type is its own."""
    PART = "part"
    """It stands in a map or a list, as it is: nothing says its type."""
    TEXT = "text"
    """It is written into a text."""

    @classmethod
    def of(cls, value: Value) -> InputUse:
        """Return how a compiled value uses the inputs that it names."""
        if isinstance(value, InputReference):
            return cls.WHOLE
        return cls.PART if isinstance(value, Structure) else cls.TEXT


@dataclass(frozen=True, slots=True)
class Need:
    """An input that a unit turns out to need.

    Attributes:
        name: the input's name.
        slot: what it is for.
        use: how the slot's value is made of it.
        place: where in a request a reference looks for it, if it says that.
        wire: its name in a REST request, if that is another one.
    """

    name: str
    slot: Slot
    use: InputUse
    place: str | None = None
    wire: str = ""


@dataclass(slots=True)
class Needs:
    """Collects the inputs that a unit needs, in order.

    Attributes:
        found: what each is for.
        needs: the inputs that feed something known, and whether any of that can't do without (SEMANTICS 3.6).
    """

    found: list[Need] = field(default_factory=list)
    needs: dict[str, bool] = field(default_factory=dict)

    def add(self, name: str, slot: Slot, use: InputUse = InputUse.WHOLE, wire: str = "") -> None:
        """Add an input."""
        self.found.append(Need(name, slot, use, wire=wire))
        if slot.known:
            self.feeds(name, needed=slot.required)

    def feeds(self, name: str, *, needed: bool) -> None:
        """Say of an input that it feeds something known, and whether that can't do without."""
        self.needs[name] = needed or self.needs.get(name, False)


def in_their_places(wanted: Iterable[Need], names: Names) -> Iterator[Need]:
    """Yield the wanted inputs, each in the place where a reference such as ``rest.header.x`` looks for it."""
    for want in wanted:
        place = names.places.get(want.name)
        if place is None:
            yield want
        else:
            yield replace(want, place=place, slot=replace(want.slot, location=place, whole_body=False, lone=False))


def passes_body(action: Action | None, inputs: InputSet, wants: Needs) -> bool:
    """Tell whether a REST caller's body is passed on: nothing declares one, and no part of it is read for the call."""
    call = None if action is None else action.inner.only_call
    if call is None or not call.operation.takes_body:
        return False
    fed = {want.name for want in wants.found}
    fed.update(name for _, value in call.arguments for name in inputs_of(value))
    is_made = any(extra.place in {"body", "field"} for extra in call.extras)
    return not is_made and not any(given.location == "body" and given.name in fed for given in inputs.inputs)
