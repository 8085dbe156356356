"""An OpenAPI 3.1 document of the exposed API, generated from the plan (https://spec.openapis.org/oas/v3.1.0).

It says what the adapter really does: the inputs that are read and checked, the outputs that are built, the errors
that are answered, the authentication that is asked. A unit that can't be executed, and a ``forward``, which takes
anything, are not in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from naftiko import __version__
from naftiko.document.model import (
    ApiKeyAuthentication,
    Authentication,
    BasicAuthentication,
    BearerAuthentication,
    DigestAuthentication,
    OAuth2Authentication,
)
from naftiko.engine.answer import JSON_MEDIA_TYPE
from naftiko.engine.capability import Adapter, Capability, Unit
from naftiko.expose.rest.reading import placeholders_in_order
from naftiko.expose.rest.rendering import EVENTS, LINES
from naftiko.expose.rest.router import route_shape
from naftiko.expose.rest.variants import Asked, merged, with_conditions
from naftiko.expose.selection import Selection
from naftiko.expression.path import placeholders
from naftiko.expression.placeholders import IN_PATH
from naftiko.ground.http import READING
from naftiko.observe import sanitize as neutral
from naftiko.plan.inputs import Input, Null
from naftiko.plan.names import in_words
from naftiko.plan.portable import bounded
from naftiko.plan.routes import NO_ROUTE
from naftiko.plan.streamed import is_streamed

_SENTENCE = re.compile(r".{8,}?(?:[.!?](?= |$)|$)|.+")
_SUMMARY = 120
"""Characters of a summary."""
_METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})
_RESERVED_HEADERS = frozenset({"accept", "content-type", "authorization"})
"""Header parameters of these names are ignored by OpenAPI (4.8.12.2): bodies and security say them."""

_KINDS_WITH_FIELDS = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data")

_LIMITED: dict[str, Any] = {
    "description": "The caller has asked for as much as it may; nothing ran.",
    "headers": {
        "Retry-After": {
            "required": True,
            "description": "Seconds after which the next request may come.",
            "schema": {"type": "integer", "minimum": 1},
        },
        "RateLimit-Policy": {"description": "What the limits are.", "schema": {"type": "string"}},
        "RateLimit": {"description": "What is left of them.", "schema": {"type": "string"}},
    },
}

PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "A problem (RFC 9457).",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "hint": {"type": "string", "description": "What to do."},
        "operation": {"type": "string", "description": "The consumed operation that failed."},
        "step": {"type": "string", "description": "The step that failed."},
        "upstream": {"type": "string", "description": "The upstream's own message, shortened."},
        "correlationId": {"type": "string", "description": "Stands in the server's log too."},
        "violated-policies": {
            "type": "array",
            "items": {"type": "string"},
            "description": "The limits that are reached, by their names in `RateLimit-Policy`.",
        },
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "in", "message"],
                "properties": {
                    "name": {"type": "string"},
                    "in": {"type": "string"},
                    "message": {"type": "string"},
                    "expected": {"type": "string"},
                    "got": {"type": "string"},
                },
            },
        },
    },
}


def openapi(
    served: Sequence[tuple[Capability, Adapter, str]], *, selection: Selection | None = None, server: str = "."
) -> dict[str, Any]:
    """Return the document of REST adapters that are served together.

    Args:
        served: each adapter with its capability and the prefix of its routes.
        selection: the routes that are served; ``None``: all.
        server: the URL of the API, absolute or relative to the document: as it is, whatever path a proxy puts it at.
    """
    admits = (selection or Selection()).admits
    paths = _Paths()
    schemes: dict[str, dict[str, Any]] = {}
    ids: set[str] = set()
    tags: dict[str, dict[str, Any]] = {}
    asked: dict[tuple[int, str], list[Asked]] = {}
    for capability, adapter, prefix in served:
        security = _security(adapter, schemes)
        tag = adapter.namespace or capability.namespace
        tags.setdefault(tag, {"name": tag, "description": adapter.plan.model.description or capability.label})
        for unit in adapter.units:
            method = (unit.method or "").lower()
            if method in _METHODS and _is_described(unit) and admits(unit.namespace, unit.name):
                names, item = paths.at(prefix + _path(unit))
                earlier = asked.setdefault((id(item), method), [])
                its = Asked.of(unit.plan)
                if any(each.hides(its) for each in earlier):
                    continue
                earlier.append(its)
                operation = with_conditions(_operation(unit, names, tag, security, ids), unit.plan.route or NO_ROUTE)
                item[method] = merged(item[method], operation) if method in item else operation
    made: dict[str, Any] = neutral.declared(
        _document(served, server, paths.items, schemes, list(tags.values())), neutral.SAID
    )
    return made


def _path(unit: Unit) -> str:
    return unit.plan.route.path if unit.plan.route is not None else "/"


def _is_described(unit: Unit) -> bool:
    return unit.plan.action is not None and unit.plan.action.forwarded is None


class _Paths:
    """The path items; paths that differ in their placeholders' names only are one path to OpenAPI (4.8.8)."""

    def __init__(self) -> None:
        self.items: dict[str, dict[str, Any]] = {}
        self._of_shape: dict[str, str] = {}

    def at(self, path: str) -> tuple[tuple[str, ...], dict[str, Any]]:
        """Return the names of the placeholders, in order, and the path item."""
        written = IN_PATH.sub(lambda found: f"{{{placeholders(found[0])[0]}}}", path)
        known = self._of_shape.setdefault(route_shape(path), written)
        return placeholders_in_order(known), self.items.setdefault(known, {})


def _document(
    served: Sequence[tuple[Capability, Adapter, str]],
    server: str,
    paths: Mapping[str, Any],
    schemes: Mapping[str, Any],
    tags: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    first = served[0][0] if served else None
    info = first.plan.info if first else None
    components: dict[str, Any] = {"schemas": {"Problem": PROBLEM_SCHEMA}}
    if schemes:
        components["securitySchemes"] = schemes
    labels = dict.fromkeys(capability.label for capability, _, _ in served)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": ", ".join(labels) or "Nothing",
            "version": (info.version if info else None) or __version__,
            **({"description": info.description} if info and info.description and len(labels) == 1 else {}),
        },
        "servers": [{"url": server}],
        "tags": list(tags),
        "paths": paths,
        "components": components,
    }


def _operation(
    unit: Unit, names: Sequence[str], tag: str, security: list[dict[str, list[str]]], ids: set[str]
) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": _unique(unit.name or f"{unit.method}-{unit.path}", tag, ids),
        "tags": [tag],
    }
    operation["summary"] = _summary(unit)
    if unit.description:
        operation["description"] = unit.description
    parameters = [*_path_parameters(unit, names), *_other_parameters(unit)]
    if parameters:
        operation["parameters"] = parameters
    body = _request_body(unit)
    if body is not None:
        operation["requestBody"] = body
    operation["responses"] = _responses(unit)
    if security:
        operation["security"] = security
    return operation


def _summary(unit: Unit) -> str:
    """Return what an operation is, on one line: its label, else its description's first sentence, else its name."""
    if unit.plan.label:
        return unit.plan.label
    first, *_ = (unit.description or "").strip().split("\n\n")
    sentence = _SENTENCE.match(" ".join(first.split()))
    return bounded(sentence[0], _SUMMARY).rstrip(".") if sentence else in_words(unit.name)


def _unique(name: str, tag: str, ids: set[str]) -> str:
    chosen = name if name not in ids else f"{tag}.{name}"
    number = 2
    while chosen in ids:
        chosen, number = f"{tag}.{name}.{number}", number + 1
    ids.add(chosen)
    return chosen


def _is_parameter(found: Input) -> bool:
    if found.location == "header" and found.wire_name.lower() in _RESERVED_HEADERS:
        return False
    return found.location in {"query", "header", "cookie"}


def _path_parameters(unit: Unit, names: Sequence[str]) -> list[dict[str, Any]]:
    """Return a parameter for each placeholder of the route; one that nothing reads is text.

    Args:
        unit: the unit.
        names: what the document calls the placeholders, in order.
    """
    by_wire = {found.wire_name: found for found in unit.inputs if found.location == "path"}
    own = placeholders_in_order(_path(unit))
    parameters: dict[str, dict[str, Any]] = {}
    for name, wire_name in zip(names[len(names) - len(own) :], own, strict=False):
        found = by_wire.get(wire_name)
        schema: dict[str, Any] = {"type": "string"} if found is None else _schema(found)
        if schema.get("type") == "string":
            schema.setdefault("minLength", 1)
        parameters[name] = {"name": name, "in": "path", "required": True, "schema": schema}
        if found is not None and found.style is not None:
            parameters[name] |= {"style": found.style.name, "explode": found.style.explode}
        if found is not None and found.description:
            parameters[name]["description"] = found.description
    return list(parameters.values())


def _other_parameters(unit: Unit) -> Iterable[dict[str, Any]]:
    action = unit.plan.action
    call = None if action is None else action.only_call
    slots = () if call is None else call.operation.slots
    upstream_path = {slot.name for slot in slots if slot.location == "path"}
    for found in unit.inputs:
        if _is_parameter(found):
            parameter = _parameter(found)
            if found.required and found.name in upstream_path and found.type in {"string", None}:
                parameter["schema"].setdefault("minLength", 1)  # an empty segment is no value
            yield parameter


def _parameter(found: Input) -> dict[str, Any]:
    parameter: dict[str, Any] = {"name": found.wire_name or found.name, "in": found.location}
    if found.required:
        parameter["required"] = True
    if found.description:
        parameter["description"] = found.description
    if found.style is not None:
        parameter |= {"style": found.style.name, "explode": found.style.explode, "schema": _schema(found)}
    elif found.type == "object":
        parameter["content"] = {"application/json": {"schema": _schema(found)}}
    else:
        parameter["schema"] = _schema(found)
        if found.required and found.type == "array":
            parameter["schema"].setdefault("minItems", 1)  # an empty one is no parameter at all
    return parameter


def _schema(found: Input) -> dict[str, Any]:
    schema = {name: value for name, value in found.schema.items() if name != "description"}
    if found.type is not None:
        schema.setdefault("type", found.type)
    if schema.get("type") == "array":
        schema.setdefault("items", {})
    return schema


def _request_body(unit: Unit) -> dict[str, Any] | None:
    inputs = [found for found in unit.inputs if found.location == "body"]
    if unit.plan.passes_body:
        return {"description": "Passed on as it is, with its media type.", "content": {"*/*": {}}}
    if not inputs:
        return None
    whole = next((found for found in inputs if found.whole_body), None)
    if whole is not None:
        # Many files say `string` of a body that is any JSON, which is what is passed on (SEMANTICS 4.3).
        json = {} if whole.type == "string" else {"schema": _schema(whole)}
        return _described(whole, {"application/json": json, "*/*": {}})
    fields = [found for found in inputs if found.body_path is None]
    if len(fields) < len(inputs):
        return {"content": {"application/json": {}}, "required": any(found.required for found in inputs)}
    required = [found.shown for found in fields if found.required]
    form = _object({found.shown: _field(found) for found in fields}, required)
    fields_of_json = _object(
        {found.shown: _or_null(_field(found)) if _may_be_null(found) else _field(found) for found in fields}, required
    )
    for found in fields:
        if found.or_body:
            fields_of_json = _or_body(found, fields_of_json)
    content = {kind: {"schema": fields_of_json if kind == "application/json" else form} for kind in _KINDS_WITH_FIELDS}
    return {"content": content, "required": bool(required)}


def _object(properties: Mapping[str, Any], required: Sequence[str]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, **({"required": required} if required else {})}


def _field(found: Input) -> dict[str, Any]:
    return {**found.schema, **_schema(found)}


def _may_be_null(found: Input) -> bool:
    """Tell whether null is as good as no value (SEMANTICS 3.2)."""
    return found.null is Null.ABSENT and not found.required


def _or_body(found: Input, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a body that holds an input as a field, or is its value (SEMANTICS 3.5)."""
    if found.type == "string":  # a text may be any body, which is what is passed on (SEMANTICS 4.3)
        return {"type": ["object", "array", "string", "number", "boolean"], "properties": fields["properties"]}
    return {"anyOf": [{**fields, "required": [found.shown]}, _field(found)]}


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a field that may be left out: null is the absence of one (SEMANTICS 3.2)."""
    kind = schema.get("type")
    if isinstance(kind, str):
        schema["type"] = [kind, "null"]
    if "enum" in schema and None not in schema["enum"]:
        schema["enum"] = [*schema["enum"], None]
    return schema


def _described(found: Input, content: Mapping[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = {"content": content, "required": found.required}
    if found.description:
        body["description"] = found.description
    return body


def _responses(unit: Unit) -> dict[str, Any]:
    outputs = unit.plan.outputs
    action = unit.plan.action
    schema = None if action is None else action.promised(outputs, mock=False)
    content: dict[str, Any]
    if unit.method == "HEAD":
        content, description = {}, "The upstream's headers."
    elif schema is None and outputs.identity:
        content = {"*/*": {}}
        description = "The upstream's answer, as it is."
    else:
        content = {"application/json": {} if schema is None else {"schema": schema}}
        description = "The answer."
    streams = action is not None and is_streamed(action)
    if streams and content:
        content = {JSON_MEDIA_TYPE: {"schema": schema or {"type": "array", "items": {}}}}
        content |= {EVENTS: {"schema": {"type": "string"}}, LINES: {"schema": {"type": "string"}}}
        description = "The items of a stream, each as it comes: as an array, as events, or one on a line (`Accept`)."
    problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
    success: dict[str, Any] = {"2XX": {"description": description, **({"content": content} if content else {})}}
    if action is None or not action.is_made_here:
        success["204"] = {"description": "The upstream's answer has no content."}
    if unit.method in READING and not streams:
        success["304"] = {"description": "The caller has this answer already (`If-None-Match`, `If-Modified-Since`)."}
    if unit.plan.limits is not None:
        success["429"] = {**_LIMITED, "content": {"application/problem+json": problem}}
    return {
        **success,
        "default": {
            "description": "A problem of this server, or the upstream's own error, as it is.",
            "content": {"application/problem+json": problem, "*/*": {}},
        },
        **unit.plan.responses,
    }


def _security(adapter: Adapter, schemes: dict[str, dict[str, Any]]) -> list[dict[str, list[str]]]:
    """Return what every operation of an adapter asks for, and register the schemes."""
    authentication = adapter.plan.model.authentication
    if authentication is None:
        return []
    describe = _SCHEMES.get(type(authentication))
    if describe is None:
        return []
    asked: dict[str, list[str]] = {}
    for name, scheme, scopes in describe(authentication):
        full = f"{adapter.namespace}.{name}" if adapter.namespace else name
        schemes[full] = scheme
        asked[full] = scopes
    return [asked]


_Described = Iterable[tuple[str, dict[str, Any], list[str]]]


def _api_key(authentication: Any) -> _Described:
    if authentication.placement not in {None, *authentication.by_callers}:
        return []
    keys = {authentication.key: authentication.placement or "header"} if authentication.key else {}
    keys |= dict.fromkeys(authentication.headers, "header")
    return [
        (f"apiKey.{name}", {"type": "apiKey", "name": name, "in": where}, []) for name, where in keys.items() if name
    ]


def _http(scheme: str) -> Callable[[Any], _Described]:
    return lambda authentication: [(scheme, {"type": "http", "scheme": scheme}, [])]  # noqa: ARG005  # the table's shape


def _oauth2(authentication: Any) -> _Described:
    issuer = (authentication.authorization_server_uri or "").rstrip("/")
    scopes = list(authentication.scopes)
    if authentication.token_endpoint:
        flow = {"tokenUrl": authentication.token_endpoint, "scopes": dict.fromkeys(scopes, "")}
        return [("oauth2", {"type": "oauth2", "flows": {"clientCredentials": flow}}, scopes)]
    url = f"{issuer}/.well-known/openid-configuration"
    return [("oauth2", {"type": "openIdConnect", "openIdConnectUrl": url}, scopes)]


_SCHEMES: dict[type[Authentication], Callable[[Any], _Described]] = {
    ApiKeyAuthentication: _api_key,
    BasicAuthentication: _http("basic"),
    BearerAuthentication: _http("bearer"),
    DigestAuthentication: _http("digest"),
    OAuth2Authentication: _oauth2,
}
