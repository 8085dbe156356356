"""Functions that may end a path, as Jayway's JSONPath has them: ``$.results.length()``.

Each takes the value that the path found, or the list of values of a path that may find several, and gives one value
or ``ABSENT`` where it makes no sense (the length of a number, the smallest of no numbers).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from naftiko.types import ABSENT


def _length(value: Any) -> Any:
    return len(value) if isinstance(value, (dict, list, str)) else ABSENT


def _keys(value: Any) -> Any:
    return list(value) if isinstance(value, dict) else ABSENT


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else ABSENT


def _last(value: Any) -> Any:
    return value[-1] if isinstance(value, list) and value else ABSENT


def _of_numbers(aggregate: Callable[[list[Any]], Any]) -> Callable[[Any], Any]:
    """Apply ``aggregate`` to the numbers of an array; what is no number is left out."""

    def apply(value: Any) -> Any:
        if not isinstance(value, list):
            return ABSENT
        numbers = [item for item in value if isinstance(item, (int, float)) and not isinstance(item, bool)]
        try:
            return aggregate(numbers) if numbers else ABSENT
        except OverflowError:  # an integer that no float can hold, beside a float
            return ABSENT

    return apply


FUNCTIONS: Final[dict[str, Callable[[Any], Any]]] = {
    "length": _length,
    "size": _length,
    "keys": _keys,
    "first": _first,
    "last": _last,
    "min": _of_numbers(min),
    "max": _of_numbers(max),
    "sum": _of_numbers(sum),
    "avg": _of_numbers(lambda numbers: sum(numbers) / len(numbers)),
}
