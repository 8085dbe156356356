"""What an expression may look at while a unit runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Protocol

from naftiko.expression.answers import AnswerHead
from naftiko.ground.types import ABSENT


class Composed:
    """A value that is made of others, and says of which: all that is asked of what an expression reads goes by that."""

    __slots__ = ()
    value: Any

    def inner(self) -> Iterator[Any]:
        """Yield the values that it is made of; by default its ``value``."""
        yield self.value


class Variables(Protocol):
    """Values from outside (SEMANTICS 2)."""

    def value(self, name: str) -> str:
        """Return a variable's value.

        Raises:
            MissingVariable: it has none.
        """
        ...

    def get(self, name: str) -> str | None:
        """Return a variable's value, or ``None``."""
        ...


class StandIn(str):
    """What stands for the value of a variable that has none, where nothing is sent."""

    __slots__ = ()


_NO_ANSWERS: Final[Mapping[str, AnswerHead]] = {}


class Scope:
    """The caller's inputs, the results of earlier steps, and the variables.

    Attributes:
        inputs: the checked inputs by name; absent ones are not there.
        steps: the results of earlier steps by name.
        answers: what answers say beside their bodies, by the step's name; only what is asked for.
    """

    __slots__ = ("answers", "inputs", "steps", "variables")

    def __init__(
        self,
        inputs: Mapping[str, Any],
        variables: Variables,
        steps: Mapping[str, Any] | None = None,
        answers: Mapping[str, AnswerHead] = _NO_ANSWERS,
    ) -> None:
        self.inputs = inputs
        self.variables = variables
        self.answers = answers
        self.steps: Mapping[str, Any] = {} if steps is None else steps

    def input(self, name: str) -> Any:
        """Return an input's value, or ABSENT."""
        return self.inputs.get(name, ABSENT)


class _NoVariables:
    """Variables that nobody asks for."""

    def value(self, name: str) -> str:
        """Never return one."""
        raise LookupError(name)

    def get(self, name: str) -> str | None:
        """Return nothing."""
        del name
        return None


NOTHING: Final = Scope({}, _NoVariables())
"""What a constant looks at."""
