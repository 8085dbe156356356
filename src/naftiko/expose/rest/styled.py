"""Read arrays and objects that a request writes in a style of OpenAPI 3 (SEMANTICS 4.2, the other way round)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote, unquote_plus

from naftiko.expose.rest.inbound import InboundRequest
from naftiko.expose.rest.router import decoded
from naftiko.expression.styles import DEEP_OBJECT, DELIMITERS, FORM_STYLE, Style
from naftiko.ground.errors import InputError, Problem
from naftiko.ground.types import ABSENT
from naftiko.plan.inputs import Input, fit

_DEEPEST = 20
_SHOWN = 60


def read_query(found: Input, request: InboundRequest) -> Any:
    """Return the value of an input of the query in its style; ABSENT where it stands there as any other would.

    JSON text is read whatever the style is, and so is an array whose key is repeated.
    """
    style = found.style
    values = request.query.get(found.wire_name)
    if style is None or found.type not in {"array", "object"}:
        return ABSENT
    if found.type == "object" and values is None:
        texts = _deep(found, request) if style.name == DEEP_OBJECT else _exploded(found, style, request)
        return _typed(texts, found.schema) if texts else ABSENT
    if values is None or len(values) > 1 or style.name not in DELIMITERS:
        return ABSENT
    if values[0].lstrip().startswith(("[", "{")):
        return values[0]
    if found.type == "object":
        pieces = _pieces(found, style, request)
        return _typed(dict(zip(pieces[::2], pieces[1::2], strict=False)), found.schema) if pieces[1:] else ABSENT
    if style.explode:
        return [values[0]] if values[0] else []
    return _pieces(found, style, request)


def _pieces(found: Input, style: Style, request: InboundRequest) -> list[str]:
    """Return the parts of a delimited value; a delimiter that is encoded is a part's own, where others are not."""
    delimiter = DELIMITERS[style.name]
    raw = next(_raw_values(request.query_string, found.wire_name), "")
    if style.name == FORM_STYLE and delimiter in raw:
        return [unquote_plus(piece) for piece in raw.split(delimiter)]
    text = unquote_plus(raw)
    return text.split(delimiter) if text else []


def _raw_values(query_string: str, name: str) -> Iterator[str]:
    for pair in query_string.split("&"):
        key, _, value = pair.partition("=")
        if unquote_plus(key) == name:
            yield value


def _exploded(found: Input, style: Style, request: InboundRequest) -> dict[str, Any]:
    """Return the members of an object that stand in the query by themselves, as far as its schema declares them."""
    if style.name != FORM_STYLE or not style.explode:
        return {}
    declared = found.schema.get("properties")
    return {name: request.query[name] for name in declared or () if name in request.query}


def _deep(found: Input, request: InboundRequest) -> dict[str, Any]:
    """Return the object of ``filter[a]=1&filter[b][c]=2``, its members as they came.

    Raises:
        InputError: a member is a value and an object, or stands deeper than anybody writes one.
    """
    made: dict[str, Any] = {}
    prefix = f"{found.wire_name}["
    for name, values in request.query.items():
        if not name.startswith(prefix) or not name.endswith("]"):
            continue
        *outer, last = name[len(prefix) : -1].split("][")
        inside: Any = made
        for step in outer[:_DEEPEST]:
            inside = inside.setdefault(step, {}) if isinstance(inside, dict) else None
        if len(outer) > _DEEPEST or not isinstance(inside, dict) or last in inside:
            message = f"`{found.shown}` holds `{name[:_SHOWN]}`, which is nested too deeply or is a value and an object"
            raise InputError([Problem(found.shown, "query", message, "an object")])
        inside[last] = values
    return made


def _typed(members: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object whose members came as texts, each read as its schema says."""
    properties = schema.get("properties")
    declared: Mapping[str, Any] = properties if isinstance(properties, Mapping) else {}
    return {name: _member(value, declared.get(name)) for name, value in members.items()}


def _member(value: Any, schema: Any) -> Any:
    known: Mapping[str, Any] = schema if isinstance(schema, Mapping) else {}
    kind = known.get("type")
    if isinstance(value, dict):
        if set(value) == {""}:  # `filter[tags][]=a`
            return _member(value[""], schema)
        return _typed(value, known)
    if isinstance(value, list) and len(value) == 1 and kind != "array":
        value = value[0]
    fitted = fit(value, kind, is_text=True) if isinstance(kind, str) else value
    return value if fitted is ABSENT else fitted  # what doesn't fit is told when all is checked


def read_segment(found: Input, raw: str) -> Any:
    """Return the value of a placeholder of the route, still percent-encoded, in its style.

    Raises:
        UndecodablePath: it is no UTF-8.
    """
    style = found.style
    if style is None or found.type not in {"array", "object"}:
        prefix = _prefix(found, style)
        return decoded(raw[len(prefix) :] if prefix and raw.startswith(prefix) else raw)
    text, between = raw, ","
    if style.name == "label" and text.startswith("."):
        text, between = text[1:], "." if style.explode else ","
    elif style.name == "matrix" and text.startswith(";"):
        text, between = text[1:], ";" if style.explode else ","
        name = f"{found.wire_name}="
        if not style.explode:
            text = text.removeprefix(name)
        elif found.type == "array":
            text = ";".join(piece.removeprefix(name) for piece in text.split(";"))
    pieces = text.split(between) if text else []
    if found.type == "array":
        return [decoded(piece) for piece in pieces]
    return _object(pieces, found, style)


def _prefix(found: Input, style: Style | None) -> str:
    if style is None:
        return ""
    return {"label": ".", "matrix": f";{found.wire_name}="}.get(style.name, "")


def _object(pieces: Sequence[str], found: Input, style: Style) -> dict[str, Any]:
    if style.explode:
        pairs = [piece.partition("=")[::2] for piece in pieces]
    else:
        pairs = list(zip(pieces[::2], pieces[1::2], strict=False))
    return _typed({decoded(name): decoded(value) for name, value in pairs}, found.schema)


def read_header(found: Input, text: str) -> Any:
    """Return the value of a header that is a list or an object; blanks around a list's parts are none of theirs."""
    if found.type == "array":
        return text if text.lstrip().startswith("[") else [piece.strip() for piece in text.split(",") if piece.strip()]
    if found.style is None or text.lstrip().startswith("{"):
        return text
    pieces = [piece.strip() for piece in text.split(",")]
    pairs = (
        [piece.partition("=")[::2] for piece in pieces]
        if found.style.explode
        else zip(pieces[::2], pieces[1::2], strict=False)
    )
    return _typed(dict(pairs), found.schema)


def read_cookie(found: Input, cookies: Mapping[str, Sequence[str]]) -> Any:
    """Return the value of an input of the cookies in its style; ABSENT where it isn't there.

    A value without a style is taken as it comes (RFC 6265 chapter 4.1.1 knows no encoding), one with a style is
    percent-encoded. Of several cookies of one name the first is meant, or all of them where a list is wanted.
    """
    values = cookies.get(found.wire_name, ())
    text = values[0] if values else ABSENT
    if found.style is None:
        return list(values) if found.type == "array" and len(values) > 1 else text
    if found.type == "array" and text is not ABSENT:
        if len(values) == 1 and text.lstrip().startswith("["):
            return text
        pieces = values if len(values) > 1 else text.split(",")
        return [unquote(piece) for piece in pieces]
    if found.type != "object":
        return text if text is ABSENT else unquote(text)
    return text if text is not ABSENT and text.lstrip().startswith("{") else _members_of(found, text, cookies)


def _members_of(found: Input, text: Any, cookies: Mapping[str, Sequence[str]]) -> Any:
    """Return an object whose members are cookies of their own, or name and value in turn."""
    if found.style is not None and found.style.explode:
        declared = found.schema.get("properties")
        members = {name: unquote(cookies[name][0]) for name in declared or () if name in cookies}
        return _typed(members, found.schema) if members else text
    pieces = [] if text is ABSENT else [unquote(piece) for piece in text.split(",")]
    return _typed(dict(zip(pieces[::2], pieces[1::2], strict=False)), found.schema) if pieces[1:] else text
