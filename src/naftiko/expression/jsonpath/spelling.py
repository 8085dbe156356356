"""From what people write to segments (SEMANTICS 5.3).

RFC 9535, and beside it: ``$.`` and an empty text for the whole document, a trailing dot, a path without ``$`` (or from
``@``), a dot before a bracket, and dotted names with spaces, hyphens, leading digits, ``@`` and ``$``. A dotted name
ends at a dot, a bracket or a character that would make it an expression; blanks around it are not part of it. Any
other name goes into quotes: ``$['a.b']``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, TypeAlias

from naftiko.expression.jsonpath.functions import FUNCTIONS, FunctionCall
from naftiko.expression.jsonpath.literals import JSONPathError, json_of, split_arguments
from naftiko.expression.jsonpath.segments import Descent, Getter, Index, Length, Name, NameList, Segment, Wildcard

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
_MISTAKES: Final = {
    "{": "a template can't stand inside a JSONPath",
    "*": "a '*' stands alone between dots or in brackets",
    "?": "a filter stands in brackets: [?@.name == 'value']",
    "(": "only a function may be called: $.items.length()",
}


Argument: TypeAlias = Callable[[str], Getter]
"""Compiles a path that is an argument of a function."""


def read(text: str, compile_argument: Argument) -> tuple[Segment, ...]:
    """Take an expression apart into its segments.

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
            call, place = _read_call(text, found, end, compile_argument, gathers=not is_definite(segments))
            segments.append(call)
            continue
        segments.append(_segment(found, dots))
        place = found.end()
        if kind == "name" and segments[-1] == Name(Length.key) and text[place:end].strip(_BLANK) in {"", "."}:
            segments[-1] = Length()
    return tuple(_as_last(segments))


def is_definite(segments: Sequence[Segment]) -> bool:
    """Tell whether a path finds at most one value: a singular query of RFC 9535, and what a function makes of any."""
    definite = True
    for segment in segments:
        if isinstance(segment, FunctionCall):
            definite = True
        elif not isinstance(segment, (Name, Index, Length)) and not (isinstance(segment, NameList) and segment.merges):
            definite = False
    return definite


def _as_last(segments: list[Segment]) -> list[Segment]:
    """Say what the last segment means, where it means something else in the midst of a path."""
    last = segments[-1] if segments else None
    if isinstance(last, NameList):
        return [*segments[:-1], replace(last, merges=True)]
    if isinstance(last, Descent) and isinstance(last.inner, NameList):
        return [*segments[:-1], Descent(replace(last.inner, merges=True, needs_all=True))]
    return segments


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
    from naftiko.expression.jsonpath.standard import read_brackets  # noqa: PLC0415 - 35 ms, for the few that need it

    segment, stop = read_brackets(text[:end], start)
    return (Descent(segment) if dots == ".." else segment), stop


def _read_call(
    text: str, name: re.Match[str], end: int, compile_argument: Argument, *, gathers: bool
) -> tuple[FunctionCall, int]:
    """Read a function and its arguments; return it, and the offset after its parenthesis."""
    called, column = name["name"].rstrip(_BLANK), name.start("name")
    signature = FUNCTIONS.get(called)
    if signature is None:
        raise JSONPathError(f"no such function: {called}; there are {', '.join(FUNCTIONS)}", column)
    if name["dots"] == "..":
        raise JSONPathError(f"one dot stands before {called}()", column)
    pieces, after = split_arguments(text, name.end(), end)
    if not signature.least <= len(pieces) <= signature.most:
        takes = "one argument" if signature.least else "at most one argument, a path"
        raise JSONPathError(f"{called}() takes {takes}", name.end())
    arguments = tuple(_read_argument(piece, place, compile_argument) for piece, place in pieces)
    return FunctionCall(signature.function, arguments, gathers, text[column:after]), after


def _read_argument(text: str, place: int, compile_argument: Argument) -> Getter:
    """Read an argument: a path from the root, or JSON (a text may stand in single quotes)."""
    if text.startswith(("$", "@")):
        try:
            return compile_argument(text)
        except JSONPathError as error:
            raise JSONPathError(error.message, place + error.column) from None
    try:
        value = json_of(text)
    except ValueError:
        raise JSONPathError("an argument is a path that begins with $, or JSON", place) from None
    return lambda _: value


def _unexpected(text: str, place: int, end: int) -> JSONPathError:
    """Say what stands at ``place`` where a segment should."""
    while place < end and text[place] in _BLANK:
        place += 1
    if place >= end:
        return JSONPathError("the expression ends where a name or '[' should follow", end - 1)
    expected = _MISTAKES.get(text[place], "expected '.' and a name, or '['")
    return JSONPathError(f"unexpected {text[place]!r}: {expected}", place)
