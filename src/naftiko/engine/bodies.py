"""Write request bodies, one function for each kind (SEMANTICS 4.3)."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from naftiko.expression.content import Base64, Content, plain
from naftiko.expression.escape import EscapeContext, NotWritable, escape, xml_text
from naftiko.expression.form import FormText
from naftiko.expression.json_text import JsonText
from naftiko.expression.scope import Scope
from naftiko.expression.template import Template
from naftiko.expression.text import as_text
from naftiko.ground import jsontext
from naftiko.ground.errors import InputError, Problem
from naftiko.ground.media_types import BYTES, FORM, MULTIPART, bare, has_fields, is_json
from naftiko.ground.types import ABSENT
from naftiko.plan.body import BodyKind, BodyTemplate, Part


@dataclass(frozen=True, slots=True)
class Body:
    """A body on the wire.

    Attributes:
        coding: what its bytes are coded in (``Content-Encoding``), or ``""``.
    """

    data: bytes
    media_type: str
    coding: str = ""


def encode_body(template: BodyTemplate, scope: Scope, extras: Mapping[str, Any] | None = None) -> Body | None:
    """Fill a body block and write it; ``None`` where its only placeholder is absent.

    Args:
        template: the block.
        scope: the arguments.
        extras: fields that ``with`` adds to an object, or to a form, beside what the block has.

    Raises:
        InputError: a value can't be written where it stands, or a field is added to what has none.
    """
    return _ENCODERS[template.kind](template, scope, extras or {})


def joined(whole: Any, fields: Mapping[str, Any]) -> Any:
    """Return a body with fields added to it; ABSENT where there is neither.

    Raises:
        InputError: the body is no object.
    """
    if not fields:
        return whole
    if whole is ABSENT:
        return dict(fields)
    if not isinstance(whole, dict):
        message = "the body is no object, so it can't hold {}"
        raise InputError([Problem(name, "body", message.format(f"`{name}`"), "an object") for name in fields])
    return {**whole, **fields}


def is_document(value: Any, media_type: str) -> bool:
    """Tell whether the value of the only parameter in a body is that body, and no field of it (SEMANTICS 4.3).

    Args:
        value: the value.
        media_type: that the call names, or ``""``.
    """
    if isinstance(value, Content):
        return bare(value.media_type) != "text/plain"
    if media_type and not has_fields(media_type):
        return value is not ABSENT and value is not None
    if not isinstance(value, str) or not value.lstrip().startswith(("{", "[")):
        return False
    return not isinstance(parsed(value), str)


def field_value(value: Any) -> Any:
    """Return a value as a field of a body; a text that came as bytes is a text."""
    return value.text if isinstance(value, Content) and bare(value.media_type) == "text/plain" else value


def written(whole: Any, fields: Mapping[str, Any], media_type: str) -> Body:
    """Write a body as the media type that the call names says; JSON where it names none.

    Args:
        whole: what the body is, or ABSENT.
        fields: what is added to it.
        media_type: that the call names, or ``""``.

    Raises:
        InputError: fields are added to what has none.
    """
    if isinstance(whole, Content):
        if not fields:
            return Body(whole.data, media_type or whole.media_type, whole.coding)
        whole = whole if whole.coding else plain(whole)
    if isinstance(whole, Base64) and not fields and not is_json(media_type):
        return Body(whole.data, media_type or BYTES)
    value = joined(parsed(whole) if fields else whole, fields)
    named = media_type or "application/json"
    if isinstance(value, dict) and bare(named) == FORM:
        return Body("&".join(form_pairs(value)).encode("ascii"), named)
    if isinstance(value, dict) and bare(named) == MULTIPART:
        return multipart_body(FilledPart(name, inner) for name, inner in value.items())
    if isinstance(value, str) and not is_json(named):
        return Body(value.encode("utf-8"), named)
    return Body(json_bytes(parsed(value)), named)


def _json(template: BodyTemplate, scope: Scope, extras: Mapping[str, Any]) -> Body | None:
    value = ABSENT if template.value is None else template.value(scope)
    if isinstance(value, Content):
        if not extras:
            return Body(value.data, value.media_type, value.coding)
        value = plain(value)
    elif isinstance(value, str):
        value = parsed(value)
    value = joined(value, extras)
    return None if value is ABSENT else Body(json_bytes(value), template.media_type)


def _json_text(template: BodyTemplate, scope: Scope, extras: Mapping[str, Any]) -> Body | None:
    text = template.value.render(scope) if isinstance(template.value, JsonText) else ""
    if not extras:
        return Body(text.encode("utf-8"), template.media_type)
    return Body(json_bytes(joined(parsed(text), extras)), template.media_type)


def json_bytes(value: Any) -> bytes:
    """Return JSON bytes; numbers keep their digits, half a surrogate pair is U+FFFD."""
    return jsontext.write(value, plain)


def parsed(value: Any) -> Any:
    """Return a text that is itself JSON as what it says; any other value as it is (SEMANTICS 4.3)."""
    if not isinstance(value, str):
        return value
    try:
        return jsontext.read(value)
    except ValueError:
        return value


def _text(template: BodyTemplate, scope: Scope, extras: Mapping[str, Any]) -> Body | None:
    del extras  # a text has no fields: what `with` adds beside it is sent in the query
    compiled = template.value
    if isinstance(compiled, Template) and compiled.lone is None:
        return Body(compiled.render(scope).encode("utf-8"), template.media_type)
    value = ABSENT if compiled is None else compiled(scope)
    if value is ABSENT or value is None:
        return None
    if isinstance(value, Content | Base64) and template.kind is BodyKind.TEXT:
        return Body(value.data, template.media_type)
    return Body(_document(template.kind, compiled, value).encode("utf-8"), template.media_type)


def _document(kind: BodyKind, compiled: Any, value: Any) -> str:
    """Return the text of a value that is all of a body; where that is XML, a text that begins none is escaped."""
    text = as_text(value)
    if kind is not BodyKind.XML:
        return text
    try:
        return xml_text(text) if text.lstrip().startswith("<") else escape(text, EscapeContext.XML)
    except NotWritable as error:
        name = compiled.lone.name if isinstance(compiled, Template) and compiled.lone is not None else "body"
        raise InputError([Problem(name, "body", f"`{name}` {error}", "other text")]) from None


def _form(template: BodyTemplate, scope: Scope, extras: Mapping[str, Any]) -> Body | None:
    """``application/x-www-form-urlencoded``; a list repeats its key, an absent value leaves it out."""
    more = form_pairs(extras)
    compiled = template.value
    if isinstance(compiled, FormText):
        pairs = [compiled(scope), *more]
        return Body("&".join(pair for pair in pairs if pair).encode("ascii"), template.media_type)
    filled = ABSENT if compiled is None else compiled(scope)
    if filled is ABSENT or filled is None:
        filled = {}
        if not extras:
            return None
    # A lone value that is a text must not become a form by its characters.
    pairs = form_pairs(filled) if isinstance(filled, dict) else [quote(as_text(filled).strip(), safe="")]
    return Body("&".join([*pairs, *more]).encode("ascii"), template.media_type)


def form_pairs(fields: Mapping[str, Any]) -> list[str]:
    """Return the encoded pairs of a form; a list repeats its key, what is null is left out (SEMANTICS 3.2)."""
    return [
        f"{quote(name, safe='')}={quote(as_text(element), safe='')}"
        for name, value in fields.items()
        for element in (value if isinstance(value, list) else [value])
        if element is not None
    ]


def _multipart(template: BodyTemplate, scope: Scope, extras: Mapping[str, Any]) -> Body | None:
    parts = [_filled(part, scope) for part in template.parts]
    return multipart_body([*parts, *(FilledPart(name, value) for name, value in extras.items())])


@dataclass(frozen=True, slots=True)
class FilledPart:
    """A part of a multipart body with its value; a list is a part for each element, null is none."""

    name: str
    value: Any
    filename: str | None = None
    media_type: str | None = None


def _filled(part: Part, scope: Scope) -> FilledPart:
    return FilledPart(part.name, part.value(scope), _said(part.filename, scope), _said(part.content_type, scope))


def _said(value: Callable[[Scope], Any] | None, scope: Scope) -> str | None:
    made = ABSENT if value is None else value(scope)
    return None if made is ABSENT or made is None else as_text(made)


def multipart_body(parts: Iterable[FilledPart]) -> Body:
    """Return a ``multipart/form-data`` body (RFC 7578)."""
    boundary = secrets.token_hex(16)
    pieces: list[bytes] = []
    for part in parts:
        for value in _values(part.value):
            pieces += [f"--{boundary}\r\n".encode(), _part_head(part, value), _part_data(value), b"\r\n"]
    pieces.append(f"--{boundary}--\r\n".encode())
    return Body(b"".join(pieces), f"{MULTIPART}; boundary={boundary}")


def _values(value: Any) -> Iterator[Any]:
    yield from (one for one in (value if isinstance(value, list) else [value]) if one is not ABSENT and one is not None)


def _part_head(part: FilledPart, value: Any) -> bytes:
    filename, media_type = part.filename, part.media_type
    if isinstance(value, Content):
        filename = filename or value.filename
        media_type = media_type or value.media_type
    if isinstance(value, Content | Base64):
        filename = filename or part.name  # without a name servers take a file for a text field
    head = f'Content-Disposition: form-data; name="{_quoted(part.name)}"'
    if filename is not None:
        head += f'; filename="{_quoted(filename)}"'
        media_type = media_type or BYTES
    if media_type:
        head += f"\r\nContent-Type: {''.join(media_type.splitlines())}"
    return f"{head}\r\n\r\n".encode()


def _quoted(text: str) -> str:
    """Escape a name as browsers do (HTML 4.10.21.8, multipart/form-data encoding)."""
    return text.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")


def _part_data(value: Any) -> bytes:
    return value.data if isinstance(value, Content | Base64) else as_text(value).encode("utf-8")


_Encoder = Callable[[BodyTemplate, Scope, Mapping[str, Any]], Body | None]
_ENCODERS: dict[BodyKind, _Encoder] = {
    BodyKind.JSON: _json,
    BodyKind.JSON_TEXT: _json_text,
    BodyKind.TEXT: _text,
    BodyKind.XML: _text,
    BodyKind.SPARQL: _text,
    BodyKind.FORM: _form,
    BodyKind.MULTIPART: _multipart,
}
