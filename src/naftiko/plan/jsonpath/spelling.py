"""From what people write to segments (SEMANTICS 5.3).

RFC 9535, and beside it: ``$.`` and an empty text for the whole document, a trailing dot, a path without ``$`` (or from
``@``), a dot before a bracket, and dotted names with spaces, hyphens, leading digits, ``@`` and ``$``. A dotted name
ends at a dot, a bracket or a character that would make it an expression; blanks around it are not part of it. Any
other name goes into quotes: ``$['a.b']``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from naftiko.plan.jsonpath.errors import JSONPathError
from naftiko.plan.jsonpath.functions import FUNCTIONS
from naftiko.plan.jsonpath.segments import Descent, Index, Name, Segment, Wildcard

_BLANK: Final = " \t\r\n"
_STEP = re.compile(
    r"""[ \t\r\n]*
    (?P<dots>\.{1,2})? [ \t\r\n]*
    (?: (?P<name>  [^][.(){}*?,'"`\\|=<>!\x00-\x20\x7f] [^][.(){}*?,'"`\\|=<>!\x00-\x1f\x7f]* )
      | (?P<any>   \* )
      | \[ [ \t\r\n]* (?: '(?P<single> [^'\\\x00-\x1f]* )' | "(?P<double> [^"\\\x00-\x1f]* )"
                        | (?P<index> 0 | -?[1-9][0-9]{0,14} ) | (?P<each> \* ) ) [ \t\r\n]* \]
    )""",
    re.VERBOSE,
)
_DOTS = re.compile(r"[ \t\r\n]*(\.{0,2})[ \t\r\n]*")
_CALL = re.compile(r"\([ \t\r\n]*\)")
_MISTAKES: Final = {
    "{": "a template can't stand inside a JSONPath",
    "*": "a '*' stands alone between dots or in brackets",
    "?": "a filter stands in brackets: [?@.name == 'value']",
    "(": "only a function may be called, at the end of a path",
}


@dataclass(frozen=True, slots=True)
class Spelled:
    """An expression taken apart: its segments and the function at its end, if any."""

    segments: tuple[Segment, ...]
    function: Callable[[Any], Any] | None = None


def read(text: str) -> Spelled:
    """Take an expression apart.

    Raises:
        JSONPathError: it is broken; the column is inside ``text``.
    """
    end = len(text.rstrip(_BLANK))
    place, rooted = _skip_root(text, end)
    segments: list[Segment] = []
    while place < end:
        found = _STEP.match(text, place, end)
        if found is None:
            segment, place = _read_other(text, place, end)
            if segment is None:
                break
            segments.append(segment)
            continue
        kind, dots = found.lastgroup, found["dots"]
        if dots is None and kind in ("name", "any") and (rooted or segments):
            raise _unexpected(text, place, end)
        if kind == "name" and text[found.end() : found.end() + 1] == "(":
            return Spelled(tuple(segments), _read_function(text, found, end))
        segments.append(_segment(found, dots))
        place = found.end()
    return Spelled(tuple(segments))


def _skip_root(text: str, end: int) -> tuple[int, bool]:
    """Find where the first segment begins, and whether a ``$`` or ``@`` stands before it."""
    place = end - len(text[:end].lstrip(_BLANK))
    if place == end or text[place] not in "$@":
        return place, False
    after = text[place + 1 : end].lstrip(_BLANK)[:1]
    if after in ("", ".", "["):
        return place + 1, True
    if text[place] == "@":  # a name such as @id
        return place, False
    raise JSONPathError("a '.' or '[' is missing after '$'", place + 1)


def _segment(found: re.Match[str], dots: str | None) -> Segment:
    kind = found.lastgroup
    segment: Segment
    if kind == "name":
        segment = Name(found["name"].rstrip(_BLANK))
    elif kind == "index":
        segment = Index(int(found["index"]))
    elif kind in ("any", "each"):
        segment = Wildcard()
    else:
        segment = Name(found["single"] if kind == "single" else found["double"])
    return Descent(segment) if dots == ".." else segment


def _read_other(text: str, place: int, end: int) -> tuple[Segment | None, int]:
    """Read a bracketed segment that is no plain name or index, or the dot that ends some paths (no segment)."""
    found = _DOTS.match(text, place, end)
    dots, start = (found[1], found.end()) if found else ("", place)
    if start == end and dots == ".":
        return None, end
    if text[start : start + 1] != "[" or start >= end:
        raise _unexpected(text, start, end)
    from naftiko.plan.jsonpath.standard import read_brackets  # noqa: PLC0415 - 35 ms, for the few that need it

    segment, stop = read_brackets(text[:end], start)
    return (Descent(segment) if dots == ".." else segment), stop


def _read_function(text: str, name: re.Match[str], end: int) -> Callable[[Any], Any]:
    function = FUNCTIONS.get(name["name"])
    column = name.start("name")
    if function is None:
        raise JSONPathError(f"no such function: {name['name']}; there are {', '.join(FUNCTIONS)}", column)
    call = _CALL.match(text, name.end(), end)
    if call is None:
        raise JSONPathError(f"{name['name']}() takes no arguments", name.end())
    if call.end() < end:
        raise JSONPathError(f"{name['name']}() must end the path", column)
    if name["dots"] == "..":
        raise JSONPathError(f"one dot stands before {name['name']}()", column)
    return function


def _unexpected(text: str, place: int, end: int) -> JSONPathError:
    """Say what stands at ``place`` where a segment should."""
    while place < end and text[place] in _BLANK:
        place += 1
    if place >= end:
        return JSONPathError("the expression ends where a name or '[' should follow", end - 1)
    expected = _MISTAKES.get(text[place], "expected '.' and a name, or '['")
    return JSONPathError(f"unexpected {text[place]!r}: {expected}", place)
