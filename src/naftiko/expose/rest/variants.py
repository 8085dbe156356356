"""One OpenAPI operation for several units of one method and path: OpenAPI knows neither queries in paths nor rivals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from naftiko.plan.routes import ExposedRoute
from naftiko.plan.unit import UnitPlan

Json: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """What of a unit's requests says that it answers them, and no other of its method and path.

    Attributes:
        route: what its path and its query are.
        required: its required inputs.
        inputs: all of them.
    """

    route: tuple[object, ...]
    required: frozenset[tuple[str, str]]
    inputs: frozenset[tuple[str, str]]

    @classmethod
    def of(cls, unit: UnitPlan) -> Asked:
        """Return what a unit asks for."""
        given = [found for found in unit.inputs.inputs if found.location != "path"]
        return cls(
            unit.route.key if unit.route is not None else (),
            frozenset((found.location, found.wire_name) for found in given if found.required),
            frozenset((found.location, found.wire_name) for found in given),
        )

    def hides(self, other: Asked) -> bool:
        """Tell whether this one answers all that the other could, if it stands before it."""
        return self.route == other.route and self.required == other.required and self.inputs >= other.inputs


def with_conditions(operation: Json, route: ExposedRoute) -> Json:
    """Return an operation with the query that its route asks for, as required parameters."""
    conditions = list(_conditions(route))
    if not conditions:
        return operation
    named = {parameter["name"] for parameter in conditions}
    others = [each for each in operation.get("parameters", []) if each["in"] != "query" or each["name"] not in named]
    return {**operation, "parameters": [*others, *conditions]}


def _conditions(route: ExposedRoute) -> Iterator[Json]:
    times = Counter(pair.name for pair in route.pairs if not pair.placeholder)
    for name, count in times.items():
        values = [pair.value for pair in route.pairs if pair.name == name and pair.value is not None]
        schema: Json = {"type": "string", **({"enum": list(dict.fromkeys(values))} if values else {})}
        if count > 1:
            schema = {"type": "array", "items": schema, "minItems": count}
        yield {
            "name": name,
            "in": "query",
            "required": True,
            "schema": schema,
            **({} if values else {"allowEmptyValue": True}),
        }


def merged(one: Json, other: Json) -> Json:
    """Return what two operations are together: a request is for either, so what only one asks for is optional."""
    both = {**one, "responses": _responses(one["responses"], other["responses"])}
    both["tags"] = list(dict.fromkeys([*one["tags"], *other["tags"]]))
    for key, separator in (("summary", " / "), ("description", "\n\n")):
        texts = dict.fromkeys(text for operation in (one, other) if (text := operation.get(key)))
        if texts:
            both[key] = separator.join(texts)
    parameters = _parameters(one.get("parameters", []), other.get("parameters", []))
    if parameters:
        both["parameters"] = parameters
    bodies = [operation["requestBody"] for operation in (one, other) if "requestBody" in operation]
    if bodies:
        both["requestBody"] = _body(bodies)
    if "security" in one or "security" in other:
        asked = [*one.get("security", [{}]), *other.get("security", [{}])]
        both["security"] = [each for at, each in enumerate(asked) if each not in asked[:at]]
    return both


def _parameters(one: Sequence[Json], other: Sequence[Json]) -> list[Json]:
    by_name = {(parameter["in"], parameter["name"]): parameter for parameter in one}
    found: dict[tuple[str, str], Json] = {}
    for parameter in other:
        key = (parameter["in"], parameter["name"])
        known = by_name.get(key)
        found[key] = _optional(parameter) if known is None else _parameter(known, parameter)
    first = [found.pop(key) if key in found else _optional(parameter) for key, parameter in by_name.items()]
    return [*first, *found.values()]


def _optional(parameter: Json) -> Json:
    """A path parameter that only one of two reads is in the path all the same."""
    if parameter["in"] == "path":
        return parameter
    return {name: value for name, value in parameter.items() if name != "required"}


def _parameter(one: Json, other: Json) -> Json:
    both = {**other, **one}
    if not (one.get("required") and other.get("required")):
        both = _optional(both)
    if "schema" in one and "schema" in other:
        both["schema"] = _either(one["schema"], other["schema"])
    elif "schema" in both:
        both.pop("content", None)  # a parameter has one of the two
    return both


def _either(one: Mapping[str, Any], other: Mapping[str, Any]) -> Json:
    """Return the schema of a value that fits one of two."""
    if one == other:
        return dict(one)
    if not one or not other:
        return {}
    if one.keys() == other.keys() == {"type", "enum"} and one["type"] == other["type"]:
        return {"type": one["type"], "enum": list(dict.fromkeys([*one["enum"], *other["enum"]]))}
    known = [*one["anyOf"]] if one.keys() == {"anyOf"} else [dict(one)]
    return {"anyOf": known if other in known else [*known, dict(other)]}


def _content(one: Mapping[str, Any], other: Mapping[str, Any]) -> Json:
    """Return the media types of two; one that both have fits either schema."""
    both: Json = {**one}
    for kind, media in other.items():
        known = both.get(kind)
        if known is None:
            both[kind] = media
        elif "schema" in known and "schema" in media:
            both[kind] = {"schema": _either(known["schema"], media["schema"])}
        else:
            both[kind] = {}
    return both


def _body(bodies: Sequence[Json]) -> Json:
    first, last = bodies[0], bodies[-1]
    content = _content(first["content"], last["content"]) if len(bodies) > 1 else first["content"]
    required = len(bodies) > 1 and all(body.get("required") for body in bodies)
    return {**first, "content": content, "required": required}


def _responses(one: Mapping[str, Json], other: Mapping[str, Json]) -> Json:
    both: Json = {**one}
    for status, response in other.items():
        known = both.get(status)
        if known is None:
            both[status] = response
        elif "content" in known or "content" in response:
            both[status] = {**known, "content": _content(known.get("content", {}), response.get("content", {}))}
    return both
