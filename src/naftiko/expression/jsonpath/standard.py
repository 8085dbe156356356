"""Bracketed segments of RFC 9535 (slices, unions, filters), evaluated by ``jsonpath-rfc9535``.

Only a path that has one imports this module: with the library it takes 35 ms to import.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Final

from jsonpath_rfc9535 import JSONPathEnvironment, JSONPathNode
from jsonpath_rfc9535 import JSONPathError as LibraryError
from jsonpath_rfc9535.segments import JSONPathSegment
from jsonpath_rfc9535.selectors import IndexSelector, NameSelector, WildcardSelector

from naftiko.expression.jsonpath.brackets import end_of_brackets, rewrite
from naftiko.expression.jsonpath.literals import JSONPathError
from naftiko.expression.jsonpath.operators import operators
from naftiko.expression.jsonpath.patterns import Like, Match, Search, compile_pattern, start_budget
from naftiko.expression.jsonpath.segments import Index, Name, NameList, Segment, Wildcard

_DEEPEST: Final = 1_000_000
"""Python's own stack is the limit; a RecursionError is caught where a path is evaluated."""

_WORDINGS: Final = [
    (re.compile(theirs), ours)
    for theirs, ours in (
        (r" (?:starting )?at index \d+$", ""),
        (r"^non-singular query is not comparable$", "only a path of names and indexes can be compared"),
        (r"^filter expression literals outside .*$", "a value alone is no condition: compare it with something"),
        (r"^expected 'COMMA'.*$", "a ',' or ']' is missing"),
        (r"^unexpected token in bracketed selection .*$", "a name in quotes, an index or a filter is missing"),
        (r"^unexpected token ('\w') in bracketed selection$", r"unexpected \1: a name in brackets stands in quotes"),
        (r"^unexpected filter selector token ('.*')$", r"unexpected \1 in a filter"),
        (r"^unexpected shorthand selector ('.*')$", r"unexpected \1 after '.'"),
        (r"argument 0 must be", "argument must be"),
        (r"must be of NodesType$", "must be a path"),
        (r"must be of (?:Value|Logical)Type$", "must be one value"),
        (r"^'(\w+)'\(\) requires (\d+) arguments$", r"\1() takes \2"),
    )
]


class _Environment(JSONPathEnvironment):
    """The library with patterns that end, ``like()`` for ``=~``, and Jayway's operators."""

    max_recursion_depth = _DEEPEST

    def setup_function_extensions(self) -> None:
        super().setup_function_extensions()
        self.function_extensions.update(operators(), match=Match(), search=Search(), like=Like())


@cache
def _environment() -> _Environment:
    return _Environment()


@dataclass(frozen=True, slots=True)
class Bracketed:
    """A segment that the library evaluates; ``text`` is its spelling in RFC 9535."""

    is_place: ClassVar[bool] = True
    """What it finds stands in the document itself."""
    text: str
    _segment: JSONPathSegment

    def select(self, nodes: list[Any], root: Any) -> list[Any]:
        """Give what the library's selectors find in each node, in its order."""
        start_budget()
        starts = (JSONPathNode(value=node, location=(), parent=None, root=root) for node in nodes)
        return [node.value for node in self._segment.resolve(starts)]

    def __str__(self) -> str:
        return self.text


def read_brackets(text: str, start: int) -> tuple[Segment, int]:
    """Compile the bracketed segment that begins at ``start`` in ``text``, the whole expression.

    Returns:
        The segment, and the offset after its last bracket.

    Raises:
        JSONPathError: it is broken.
    """
    stop = end_of_brackets(text, start)
    if stop < 0:
        raise JSONPathError("this bracket, or a quote inside it, is never closed", start)
    return _compile(text[start:stop], start), stop


def _compile(written: str, column: int) -> Segment:
    rewritten = rewrite(written)
    for pattern, flags, offset in rewritten.patterns:
        try:
            compile_pattern(pattern, flags)
        except ValueError as error:
            raise JSONPathError(str(error), column + offset) from None
    try:
        (segment,) = _environment().compile(f"${rewritten.text}").segments
    except LibraryError as error:
        place = rewritten.offset(max(error.token.index - 1, 0)) if error.token else 0
        raise JSONPathError(_sentence(str(error.args[0])), column + min(place, len(written) - 1)) from None
    except RecursionError:
        raise JSONPathError("the expression is nested too deeply", column) from None
    except (ValueError, ArithmeticError, LookupError):  # a number that no float or int can hold
        raise JSONPathError("the expression can't be read", column) from None
    return _own(segment) or Bracketed(rewritten.text, segment)


def _sentence(message: str) -> str:
    """Put the library's message, which names its tokens and the RFC's types, in words for an author."""
    for theirs, ours in _WORDINGS:
        message = theirs.sub(ours, message)
    return message


def _own(segment: JSONPathSegment) -> Segment | None:
    """Take our own segment where the library read names alone, or a single index or wildcard."""
    if len(segment.selectors) != 1:
        names = [selector.name for selector in segment.selectors if isinstance(selector, NameSelector)]
        return NameList(tuple(names)) if len(names) == len(segment.selectors) else None
    selector = segment.selectors[0]
    if isinstance(selector, NameSelector):
        return Name(selector.name)
    if isinstance(selector, IndexSelector):
        return Index(selector.index)
    return Wildcard() if isinstance(selector, WildcardSelector) else None
