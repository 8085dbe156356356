"""Operators of Jayway's filters as functions of RFC 9535: ``@.tags contains 'x'`` is ``contains(@.tags, 'x')``.

A list is compared element by element; a number is never equal to a text or to ``true``. What is missing fits nothing.
Imported with ``standard`` only.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, ClassVar, Final

from jsonpath_rfc9535.filter_expressions import NOTHING
from jsonpath_rfc9535.function_extensions import ExpressionType, FilterFunction

from naftiko.ground import jsontext

Test = Callable[[Any, Any], bool]


def _same(one: Any, other: Any) -> bool:
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _holds(values: list[Any], wanted: Any) -> bool:
    return any(_same(value, wanted) for value in values)


def _contains(left: Any, right: Any) -> bool:
    """Tell whether a list has an element, or a text a part."""
    if isinstance(left, str):
        return isinstance(right, str) and right in left
    return isinstance(left, list) and _holds(left, right)


def _among(left: Any, right: Any) -> bool:
    return left is not NOTHING and isinstance(right, list) and _holds(right, left)


def _of_lists(test: Callable[[list[Any], list[Any]], bool]) -> Test:
    return lambda left, right: isinstance(left, list) and isinstance(right, list) and test(left, right)


_TESTS: Final[dict[str, Test]] = {
    "contains": _contains,
    "among": _among,
    "subsetof": _of_lists(lambda left, right: all(_holds(right, value) for value in left)),
    "anyof": _of_lists(lambda left, right: any(_holds(right, value) for value in left)),
    "noneof": _of_lists(lambda left, right: not any(_holds(right, value) for value in left)),
    "all": _of_lists(lambda left, right: all(_holds(left, value) for value in right)),
}


class _Operator(FilterFunction):
    arg_types: ClassVar = [ExpressionType.VALUE, ExpressionType.VALUE]
    return_type: ClassVar = ExpressionType.LOGICAL

    def __init__(self, test: Test) -> None:
        self._test = test

    def __call__(self, left: object, right: object) -> bool:
        """Tell whether the operator holds."""
        return self._test(left, right)


class _Literal(FilterFunction):
    """``literal(json)``: the value of JSON, such as a list, for which the RFC has no words in a filter."""

    arg_types: ClassVar = [ExpressionType.VALUE]
    return_type: ClassVar = ExpressionType.VALUE

    def __call__(self, text: object) -> object:
        """Return the value; nothing where it is no JSON."""
        return _value(text) if isinstance(text, str) else NOTHING


@lru_cache(maxsize=256)
def _value(text: str) -> object:
    try:
        return jsontext.read(text)
    except ValueError:
        return NOTHING


def operators() -> dict[str, FilterFunction]:
    """Return the functions by their names."""
    return {**{name: _Operator(test) for name, test in _TESTS.items()}, "literal": _Literal()}
