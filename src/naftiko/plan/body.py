"""Body blocks of consumed operations, compiled (SEMANTICS 4.3)."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from naftiko.document.model import RequestBody
from naftiko.expression.escape import EscapeContext
from naftiko.expression.form import form_text
from naftiko.expression.json_text import JsonText, TextOf, double_braces, is_json, structure_of
from naftiko.expression.references import Constant, InputReference, Names, Structure, compile_data
from naftiko.expression.sources import inputs_of
from naftiko.expression.template import Resolve, Template, Value, has_placeholder, parse, parse_json_text, parse_sparql
from naftiko.ground.media_types import bare


class BodyKind(enum.Enum):
    """How a body is written."""

    JSON = "JSON: a structure, filled and dumped"
    JSON_TEXT = "JSON text with placeholders, escaped by position"
    TEXT = "text, or bytes"
    XML = "XML"
    SPARQL = "SPARQL"
    FORM = "form"
    MULTIPART = "multipart form"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a multipart body (RFC 7578)."""

    name: str
    value: Value
    filename: Value | None
    content_type: Value | None


@dataclass(frozen=True, slots=True)
class BodyTemplate:
    """A body block.

    Attributes:
        kind: how it is written.
        media_type: what is sent as its Content-Type; that of a multipart body still lacks its boundary.
        value: its data, to be filled: a structure, a template or a lone placeholder.
        parts: of a multipart body.
        names: the names of its placeholders that are inputs, in order.
    """

    kind: BodyKind
    media_type: str
    value: Value | None
    parts: tuple[Part, ...] = ()
    names: tuple[str, ...] = ()

    @property
    def is_json(self) -> bool:
        """Whether it is a JSON document, in which null is a value."""
        return self.kind in {BodyKind.JSON, BodyKind.JSON_TEXT}

    @property
    def has_fields(self) -> bool:
        """Whether a field can be added to it: an object or a form has some, a text has none."""
        return self.kind not in {BodyKind.TEXT, BodyKind.XML, BodyKind.SPARQL}

    @property
    def byte_names(self) -> frozenset[str]:
        """The placeholders that are all of a text or of a part, where bytes can stand as they are."""
        values = [part.value for part in self.parts]
        if self.kind is BodyKind.TEXT and self.value is not None:
            lone = self.value.lone if isinstance(self.value, Template) else None
            values.append(self.value if lone is None else lone.value)
        return frozenset(value.name for value in values if isinstance(value, InputReference))


_WORDS = {
    "json": (BodyKind.JSON, "application/json"),
    "raw": (BodyKind.JSON, "application/json"),
    "text": (BodyKind.TEXT, "text/plain; charset=utf-8"),
    "xml": (BodyKind.XML, "application/xml"),
    "sparql": (BodyKind.SPARQL, "application/sparql-query"),
    "formUrlEncoded": (BodyKind.FORM, "application/x-www-form-urlencoded"),
    "multipartForm": (BodyKind.MULTIPART, "multipart/form-data"),
}
_MEDIA_TYPES = {
    "application/json": BodyKind.JSON,
    "text/json": BodyKind.JSON,
    "application/xml": BodyKind.XML,
    "text/xml": BodyKind.XML,
    "application/sparql-query": BodyKind.SPARQL,
    "application/sparql-update": BodyKind.SPARQL,
    "application/x-www-form-urlencoded": BodyKind.FORM,
}
_SUFFIXES = {"+json": BodyKind.JSON, "+xml": BodyKind.XML}


def kind_of(body_type: str) -> tuple[BodyKind, str]:
    """Return how a body of a type is written, and its media type; the type is a word of the spec or a media type."""
    if body_type in _WORDS:
        return _WORDS[body_type]
    media_type = bare(body_type)
    by_suffix = next((kind for suffix, kind in _SUFFIXES.items() if media_type.endswith(suffix)), BodyKind.TEXT)
    return _MEDIA_TYPES.get(media_type, by_suffix), body_type


def compile_body(body: RequestBody, names: Names) -> BodyTemplate | None:
    """Compile a body block; a block without data declares a JSON body, which the caller's inputs are.

    Raises:
        TemplateError: a placeholder is broken.
    """
    if not body.has_data:
        return None
    before = set(names.used)
    kind, media_type = kind_of(body.type)
    value: Value | None = None
    parts: tuple[Part, ...] = ()
    if kind is BodyKind.MULTIPART:
        parts = tuple(_parts(body, names))
    elif kind is BodyKind.FORM:
        value = _form(body.data, names)
    elif kind is BodyKind.JSON:
        kind, value = _json(body.data, names)
    else:
        value = _text(body.data, kind, names)
    used = tuple(name for name in names.used if name not in before)
    return BodyTemplate(kind, media_type, value, parts, used)


def _json(data: Any, names: Names) -> tuple[BodyKind, Value]:
    """A string as a JSON body: one placeholder keeps its value's type, else it is JSON text to be filled."""
    if not isinstance(data, str):
        return BodyKind.JSON, compile_data(data, names)
    data = double_braces(data, names)
    template = parse_json_text(data.strip(), names.resolve)
    if template.lone:
        return BodyKind.JSON, template.lone.value
    if not has_placeholder(data) and not is_json(data):
        return BodyKind.JSON, Structure(data)
    return BodyKind.JSON_TEXT, JsonText(template, structure_of(template))


def _text(data: Any, kind: BodyKind, names: Names) -> Value:
    """Compile a body that is no JSON: a text, or what stands in a map of one entry; more is JSON in its own right."""
    if isinstance(data, dict) and len(data) == 1:
        (data,) = data.values()
    if isinstance(data, dict | list):
        return compile_data(data, names)
    if not isinstance(data, str):
        return Constant(data)
    parse_text = _PARSERS[kind]
    lone = parse_text(data.strip(), names.resolve)  # a block of YAML text ends in a line end
    return lone if lone.lone else parse_text(data, names.resolve)


_PARSERS: dict[BodyKind, Callable[[str, Resolve], Template]] = {
    BodyKind.TEXT: parse,
    BodyKind.XML: lambda text, resolve: parse(text, resolve, EscapeContext.XML),
    BodyKind.SPARQL: parse_sparql,
}


def _form(data: Any, names: Names) -> Value:
    if not isinstance(data, str):
        return compile_data(data, names)
    template = parse(data.strip(), names.resolve, EscapeContext.QUERY)
    return template.lone.value if template.lone else form_text(template)


def _parts(body: RequestBody, names: Names) -> list[Part]:
    """Compile the parts; a map of names to values is a list of parts too."""
    if isinstance(body.data, dict):
        return [Part(name, compile_data(value, names), None, None) for name, value in body.data.items()]
    return [
        Part(
            part.name or "file",
            _value(part.value or "", names),
            _value(part.filename, names) if part.filename is not None else None,
            _value(part.content_type, names) if part.content_type is not None else None,
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


def names_alone(body: BodyTemplate) -> frozenset[str]:
    """Return the inputs that are values of a JSON body by themselves, and not a part of a text in it only."""
    value = body.value.structure if isinstance(body.value, JsonText) else body.value
    return frozenset(_alone(value.template if isinstance(value, Structure) else value))


def _alone(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _alone(inner)
    elif isinstance(value, TextOf):
        yield from inputs_of(value.template) if value.template.lone else ()
    elif not isinstance(value, Template):
        yield from inputs_of(value)
