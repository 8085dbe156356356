"""Write request bodies, one function for each type (SEMANTICS 4.3)."""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import orjson

from naftiko.errors import InputError, Problem
from naftiko.plan.body import BodyKind, BodyTemplate, Part
from naftiko.plan.inputs import Content
from naftiko.plan.scope import Scope
from naftiko.plan.template import Template, escape
from naftiko.plan.text import as_text, whole_characters
from naftiko.types import ABSENT

_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""Characters that no XML 1.0 document has (XML 1.0, production 2)."""
_FORM_SAFE = string.ascii_letters + string.digits + string.punctuation


@dataclass(frozen=True, slots=True)
class Body:
    """A body on the wire."""

    data: bytes
    media_type: str


def encode_body(template: BodyTemplate, scope: Scope, extras: Mapping[str, Any] | None = None) -> Body | None:
    """Fill a body block and write it; ``None`` where its only placeholder is absent.

    Args:
        template: the block.
        scope: the arguments.
        extras: fields that ``with`` adds to a JSON object beside what the block has.
    """
    body = _ENCODERS[template.kind](template, scope)
    if not extras or body is None or template.kind not in {BodyKind.JSON, BodyKind.JSON_TEXT}:
        return body
    value = _as_json(body.data.decode("utf-8", "replace"))
    return Body(_json_bytes({**value, **extras}), body.media_type) if isinstance(value, dict) else body


def _json(template: BodyTemplate, scope: Scope) -> Body | None:
    value = ABSENT if template.value is None else template.value(scope)
    if value is ABSENT:
        return None
    if isinstance(value, Content):
        return Body(value.data, value.media_type)
    if isinstance(value, str):
        value = _as_json(value)
    return Body(_json_bytes(value), template.media_type)


def _json_bytes(value: Any) -> bytes:
    try:
        return orjson.dumps(value, default=plain)
    except TypeError:
        return json.dumps(whole_characters(value), separators=(",", ":"), default=plain).encode("ascii")


def _as_json(text: str) -> Any:
    """Text that is itself JSON is sent as that JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def plain(value: Any) -> Any:
    """Return what a body or file that came as bytes means, where it is a part of a JSON body: JSON, else text."""
    if not isinstance(value, Content):
        raise TypeError(type(value).__name__)
    if value.is_json:
        with contextlib.suppress(ValueError, RecursionError):
            return value.decoded()
    return value.text


def _lone(template: BodyTemplate, scope: Scope) -> Any:
    """Return the value of a block that is one placeholder and nothing else; a template's text otherwise."""
    if isinstance(template.value, Template) and template.value.lone is None:
        return template.value.render(scope)
    return "" if template.value is None else template.value(scope)


def _text(template: BodyTemplate, scope: Scope) -> Body | None:
    value = _lone(template, scope)
    if value is ABSENT:
        return None
    if isinstance(value, Content):
        return Body(value.data, template.media_type)
    lone = template.value.lone if isinstance(template.value, Template) else None
    text = as_text(value) if lone is None else escape(value, lone.position)
    if template.kind is BodyKind.XML and _NOT_IN_XML.search(text):
        message = "an input holds a control character, which XML can't hold even escaped"
        raise InputError([Problem("body", "body", message, "text that XML can hold")])
    return Body(text.encode("utf-8"), template.media_type)


def _form(template: BodyTemplate, scope: Scope) -> Body | None:
    """``application/x-www-form-urlencoded``; a list repeats its key, an absent value leaves it out."""
    filled = {} if template.value is None else _lone(template, scope)
    if filled is ABSENT:
        return None
    if not isinstance(filled, dict):
        # A template's text is a form already, its values escaped; a lone value must not become one by its characters.
        is_form = isinstance(template.value, Template) and template.value.lone is None
        text = quote(as_text(filled).strip(), safe=_FORM_SAFE if is_form else "")
        return Body(text.encode("ascii"), template.media_type)
    pairs = [pair for name, value in filled.items() for pair in _form_pairs(name, value)]
    return Body("&".join(pairs).encode("ascii"), template.media_type)


def _form_pairs(name: str, value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    key = quote(name, safe="")
    return [f"{key}={quote(as_text(element), safe='')}" for element in values if element is not None]


def _multipart(template: BodyTemplate, scope: Scope) -> Body | None:
    """``multipart/form-data`` (RFC 7578); a list repeats its part, one whose value is absent is left out."""
    boundary = secrets.token_hex(16)
    pieces: list[bytes] = []
    for part in template.parts:
        value = part.value(scope)
        for single in value if isinstance(value, list) else [value]:
            if single is not ABSENT and single is not None:
                pieces += [f"--{boundary}\r\n".encode(), _part_head(part, single, scope), _part_data(single), b"\r\n"]
    pieces.append(f"--{boundary}--\r\n".encode())
    return Body(b"".join(pieces), f"{template.media_type}; boundary={boundary}")


def _part_head(part: Part, value: Any, scope: Scope) -> bytes:
    disposition = f'form-data; name="{_quoted(part.name)}"'
    filename = part.filename(scope) if part.filename is not None else ABSENT
    if filename is ABSENT and isinstance(value, Content):
        filename = value.filename or part.name  # without a name servers take a file for a text field
    if filename is not ABSENT:
        disposition += f'; filename="{_quoted(as_text(filename))}"'
    media_type = part.content_type
    if media_type is None and isinstance(value, Content):
        media_type = value.media_type
    if media_type is None and filename is not ABSENT:
        media_type = "application/octet-stream"
    head = f"Content-Disposition: {disposition}\r\n"
    if media_type is not None:
        head += f"Content-Type: {''.join(media_type.splitlines())}\r\n"
    return f"{head}\r\n".encode()


def _quoted(text: str) -> str:
    """Escape a name as browsers do (HTML 4.10.21.8, multipart/form-data encoding)."""
    return text.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")


def _part_data(value: Any) -> bytes:
    if isinstance(value, Content):
        return value.data
    return value if isinstance(value, bytes) else as_text(value).encode("utf-8")


_ENCODERS: dict[BodyKind, Callable[[BodyTemplate, Scope], Body | None]] = {
    BodyKind.JSON: _json,
    BodyKind.JSON_TEXT: _text,
    BodyKind.TEXT: _text,
    BodyKind.XML: _text,
    BodyKind.SPARQL: _text,
    BodyKind.FORM: _form,
    BodyKind.MULTIPART: _multipart,
}
