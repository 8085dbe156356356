"""A credential that is a field of the body: of a JSON object, or of a form (SEMANTICS 4.5).

The body is written already, and stays as it is byte for byte: its numbers keep their digits, its files their bytes.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Final
from urllib.parse import quote, unquote_plus

from naftiko.engine.bodies import Body, json_bytes
from naftiko.ground import jsontext
from naftiko.ground.errors import InputError, Problem

_FORM: Final = "application/x-www-form-urlencoded"
_MULTIPART: Final = "multipart/form-data"
_BOUNDARY: Final = re.compile(r"""boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))""", re.IGNORECASE)
_BLANKS: Final = b" \t\r\n"


def with_fields(
    body: Body | None, media_type: str | None, fields: Sequence[tuple[str, str]], mapped: Collection[str]
) -> Body:
    """Return a body with the fields of a credential; where there is none, a JSON object of them, or a form.

    A field that the body has and that the file maps stays; one that it has otherwise is replaced.

    Args:
        body: as the call made it.
        media_type: what the request's own ``Content-Type`` says; it wins over the body's.
        fields: names and values.
        mapped: the names that the file maps.

    Raises:
        InputError: the body has no fields: it is no object, or neither JSON nor a form.
    """
    written = media_type or (body.media_type if body is not None else "application/json")
    kind = written.partition(";")[0].strip().lower()
    data = b"" if body is None else body.data
    if kind == _FORM:
        return Body(_in_form(data, fields, mapped), written)
    if kind == _MULTIPART and body is not None:
        return Body(_in_multipart(data, body.media_type, fields, mapped), body.media_type)
    if kind == "application/json" or kind.endswith("+json"):
        return Body(_in_object(data, fields, mapped), written)
    raise _fieldless(fields, f"{kind or 'a body without a media type'} has no fields")


def _in_form(data: bytes, fields: Sequence[tuple[str, str]], mapped: Collection[str]) -> bytes:
    pairs = [pair for pair in data.split(b"&") if pair]
    for name, value in fields:
        present = [pair for pair in pairs if _name_of(pair) == name]
        if present and name in mapped:
            continue
        pairs = [pair for pair in pairs if pair not in present]
        pairs.append(f"{quote(name, safe='')}={quote(value, safe='')}".encode("ascii"))
    return b"&".join(pairs)


def _name_of(pair: bytes) -> str:
    return unquote_plus(pair.partition(b"=")[0].decode("utf-8", "replace"))


def _in_multipart(data: bytes, media_type: str, fields: Sequence[tuple[str, str]], mapped: Collection[str]) -> bytes:
    """Put the fields before the first part, which is at a line of its own boundary (RFC 2046, 5.1.1)."""
    found = _BOUNDARY.search(media_type)
    mark = b"--" + (found[1] or found[2]).encode() if found is not None else b""
    at = data.find(mark) if mark else -1
    if at < 0:
        raise _fieldless(fields, "a multipart body without its boundary has no fields")
    parts: list[bytes] = []
    for name, value in fields:
        quoted = name.replace('"', "%22")
        head = f'Content-Disposition: form-data; name="{quoted}"'.encode()
        if f'name="{quoted}"'.encode() in data:
            if name in mapped:
                continue
            raise _fieldless([(name, "")], f"`{name}` is not the caller's to give")
        parts.append(mark + b"\r\n" + head + b"\r\n\r\n" + value.encode() + b"\r\n")
    return data[:at] + b"".join(parts) + data[at:]


def _in_object(data: bytes, fields: Sequence[tuple[str, str]], mapped: Collection[str]) -> bytes:
    text = data.strip(_BLANKS) or b"{}"
    try:
        document = jsontext.read(text)
    except ValueError:
        raise _fieldless(fields, "what is no JSON has no fields") from None
    if not isinstance(document, dict):
        raise _fieldless(fields, "a JSON array or a single value has no fields")
    added = {name: value for name, value in fields if name not in document or name not in mapped}
    if document.keys() & added.keys():
        return json_bytes({**document, **added})
    inner = text[1:].lstrip(_BLANKS)
    return json_bytes(added)[:-1] + (inner if inner == b"}" else b"," + inner) if added else data


def _fieldless(fields: Sequence[tuple[str, str]], why: str) -> InputError:
    named = ", ".join(f"`{name}`" for name, _ in fields)
    message = f"the body must be a JSON object or a form: the API takes this server's credential as its field {named}"
    return InputError([Problem("body", "body", f"{message}; {why}", "a JSON object or a form")])
