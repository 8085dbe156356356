"""What a unit turns out to need of its caller: the inputs that its calls use, and what each is for (SEMANTICS 3.4)."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from naftiko.plan.references import Input, Names, Structure
from naftiko.plan.slots import Slot
from naftiko.plan.template import Value


class Use(enum.Enum):
    """How a slot's value is made of an input."""

    WHOLE = "whole"
    """It is the value, so that the slot's type is its own."""
    PART = "part"
    """It stands in a map or a list, as it is: nothing says its type."""
    TEXT = "text"
    """It is written into a text."""

    @classmethod
    def of(cls, value: Value) -> Use:
        """Return how a compiled value uses the inputs that it names."""
        if isinstance(value, Input):
            return cls.WHOLE
        return cls.PART if isinstance(value, Structure) else cls.TEXT


@dataclass(frozen=True, slots=True)
class Wanted:
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
    use: Use
    place: str | None = None
    wire: str = ""


@dataclass(slots=True)
class Wants:
    """Collects the inputs that a unit needs, in order.

    Attributes:
        found: what each is for.
        needs: the inputs that feed something known, and whether any of that can't do without (SEMANTICS 3.6).
    """

    found: list[Wanted] = field(default_factory=list)
    needs: dict[str, bool] = field(default_factory=dict)

    def add(self, name: str, slot: Slot, use: Use = Use.WHOLE, wire: str = "") -> None:
        """Add an input."""
        self.found.append(Wanted(name, slot, use, wire=wire))
        if slot.known:
            self.feeds(name, needed=slot.required)

    def feeds(self, name: str, *, needed: bool) -> None:
        """Say of an input that it feeds something known, and whether that can't do without."""
        self.needs[name] = needed or self.needs.get(name, False)


def in_their_places(wanted: Iterable[Wanted], names: Names) -> Iterator[Wanted]:
    """Yield the wanted inputs, each in the place where a reference such as ``rest.header.x`` looks for it."""
    for want in wanted:
        place = names.places.get(want.name)
        if place is None:
            yield want
        else:
            yield replace(want, place=place, slot=replace(want.slot, location=place, whole_body=False, lone=False))
