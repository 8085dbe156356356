"""Functions in a path, as Jayway's JSONPath has them: ``$.results.length()``, ``$.sum($.items[*].price)``.

Each takes the value that the path before it found, or the list of values of a path that may find several, and the
values of its arguments: paths from the root, or JSON. It gives one value, or ``ABSENT`` where it makes no sense (the
length of a number, the smallest of no numbers). What is no number is left out of a calculation. As in Jayway's the
result of one is a double (45.0); where a number of it has more digits than a double, the calculation is exact.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow, localcontext
from typing import Any, Final, TypeAlias

from naftiko.expression.text import as_text
from naftiko.ground.digits import ExactNumber, exact_value, is_number, json_decimal, json_integer
from naftiko.ground.types import ABSENT

Function: TypeAlias = Callable[[Any, Sequence[Any]], Any]
"""From what the path before it found, and its arguments, to a value or ``ABSENT``."""

_ROUNDED: Final = Context(prec=1000, Emax=9999, Emin=-9999)
_EXACT: Final = Context(prec=1000, Emax=9999, Emin=-9999, traps=[Inexact, InvalidOperation, Overflow])
"""How decimals are added: what takes more digits has no sum."""
_QUOTIENT: Final = 50
"""Digits of an average of numbers that are no doubles, at the least."""
_WHOLE_DOUBLES: Final = 2**53
"""Up to here every whole number is a double."""
_ANY: Final = 1000


def _operand(value: Any, arguments: Sequence[Any]) -> Any:
    """Return what a function of one value is of: ``$.length($.items)`` is ``$.items.length()``."""
    return arguments[0] if arguments else value


def _length(value: Any, arguments: Sequence[Any]) -> Any:
    measured = _operand(value, arguments)
    return len(measured) if isinstance(measured, (dict, list, str)) else ABSENT


def _keys(value: Any, arguments: Sequence[Any]) -> Any:
    keyed = _operand(value, arguments)
    return list(keyed) if isinstance(keyed, dict) else ABSENT


def _item(at: int) -> Function:
    def item(value: Any, arguments: Sequence[Any]) -> Any:
        return _index(_operand(value, arguments), [at])

    return item


def _index(value: Any, arguments: Sequence[Any]) -> Any:
    at = arguments[0]
    if not isinstance(value, list) or type(at) is not int or not -len(value) <= at < len(value):
        return ABSENT
    return value[at]


def _append(value: Any, arguments: Sequence[Any]) -> Any:
    return [*value, *(each for each in arguments if each is not ABSENT)] if isinstance(value, list) else value


def _concat(value: Any, arguments: Sequence[Any]) -> str:
    texts = [element for element in value if isinstance(element, str)] if isinstance(value, list) else []
    return "".join([*texts, *(as_text(element) for element in _flat(arguments) if element is not None)])


def _flat(arguments: Sequence[Any]) -> Iterator[Any]:
    """Yield the arguments that are there; of a list its elements."""
    for argument in arguments:
        if argument is not ABSENT:
            yield from argument if isinstance(argument, list) else [argument]


def _of_numbers(aggregate: Callable[[list[Any]], Any]) -> Function:
    """Apply ``aggregate`` to the numbers of an array and of the arguments."""

    def apply(value: Any, arguments: Sequence[Any]) -> Any:
        elements = [*(value if isinstance(value, list) else []), *_flat(arguments)]
        numbers = [element for element in elements if is_number(element) and element == element]  # noqa: PLR0124  # NaN
        try:
            return _as_double(aggregate(numbers)) if numbers else ABSENT
        except (ArithmeticError, ValueError):  # infinite, or beyond what is calculated exactly
            return ABSENT

    return apply


def _as_double(number: Any) -> Any:
    """Return a number as a double where that is the same one, else as it is."""
    if isinstance(number, Decimal):
        text = format(number.normalize(_ROUNDED), "f")
        if "." in text:
            return json_decimal(text)
        return json_decimal(f"{text}.0") if abs(number) < _WHOLE_DOUBLES else json_integer(text)
    return float(number) if isinstance(number, int) and _is_double(number) else number


def _is_double(number: float) -> bool:
    """Tell whether a double means a number as it is written."""
    if isinstance(number, ExactNumber):
        return exact_value(number) == exact_value(float(number))
    return isinstance(number, float) or int(float(number)) == number


def _sum(numbers: list[Any]) -> Any:
    try:
        if all(map(_is_double, numbers)):
            return math.fsum(numbers)
    except OverflowError:  # an integer that no float can hold
        pass
    with localcontext(_EXACT):
        return sum(map(exact_value, numbers), Decimal(0))


def _average(numbers: list[Any]) -> Any:
    total = _sum(numbers)
    if not isinstance(total, Decimal):
        return total / len(numbers)
    with localcontext(_ROUNDED) as context:
        context.prec = max(_QUOTIENT, len(total.as_tuple().digits) + 1)
        return total / len(numbers)


def _deviation(numbers: list[Any]) -> float:
    """Return the standard deviation of all the numbers there are (not an estimate from a sample)."""
    doubles = [float(number) for number in numbers]
    mean = math.fsum(doubles) / len(doubles)
    return math.sqrt(math.fsum((number - mean) ** 2 for number in doubles) / len(doubles))


@dataclass(frozen=True, slots=True)
class Signature:
    """A function, and how many arguments it takes."""

    function: Function
    least: int = 0
    most: int = 0


FUNCTIONS: Final[dict[str, Signature]] = {
    "length": Signature(_length, most=1),
    "size": Signature(_length, most=1),
    "keys": Signature(_keys, most=1),
    "first": Signature(_item(0), most=1),
    "last": Signature(_item(-1), most=1),
    "index": Signature(_index, least=1, most=1),
    "append": Signature(_append, least=1, most=_ANY),
    "concat": Signature(_concat, most=_ANY),
    "min": Signature(_of_numbers(min), most=_ANY),
    "max": Signature(_of_numbers(max), most=_ANY),
    "sum": Signature(_of_numbers(_sum), most=_ANY),
    "avg": Signature(_of_numbers(_average), most=_ANY),
    "stddev": Signature(_of_numbers(_deviation), most=_ANY),
}


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """``.name(arguments)``: a function of what the path before it found.

    Attributes:
        gathers: whether that path may find several values, of which the function gets the list.
        arguments: what gives each argument, of the whole document.
        text: as written, without the dot.
    """

    function: Function
    arguments: tuple[Callable[[Any], Any], ...]
    gathers: bool
    text: str

    def select(self, nodes: list[Any], root: Any) -> list[Any]:
        """Give the function's value, or nothing."""
        if not nodes and not self.gathers:
            return []
        given = [argument(root) for argument in self.arguments]
        value = self.function(nodes if self.gathers else nodes[0], given)
        return [] if value is ABSENT else [value]

    def __str__(self) -> str:
        return f".{self.text}"
