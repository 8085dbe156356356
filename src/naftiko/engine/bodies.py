"""Write request bodies, one function for each type (SEMANTICS 4.3)."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import orjson

from naftiko.plan.body import BodyKind, BodyTemplate, Part
from naftiko.plan.inputs import Content
from naftiko.plan.scope import Scope
from naftiko.plan.text import as_text
from naftiko.types import ABSENT


@dataclass(frozen=True, slots=True)
class Body:
    """A body on the wire."""

    data: bytes
    media_type: str


def encode_body(template: BodyTemplate, scope: Scope) -> Body | None:
    """Fill a body block and write it; ``None`` where its only placeholder is absent."""
    return _ENCODERS[template.kind](template, scope)


def _json(template: BodyTemplate, scope: Scope) -> Body | None:
    value = ABSENT if template.value is None else template.value(scope)
    if value is ABSENT:
        return None
    if isinstance(value, Content):
        return Body(value.data, value.media_type)
    if isinstance(value, str):
        value = _as_json(value)
    try:
        data = orjson.dumps(value, default=_plain)
    except TypeError:
        data = json.dumps(value, ensure_ascii=False, default=_plain).encode("utf-8", "surrogatepass")
    return Body(data, template.media_type)


def _as_json(text: str) -> Any:
    """Text that is itself JSON is sent as that JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _plain(value: Any) -> Any:
    """Return what a whole body that came as bytes means, where it is a part of another one."""
    if isinstance(value, Content):
        return value.decoded()
    raise TypeError(type(value).__name__)


def _text(template: BodyTemplate, scope: Scope) -> Body | None:
    render = getattr(template.value, "render", None)
    text = render(scope) if render is not None else as_text(template.value(scope) if template.value else "")
    return Body(text.encode("utf-8"), template.media_type)


def _form(template: BodyTemplate, scope: Scope) -> Body | None:
    """``application/x-www-form-urlencoded``; a list repeats its key, an absent value leaves it out."""
    render = getattr(template.value, "render", None)
    if render is not None:
        return Body(render(scope).encode("ascii"), template.media_type)
    filled = {} if template.value is None else template.value(scope)
    pairs = [pair for name, value in filled.items() for pair in _form_pairs(name, value)]
    return Body("&".join(pairs).encode("ascii"), template.media_type)


def _form_pairs(name: str, value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    key = quote(name, safe="")
    return [f"{key}={quote(as_text(element), safe='')}" for element in values if element is not None]


def _multipart(template: BodyTemplate, scope: Scope) -> Body | None:
    """``multipart/form-data`` (RFC 7578); a part whose value is absent is left out."""
    boundary = secrets.token_hex(16)
    pieces: list[bytes] = []
    for part in template.parts:
        value = part.value(scope)
        if value is not ABSENT and value is not None:
            pieces += [f"--{boundary}\r\n".encode(), _part_head(part, value, scope), _part_data(value), b"\r\n"]
    pieces.append(f"--{boundary}--\r\n".encode())
    return Body(b"".join(pieces), f"{template.media_type}; boundary={boundary}")


def _part_head(part: Part, value: Any, scope: Scope) -> bytes:
    disposition = f'form-data; name="{_quoted(part.name)}"'
    filename = part.filename(scope) if part.filename is not None else ABSENT
    if filename is not ABSENT:
        disposition += f'; filename="{_quoted(as_text(filename))}"'
    media_type = part.content_type
    if media_type is None and isinstance(value, Content):
        media_type = value.media_type
    if media_type is None and filename is not ABSENT:
        media_type = "application/octet-stream"
    head = f"Content-Disposition: {disposition}\r\n"
    if media_type is not None:
        head += f"Content-Type: {media_type}\r\n"
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
