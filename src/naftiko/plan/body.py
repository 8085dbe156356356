"""Request bodies of consumed operations, compiled (SEMANTICS 4.3)."""

from __future__ import annotations

import enum
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from naftiko.document.model import RequestBody
from naftiko.plan.references import Constant, Names, Structure, compile_data, inputs_of
from naftiko.plan.scope import Scope
from naftiko.plan.template import Placeholder, Position, Template, Value, has_placeholder, parse, parse_json_text
from naftiko.plan.text import as_text, compact_json
from naftiko.types import ABSENT

_SINGLE_BRACES = re.compile(r"\{([A-Za-z_][\w.-]*)\}")


class BodyKind(enum.Enum):
    """How a body is written, with its media type."""

    JSON = "application/json"
    """A structure, filled and dumped."""
    JSON_TEXT = "application/json; "
    """JSON text with placeholders, escaped by position."""
    TEXT = "text/plain; charset=utf-8"
    XML = "application/xml"
    SPARQL = "application/sparql-query"
    FORM = "application/x-www-form-urlencoded"
    MULTIPART = "multipart/form-data"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a multipart body (RFC 7578)."""

    name: str
    value: Value
    filename: Value | None
    content_type: str | None


@dataclass(frozen=True, slots=True)
class BodyTemplate:
    """A body block.

    Attributes:
        kind: how it is written.
        value: its data, to be filled: a structure, a template or a lone placeholder.
        parts: of a multipart body.
        names: the names of its placeholders that are inputs, in order.
    """

    kind: BodyKind
    value: Value | None
    parts: tuple[Part, ...] = ()
    names: tuple[str, ...] = ()

    @property
    def media_type(self) -> str:
        """The media type that is sent."""
        return self.kind.value.removesuffix("; ")


_TEXT_KINDS = {
    "text": (BodyKind.TEXT, Position.PLAIN),
    "xml": (BodyKind.XML, Position.XML),
    "sparql": (BodyKind.SPARQL, Position.PLAIN),
}


def compile_body(body: RequestBody, names: Names) -> BodyTemplate | None:
    """Compile a body block; a block without data declares a JSON body, which the caller's inputs are.

    Raises:
        TemplateError: a placeholder is broken.
    """
    if not body.has_data:
        return None
    before = set(names.used)
    kind, value, parts = _compile(body, names)
    used = tuple(name for name in names.used if name not in before)
    return BodyTemplate(kind, value, parts, used)


def _compile(body: RequestBody, names: Names) -> tuple[BodyKind, Value | None, tuple[Part, ...]]:
    data = body.data
    if body.type == "multipartForm":
        return BodyKind.MULTIPART, None, tuple(_parts(body, names))
    if body.type == "formUrlEncoded":
        position = Position.QUERY if isinstance(data, str) else Position.PLAIN
        value = parse(data, names.resolve, position) if isinstance(data, str) else compile_data(data, names)
        return BodyKind.FORM, value, ()
    if body.type in _TEXT_KINDS:
        text_kind, position = _TEXT_KINDS[body.type]
        return text_kind, parse(_as_text(data), names.resolve, position), ()
    if not isinstance(data, str):
        return BodyKind.JSON, compile_data(data, names), ()
    return _json_text(data, names)


@dataclass(frozen=True, slots=True)
class JsonText:
    """JSON text with placeholders.

    It is filled as text, so that it stays as it is written; where a value is absent it is filled by structure, so
    that the key whose only placeholder it is can be left out.
    """

    template: Template
    structure: Structure | None

    def render(self, scope: Scope) -> str:
        """Return the JSON text."""
        if self.structure is not None and self.template.lacks_values(scope):
            return compact_json(self.structure(scope))
        return self.template.render(scope)

    def __call__(self, scope: Scope) -> str:
        """Return the JSON text."""
        return self.render(scope)


def _structure(template: Template) -> Structure | None:
    """Return the structure of JSON text with placeholders, or ``None`` where it has sections or is no JSON."""
    marks: dict[str, Placeholder] = {}
    pieces: list[str] = []
    for part in template.parts:
        if isinstance(part, str):
            pieces.append(part)
        elif isinstance(part, Placeholder):
            mark = f"\ue000{len(marks)}\ue001"
            marks[mark] = part
            pieces.append(mark if part.position is Position.JSON_STRING else f'"{mark}"')
        else:
            return None
    try:
        return Structure(_unmark(json.loads("".join(pieces)), marks))
    except (ValueError, RecursionError, _KeyIsTemplate):
        return None


class _KeyIsTemplate(Exception):  # it is caught here, never shown
    """JSON text with a placeholder in a key, which is filled as text only."""


_MARK = re.compile("(\ue000\\d+\ue001)")


def _unmark(value: Any, marks: Mapping[str, Placeholder]) -> Any:
    if isinstance(value, dict):
        if any(_MARK.search(key) for key in value):
            raise _KeyIsTemplate
        return {key: _unmark(inner, marks) for key, inner in value.items()}
    if isinstance(value, list):
        return [_unmark(inner, marks) for inner in value]
    if not isinstance(value, str) or not _MARK.search(value):
        return value
    only = marks.get(value)
    if only is not None and only.position is Position.JSON_VALUE:
        return only.value
    # Inside quotes a value is text, whatever its type.
    parts = [
        replace(marks[piece], position=Position.PLAIN) if piece in marks else piece for piece in _MARK.split(value)
    ]
    return TextOf(Template(value, tuple(part for part in parts if part != "")))


@dataclass(frozen=True, slots=True)
class TextOf:
    """A template inside quotes: text, or ABSENT where every placeholder is."""

    template: Template

    def __call__(self, scope: Scope) -> Any:
        """Return the text."""
        value = self.template(scope)
        return value if value is ABSENT else as_text(value)


def _json_text(data: str, names: Names) -> tuple[BodyKind, Value, tuple[Part, ...]]:
    """A string as a JSON body: one placeholder keeps its value's type, else it is JSON text to be filled."""
    data = _double_braces(data, names)
    template = parse_json_text(data.strip(), names.resolve)
    if template.lone:
        return BodyKind.JSON, template.lone.value, ()
    if not has_placeholder(data) and not _is_json(data):
        return BodyKind.JSON, Structure(data), ()
    return BodyKind.JSON_TEXT, JsonText(template, _structure(template)), ()


def _double_braces(data: str, names: Names) -> str:
    """Bring placeholders with single braces, as paths have them, to double ones: `{"imo": "{imo}", "ids": {ids}}`.

    Text that is JSON once they are filled is meant so; in text that is JSON already, only the names of declared
    parameters are placeholders. All other text keeps its braces (`query { viewer {login} }`).
    """
    if has_placeholder(data) or "{" not in data:
        return data
    if _is_json(data):
        return _SINGLE_BRACES.sub(lambda found: f"{{{found[0]}}}" if found[1] in names.inputs else found[0], data)
    doubled = _SINGLE_BRACES.sub(r"{{\1}}", data)
    filled = _structure(parse_json_text(doubled, lambda _: Constant(None)))
    return data if filled is None else doubled


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _as_text(data: Any) -> str:
    return data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)


def _parts(body: RequestBody, names: Names) -> list[Part]:
    """Compile the parts; a map of names to values is a list of parts too."""
    if isinstance(body.data, dict):
        return [Part(name, compile_data(value, names), None, None) for name, value in body.data.items()]
    return [
        Part(
            part.name or "file",
            _value(part.value or "", names),
            _value(part.filename, names) if part.filename is not None else None,
            part.content_type,
        )
        for part in body.parts
    ]


def _value(text: str, names: Names) -> Value:
    template: Template = parse(text, names.resolve)
    return template.lone.value if template.lone else template


def names_in_text(body: BodyTemplate) -> frozenset[str]:
    """Return the inputs that a body's text can't do without, as far as it is a text.

    Where a value is absent its key, form field or part is left out (SEMANTICS 3.2 and 4.3), and the request is whole
    without it. A text, or a string with other values in it, would have a gap.
    """
    if body.kind in {BodyKind.FORM, BodyKind.MULTIPART}:
        return frozenset()
    value = body.value
    if isinstance(value, JsonText):
        value = value.structure or value.template
    return frozenset(_in_text(value.template) if isinstance(value, Structure) else inputs_of(value))


def _in_text(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _in_text(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _in_text(inner)
    else:
        text = value.template if isinstance(value, TextOf) else value
        if isinstance(text, Template) and len(text.names) > 1:
            yield from inputs_of(text)
