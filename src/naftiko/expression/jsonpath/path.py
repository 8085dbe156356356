"""A compiled JSONPath, and what it says about a document that lacks what it names."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from naftiko.expression.jsonpath.segments import (
    Descent,
    Getter,
    Index,
    Length,
    Name,
    Segment,
    Wildcard,
    compile_definite,
    compile_found,
    compile_indefinite,
)
from naftiko.expression.jsonpath.spelling import is_definite, read

_BACKQUOTE = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|(`)""", re.DOTALL)
_BACKQUOTED_TAIL = re.compile(r"\.`(len|keys)`\s*$")
_TAILS: Final = {"len": "length", "keys": "keys"}
_LISTED: Final = 10
_KINDS: Final[dict[str, type | tuple[type, ...]]] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "null": type(None),
    "number": (int, float),
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """How far a path came in a document.

    Attributes:
        matched: the longest prefix that found something, such as ``$.a.b``.
        missing: the segment after it, which found nothing, such as ``.c``; ``""`` when nothing is missing.
        kind: what the prefix found (the first of several): ``object``, ``array``, ``string``, ``number``,
            ``boolean``, ``null`` or ``other``.
        keys: the keys of that object, all of them, as text; ``()`` of anything else. Never values.
        length: the length of that array; ``None`` of anything else.
    """

    matched: str
    missing: str
    kind: str
    keys: tuple[str, ...] = ()
    length: int | None = None

    def __str__(self) -> str:
        """Say it in a sentence."""
        if not self.missing:
            return f"{self.matched} is there"
        sentence = f"{self.matched} has no {self.missing.removeprefix('.')}: it is {_with_article(self.kind)}"
        if self.kind == "array":
            return f"{sentence} of {self.length}"
        if self.kind != "object":
            return sentence
        more = f" and {len(self.keys) - _LISTED} more" if len(self.keys) > _LISTED else ""
        return f"{sentence} with {', '.join(self.keys[:_LISTED]) or 'no keys'}{more}"


def _with_article(kind: str) -> str:
    if kind in ("null", "other"):
        return {"null": "null", "other": "something else"}[kind]
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


@dataclass(frozen=True, slots=True)
class JSONPath:
    """A path compiled by ``parse``; immutable, safe to share between threads, equal by its text.

    Attributes:
        text: the expression as written.
        definite: whether it finds at most one value (a singular query of RFC 9535, or one that ends in a function).
        name: the last name in it, such as ``c`` of ``$.a.b[0].c[*]``, or ``None``.
        find: what a call does, without one frame of it: an answer may take hundreds of paths.
    """

    text: str
    definite: bool = field(compare=False)
    name: str | None = field(compare=False)
    find: Getter = field(compare=False, repr=False)
    _segments: tuple[Segment, ...] = field(compare=False, repr=False)

    @property
    def segments(self) -> tuple[Segment, ...]:
        """What it is made of."""
        return self._segments

    @property
    def names(self) -> tuple[str, ...]:
        """The names of a path that consists of nothing else, such as ``$.a.b``; ``()`` of any other."""
        names = tuple(segment.key for segment in self._segments if isinstance(segment, Name))
        return names if len(names) == len(self._segments) else ()

    @property
    def keys(self) -> tuple[str | int, ...] | None:
        """The names and indexes of a path that consists of nothing else, ``()`` of ``$``; ``None`` of any other."""
        keys = tuple(segment.key for segment in self._segments if isinstance(segment, Name | Index))
        return keys if len(keys) == len(self._segments) else None

    @property
    def steps(self) -> tuple[str | int | None, ...] | None:
        """The same of a path that has wildcards too, each of them ``None``."""
        kinds = [segment for segment in self._segments if isinstance(segment, Name | Index | Wildcard)]
        steps = tuple(None if isinstance(segment, Wildcard) else segment.key for segment in kinds)
        return steps if len(steps) == len(self._segments) else None

    def __call__(self, document: Any) -> Any:
        """Apply the path; never raises.

        Returns:
            The value or ``ABSENT`` when definite (a JSON null that is there is ``None``); otherwise a new list of all
            values in the RFC's order, ``[]`` when there are none.
        """
        return self.find(document)

    def explain(self, document: Any) -> Explanation:
        """Tell where the path leaves the document: the longest prefix that found something, and what is there."""
        matched, nodes = "$", [document]
        for segment in self._segments:
            try:
                selected = segment.select(nodes, document)
            except RecursionError:
                selected = []
            if not selected:
                return _describe(matched, str(segment), nodes[0])
            matched, nodes = matched + str(segment), selected
        return _describe(matched, "", nodes[0])


def _argument(text: str) -> Getter:
    """Compile a path that is an argument of a function."""
    return _compile(text, read(text, _argument))


def _describe(matched: str, missing: str, node: Any) -> Explanation:
    kind = next((kind for kind, types in _KINDS.items() if isinstance(node, types)), "other")
    keys = tuple(map(str, node)) if isinstance(node, dict) else ()
    return Explanation(matched, missing, kind, keys, len(node) if isinstance(node, list) else None)


@lru_cache(maxsize=4096)
def parse(text: str) -> JSONPath:
    """Compile an expression; the same text gives the same object.

    Raises:
        JSONPathError: it is broken; the column, counted from 0, is inside ``text``.
    """
    if "`" not in text or not any(found[1] for found in _BACKQUOTE.finditer(text)):
        return _compile(text, read(text, _argument))
    tail = _BACKQUOTED_TAIL.search(text)
    if tail and "`" not in text[: tail.start()]:
        return _compile(text, read(f"{text[: tail.start()]}.{_TAILS[tail[1]]}()", _argument))
    from naftiko.expression.jsonpath.backquotes import parse_backquotes  # noqa: PLC0415 - 22 ms, for the few that need it

    return _compile(text, (parse_backquotes(text),))


def _compile(text: str, segments: tuple[Segment, ...]) -> JSONPath:
    singular = [segment for segment in segments if isinstance(segment, (Name, Index))]
    if len(singular) == len(segments):
        return JSONPath(
            text, definite=True, name=_last_name(segments), find=compile_definite(singular), _segments=segments
        )
    definite = is_definite(segments)
    get = compile_found(segments) if definite else compile_indefinite(segments)
    return JSONPath(text, definite, _last_name(segments), get, segments)


def _last_name(segments: tuple[Segment, ...]) -> str | None:
    for segment in reversed(segments):
        inner = segment.inner if isinstance(segment, Descent) else segment
        if isinstance(inner, (Name, Length)):
            return inner.key
    return None
