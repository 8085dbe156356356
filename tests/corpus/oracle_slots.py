"""The places of a consumed operation that take a value: parameters, placeholders, body variables, loose keys."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from oracle_document import PLACEHOLDER, TEMPLATE, Operation
from oracle_references import bare, body_names

CARRIES_BODY = ("POST", "PUT", "PATCH")
NEVER_SENT = frozenset(
    [
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "host",
        "content-length",
    ]
)
"""Headers that a parameter can't be (contract, chapter 4.2). Choice: no inputs either."""


@dataclass(frozen=True)
class Slot:
    """One place that takes a value.

    ``where`` is path, query, header, cookie, body (the whole of it), field (one key of a JSON body), variable (a
    placeholder of a body template) or value (a placeholder of a parameter's fixed value). ``fixed`` is the value
    that the file fixes; ``lost`` marks a path parameter that the path lacks, which is a segment of its own at the end
    of it (contract, chapter 4.1); ``lone`` the only parameter of a body without a block, whose value is the whole body
    where it is text that is a JSON object or array; ``loose`` a ``with`` key that names nothing.
    """

    name: str
    where: str
    type: str
    required: bool = False
    description: str | None = None
    fixed: Any = None
    lost: bool = False
    lone: bool = False
    loose: bool = False


def fold(name: str) -> str:
    """Drop case and punctuation (contract, chapter 3.3)."""
    return re.sub(r"[\W_]", "", name).lower()


def clean_path(path: str) -> str:
    """Drop a path's fragment."""
    return path.partition("#")[0]


def placeholder_name(raw: str) -> str:
    """Return the name in ``{x}``, ``{+x}``, ``{x+}`` and ``{x*}``."""
    return raw.strip().removeprefix("+").rstrip("+*").strip()


def keeps_slashes(raw: str) -> bool:
    """Tell whether a placeholder's value may hold slashes."""
    return raw.strip().startswith("+") or raw.strip().endswith(("+", "*"))


def placeholders(path: str) -> list[str]:
    """List the names of a path's placeholders, each once."""
    hits = PLACEHOLDER.findall(clean_path(path))
    return list(dict.fromkeys(placeholder_name(double or single) for double, single in hits))


def body_template(operation: Operation) -> Any:
    """Return the template of the operation's body block, or ``None``.

    A block of only ``{type: json}`` declares no data (contract, chapter 4.3).
    """
    body = operation.body
    if isinstance(body, dict) and "type" in body:
        return body.get("data", body.get("value"))
    return body


def lost_in_path(operation: Operation) -> list[str]:
    """List the path parameters that the operation declares and its path lacks, in the order of their declaration."""
    there = {fold(name) for name in (*placeholders(operation.path), *placeholders(operation.base_uri))}
    names = [one.name for one in operation.parameters if one.location == "path"]
    return [name for name in names if fold(placeholder_name(name)) not in there]


def is_whole_body(name: str, kind: str | None) -> bool:
    """Tell whether the only ``in: body`` parameter is the whole body by its name or type (contract, chapter 4.3)."""
    return name in ("body", "_body", "payload") or name.endswith("Body") or kind == "object"


def passes_body(operation: Operation) -> bool:
    """Tell whether a REST caller's body is passed on: a POST, PUT or PATCH that declares no body at all."""
    declares = operation.body is not None or any(parameter.location == "body" for parameter in operation.parameters)
    return operation.method in CARRIES_BODY and not declares


def carriers(authentication: dict[str, Any]) -> set[tuple[str, str]]:
    """Return the (location, lower-case name) of what authentication sends (contract, chapter 4.5)."""
    kind = authentication.get("type")
    if kind != "apikey":
        return {("header", "authorization")} if kind else set()
    if isinstance(authentication.get("headers"), dict):
        return {("header", str(name).lower()) for name in authentication["headers"]}
    place, name = key_place(authentication)
    return {(place, name.lower() if place == "header" else name)}


def key_place(authentication: dict[str, Any]) -> tuple[str, str]:
    """Return where an API key goes: (header or query, name). Choice: a header where the file doesn't say."""
    place = authentication.get("placement", authentication.get("in")) or "header"
    return str(place), str(authentication.get("key", authentication.get("name")) or "")


def carries_authentication(operation: Operation, slot: Slot) -> bool:
    """Tell whether a slot is what the consumes entry's authentication fills."""
    name = slot.name.lower() if slot.where == "header" else slot.name
    return (slot.where, name) in carriers(operation.authentication)


def slots(operation: Operation, with_: dict[str, Any]) -> list[Slot]:
    """List every slot of an operation as one unit calls it, loose ``with`` keys last."""
    found = [*_parameter_slots(operation), *_path_slots(operation), *_body_slots(operation)]
    names = {slot.name for slot in found} | {one.name for one in operation.parameters}
    for key in with_:
        if key in names:
            continue
        if key == "body":
            found.append(Slot(key, "body", "object", loose=True))
        else:
            where = "field" if operation.method in CARRIES_BODY else "query"
            found.append(Slot(key, where, "string", loose=True))
    return found


def _parameter_slots(operation: Operation) -> Iterator[Slot]:
    template = body_template(operation)
    in_path, lost = placeholders(operation.path), lost_in_path(operation)
    variables = {bare(name) for name in body_names(template)}
    bodies = [one for one in operation.parameters if one.location == "body"]
    for one in operation.parameters:
        where = one.location
        if where == "environment" or (where == "header" and one.name.lower() in NEVER_SENT):
            continue
        if where == "query" and one.name in in_path:
            continue  # Choice: the placeholder in the path (or its ?query) takes it, and it is not sent twice.
        if where == "body":
            if template is not None:
                # Choice: beside a body block an in:body parameter only feeds the block's placeholder of its name.
                where = "variable" if one.name in variables else "nowhere"
            else:
                where = "body" if len(bodies) == 1 and is_whole_body(one.name, one.type) else "field"
        kind = one.type or ("object" if where == "body" else "string")
        required = one.required if one.required is not None else where == "path"
        yield Slot(
            one.name,
            where,
            kind,
            required or where == "path",
            one.description,
            one.value,
            lost=where == "path" and one.name in lost,
            lone=where == "field" and len(bodies) == 1,
        )
        if isinstance(one.value, str):
            for hit in TEMPLATE.findall(one.value):
                yield Slot(bare(hit), "value", "string")


def _path_slots(operation: Operation) -> Iterator[Slot]:
    declared = {placeholder_name(one.name) for one in operation.parameters if one.location == "path"}
    known = {one.name: one for one in operation.parameters}
    for name in placeholders(operation.path):
        if name in declared or operation.scope.names_variable(name):
            continue
        one = known.get(name)
        kind, description = (one.type or "string", one.description) if one else ("string", None)
        yield Slot(name, "path", kind, required=True, description=description, fixed=one.value if one else None)


def _body_slots(operation: Operation) -> Iterator[Slot]:
    template = body_template(operation)
    declared = {one.name for one in operation.parameters if one.location == "body"}
    if operation.body is not None and template is None and not declared:
        yield Slot("body", "body", "object")  # Choice: a block without data is some JSON object, which may be left out.
    whole = isinstance(template, str) and TEMPLATE.fullmatch(template.strip()) is not None
    for name in body_names(template):
        if name not in declared and not operation.scope.names_variable(name):
            # Choice: a variable that is the whole body is an object, any other text; none is required.
            yield Slot(name, "variable", "object" if whole else "string")
