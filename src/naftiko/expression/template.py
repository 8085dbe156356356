"""The one template engine: Mustache (https://mustache.github.io/mustache.5.html) without HTML escaping.

``{{name}}`` and ``{{{name}}}`` are placeholders, ``{{#list}}…{{/list}}`` a section, ``{{^list}}…{{/list}}`` an
inverted one, ``{{! … }}`` a comment. A template is parsed once, at load. What a placeholder means is decided by
whoever parses it (an input, a variable, a step's result); how a value is escaped follows from where it stands.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from naftiko.expression import sparql
from naftiko.expression.escape import EscapeContext, NotWritable, escape
from naftiko.expression.placeholders import TAG, broken_at, may_hold_tags
from naftiko.expression.scope import Composed, Scope
from naftiko.ground.errors import InputError, Problem
from naftiko.ground.types import ABSENT

_DEEPEST_SECTION = 50
_NOTHING = (ABSENT, None)


class TemplateError(ValueError):
    """A broken template.

    Attributes:
        column: where in the text, from 0.
    """

    def __init__(self, message: str, column: int) -> None:
        super().__init__(message)
        self.column = column


class Value(Protocol):
    """What a placeholder stands for."""

    def __call__(self, scope: Scope) -> Any:
        """Return the value, or ABSENT."""
        ...


Resolve: TypeAlias = Callable[[str], Value]
"""Says what a placeholder's name means."""


@dataclass(frozen=True, slots=True)
class Placeholder(Composed):
    """A value in a text."""

    name: str
    value: Value
    position: EscapeContext


@dataclass(frozen=True, slots=True)
class Section(Composed):
    """A part that is repeated for a list, shown for a true value, or (inverted) shown for a missing one."""

    name: str
    value: Value
    inverted: bool
    parts: tuple[Part, ...]

    def inner(self) -> Iterator[Any]:
        """Yield what decides of it, and what stands in it."""
        yield self.value
        yield from (part for part in self.parts if not isinstance(part, str))


Part: TypeAlias = "str | Placeholder | Section"


@dataclass(frozen=True, slots=True)
class Template(Composed):
    """A parsed template; call it with a scope.

    Attributes:
        text: as written.
        names: the names of its placeholders and sections, in order.
    """

    text: str
    parts: tuple[Part, ...]

    def inner(self) -> Iterator[Any]:
        """Yield its placeholders and sections."""
        yield from (part for part in self.parts if not isinstance(part, str))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the placeholders, in order, each once."""
        return tuple(dict.fromkeys(_names(self.parts)))

    @property
    def lone(self) -> Placeholder | None:
        """The placeholder, where the template is nothing else; its value keeps its type then."""
        if len(self.parts) == 1 and isinstance(self.parts[0], Placeholder):
            return self.parts[0]
        return None

    def __call__(self, scope: Scope) -> Any:
        """Render; a lone placeholder gives its value, a template whose every placeholder is absent ABSENT."""
        lone = self.lone
        if lone is not None:
            return lone.value(scope)
        present = False
        pieces: list[str] = []
        for part in self.parts:
            if isinstance(part, str):
                pieces.append(part)
                continue
            text = _render(part, scope)
            present = present or text is not None
            pieces.append(text or _missing(part))
        return "".join(pieces) if present or not self.names else ABSENT

    def lacks_values(self, scope: Scope) -> bool:
        """Tell whether any placeholder is absent, or null."""
        return any(isinstance(part, Placeholder) and part.value(scope) in _NOTHING for part in self.parts)

    def render(self, scope: Scope) -> str:
        """Render as text whatever is absent: nothing in its place, ``null`` for a JSON value."""
        return "".join(part if isinstance(part, str) else _render(part, scope) or _missing(part) for part in self.parts)


def _names(parts: tuple[Part, ...]) -> Iterator[str]:
    for part in parts:
        if not isinstance(part, str):
            yield part.name


def _missing(part: Placeholder | Section) -> str:
    return "null" if isinstance(part, Placeholder) and part.position is EscapeContext.JSON_VALUE else ""


def _render(part: Placeholder | Section, scope: Scope) -> str | None:
    """Render one part; ``None`` where its value is absent, as ``null`` is in a text (SEMANTICS 3.2).

    Raises:
        InputError: nothing can write its value where it stands.
    """
    value = part.value(scope)
    if isinstance(part, Placeholder):
        if value is ABSENT or (value is None and part.position is not EscapeContext.JSON_VALUE):
            return None
        try:
            return escape(value, part.position)
        except NotWritable as error:
            raise InputError([Problem(part.name, "body", f"`{part.name}` {error}", "other text")]) from None
    shown = value is not ABSENT and value is not None and value is not False and value not in ("", [])
    if part.inverted:
        return None if shown else _inside(part, scope)
    if not shown:
        return None
    frames = value if isinstance(value, list) else [value]
    return "".join(_inside(part, _framed(scope, frame)) for frame in frames)


def _inside(section: Section, scope: Scope) -> str:
    return "".join(part if isinstance(part, str) else _render(part, scope) or _missing(part) for part in section.parts)


def _framed(scope: Scope, frame: Any) -> Scope:
    """Return a scope in which a section's element is seen: its fields by name, itself as ``.``."""
    inside: Mapping[str, Any] = frame if isinstance(frame, Mapping) else {}
    return Scope({**scope.inputs, **inside, ".": frame}, scope.variables, scope.steps, scope.answers)


def has_placeholder(text: str) -> bool:
    """Tell whether a text is a template at all."""
    return "{{" in text


def parse(text: str, resolve: Resolve, position: EscapeContext = EscapeContext.PLAIN) -> Template:
    """Parse a template whose placeholders all stand at the same kind of position.

    Raises:
        TemplateError: a section is not closed, closed twice, a placeholder has no name, or lacks a brace.
    """
    return Template(text, _Parser(text, resolve, lambda _: position).parse())


def parse_json_text(text: str, resolve: Resolve) -> Template:
    """Parse JSON text with placeholders: inside quotes a value's text is escaped, elsewhere it is JSON.

    Raises:
        TemplateError: as ``parse``.
    """
    inside = _inside_json_strings(text)
    return Template(
        text,
        _Parser(
            text,
            resolve,
            lambda at: EscapeContext.JSON_STRING if inside(at) else EscapeContext.JSON_VALUE,
            is_json=True,
        ).parse(),
    )


def parse_sparql(text: str, resolve: Resolve) -> Template:
    """Parse a SPARQL text with placeholders: inside quotes, inside ``<`` and ``>``, in comments and bare.

    Raises:
        TemplateError: as ``parse``.
    """
    place = sparql.places(text)
    return Template(text, _Parser(text, resolve, lambda at: _IN_SPARQL[place(at)]).parse())


_IN_SPARQL = {
    "string": EscapeContext.SPARQL_STRING,
    "iri": EscapeContext.SPARQL_IRI,
    "comment": EscapeContext.SPARQL_COMMENT,
    "bare": EscapeContext.SPARQL_BARE,
}


def _inside_json_strings(text: str) -> Callable[[int], bool]:
    """Return a test for whether an offset lies inside a JSON string; placeholders are passed over whole."""
    spans: list[tuple[int, int]] = []
    opened: int | None = None
    at = 0
    while at < len(text):
        tag = TAG.match(text, at)
        if tag:
            at = tag.end()
            continue
        character = text[at]
        if character == "\\" and opened is not None:
            at += 2
            continue
        if character == '"':
            if opened is None:
                opened = at
            else:
                spans.append((opened, at))
                opened = None
        at += 1
    if opened is not None:
        spans.append((opened, len(text)))
    starts = [start for start, _ in spans]

    def inside(offset: int) -> bool:
        at = bisect_left(starts, offset) - 1
        return at >= 0 and offset <= spans[at][1]

    return inside


class _Parser:
    def __init__(
        self, text: str, resolve: Resolve, position: Callable[[int], EscapeContext], *, is_json: bool = False
    ) -> None:
        self._text = text
        self._is_json = is_json
        self._resolve = resolve
        self._position = position
        self._tags = list(TAG.finditer(text))
        self._next = 0
        self._open: list[str] = []

    def parse(self) -> tuple[Part, ...]:
        broken = broken_at(self._text, is_json=self._is_json) if may_hold_tags(self._text) else None
        if broken is not None:
            raise TemplateError("a placeholder lacks a brace: it is {{name}}", broken)
        parts, end = self._parts(0, None)
        return self._with_tail(parts, self._text[end:])

    def _parts(self, start: int, section: re.Match[str] | None) -> tuple[list[Part], int]:
        """Parse up to the end of a section, or of the text; return the parts and where the rest begins."""
        parts: list[Part] = []
        if len(self._open) > _DEEPEST_SECTION:
            raise TemplateError(f"sections stand more than {_DEEPEST_SECTION} deep in one another", start)
        while self._next < len(self._tags):
            tag = self._tags[self._next]
            self._next += 1
            if tag.start() > start:
                parts.append(self._text[start : tag.start()])
            start = tag.end()
            kind, name = tag["kind"], (tag["name"] if tag["triple"] is None else tag["triple"])
            if kind == "!":
                continue
            if kind == "/":
                self._check_close(tag, section)
                return parts, start
            if not name:
                raise TemplateError("a placeholder without a name", tag.start())
            if kind in {"#", "^"}:
                self._open.append(name)
                inner, start = self._parts(start, tag)
                self._open.pop()
                parts.append(Section(name, self._resolve(name), kind == "^", tuple(inner)))
            else:
                parts.append(Placeholder(name, self._resolve(name), self._position(tag.start())))
        if section is not None:
            raise TemplateError(f"the section `{section['name']}` is never closed", section.start())
        return parts, start

    @staticmethod
    def _check_close(tag: re.Match[str], section: re.Match[str] | None) -> None:
        if section is None:
            raise TemplateError(f"`{tag['name']}` is closed and was never opened", tag.start())
        if section["name"] != tag["name"]:
            raise TemplateError(f"`{section['name']}` is open where `{tag['name']}` is closed", tag.start())

    @staticmethod
    def _with_tail(parts: list[Part], tail: str) -> tuple[Part, ...]:
        return (*parts, tail) if tail else tuple(parts)
