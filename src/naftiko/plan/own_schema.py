"""A tool's own JSON ``inputSchema``: shown as clients take it, checked as it is written (SEMANTICS 1.3 and 7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from naftiko.expression.text import compact_json
from naftiko.ground.errors import InputError, Problem
from naftiko.ground.types import Position
from naftiko.plan.deadline import Watch
from naftiko.plan.inputs import Input, InputSet
from naftiko.plan.portable import Folder, Loss, Losses, References, Shape, Shaper, mended, type_words
from naftiko.plan.problems import Problems
from naftiko.plan.validation import Errors, schema_errors

_EACH_INPUT: Final = frozenset({"type", "properties", "required", "additionalProperties"})
"""Root keywords that the check of each input covers already."""
_SAYS_NOTHING: Final = frozenset(
    {"$schema", "$id", "$comment", "$defs", "definitions", "title", "description"}
    | {"default", "examples", "deprecated", "readOnly", "writeOnly"}
)
_SHOWN: Final = 240


@dataclass(frozen=True, slots=True)
class OwnSchema:
    """A tool's own ``inputSchema``.

    Attributes:
        declared: what arguments are checked against, under their real names.
        properties: its properties by their real names, as clients are shown them.
        required: the names of those that are required.
        closed: whether it refuses all others.
        description: of all arguments together, with the rules.
        rules: what it asks for that its properties don't say.
        losses: what is not shown as it is written.
        position: where it stands.
    """

    declared: Mapping[str, Any]
    properties: Mapping[str, Shape]
    required: frozenset[str]
    closed: bool
    description: str
    rules: tuple[str, ...]
    losses: tuple[Loss, ...]
    position: Position

    @property
    def says_inputs(self) -> bool:
        """Whether it says what the inputs are; one without properties leaves them to what is called."""
        return bool(self.properties) or self.closed


def own_schema(schema: Mapping[str, Any], position: Position) -> OwnSchema:
    """Read a tool's own ``inputSchema``; whatever it says of its root, arguments are an object."""
    declared = mended(schema)
    losses = Losses()
    _tell_broken(schema, declared, losses)
    declared["type"] = "object"
    shape = Shaper(Folder(References(declared), losses)).shape(declared, "")
    shown = shape.schema
    return OwnSchema(
        declared=declared,
        properties=shape.properties,
        required=frozenset(shape.renaming.names.get(alias, alias) for alias in shown.get("required", ())),
        closed=shown.get("additionalProperties") is False,
        description=shown.get("description", ""),
        rules=shape.rules,
        losses=tuple(losses),
        position=position,
    )


def _tell_broken(schema: Mapping[str, Any], declared: Mapping[str, Any], losses: Losses) -> None:
    """Tell what can't be meant: a root that is no object, keywords that no reading makes a schema of."""
    if declared.get("type", "object") != "object":
        losses.warning("schema-broken", "", f"its type is {declared['type']}, and arguments are an object")
    properties = schema.get("properties", {})
    if not isinstance(properties, Mapping):
        losses.warning("schema-broken", "", "`properties` is no map; the inputs follow from what is called")
        return
    for name, inner in properties.items():
        kind = inner.get("type") if isinstance(inner, Mapping) else inner
        if not isinstance(inner, Mapping | bool) and not type_words(inner):
            losses.warning("schema-broken", str(name), "it is no schema, and no name of a type")
        elif isinstance(inner, Mapping) and kind is not None and not type_words(kind):
            losses.warning("schema-broken", str(name), f"its type `{kind}` is none")


def own_inputs(own: OwnSchema) -> tuple[Input, ...]:
    """Return the inputs that the properties are."""
    shared = {key: own.declared[key] for key in ("$defs", "definitions") if key in own.declared}
    declared = own.declared.get("properties", {})
    return tuple(
        _own_input(name, shape, declared.get(name), shared, required=name in own.required)
        for name, shape in own.properties.items()
    )


def _own_input(name: str, shape: Shape, declared: Any, shared: Mapping[str, Any], *, required: bool) -> Input:
    alone = dict(declared) if isinstance(declared, Mapping) else {}
    description = alone.get("description")
    if "$ref" in compact_json(alone):
        alone |= shared
    return Input(
        name=name,
        alias=name,
        location="argument",
        type=shape.kind,
        required=required,
        description=description,
        schema=alone,
        wire_name=name,
        label=name,
        admits_null=shape.nullable,
        real=shape.renaming.real if shape.renaming else None,
    )


class OwnInputs(InputSet):
    """The inputs of a tool with an ``inputSchema`` of its own, which says something of all of them together, too."""

    def __init__(self, inputs: Iterable[Input], own: OwnSchema) -> None:
        super().__init__(inputs)
        keywords = own.declared.keys() - _EACH_INPUT - _SAYS_NOTHING
        refers = any("$ref" in compact_json(each) for each in own.declared.get("properties", {}).values())
        alone = {
            "required",
            "additionalProperties",
        }  # of the root: each input is checked for them, under its shown name
        together = {key: value for key, value in own.declared.items() if key not in alone}
        self._together = together if keywords or refers else None
        self._own = own.properties
        self._errors: Errors | None = None

    def check(self, given: Mapping[str, Any], *, text: frozenset[str] = frozenset()) -> dict[str, Any]:
        """Return the inputs by their real names, repaired and complete.

        Raises:
            InputError: with every problem of the inputs one by one; if there is none, with every one of them together.
        """
        values = super().check(given, text=text)
        if self._together is not None:
            if self._errors is None:
                self._errors = schema_errors(self._together)
            # A placeholder of a path that the schema forgets is asked for all the same.
            own = {name: value for name, value in values.items() if name in self._own}
            problems = Problems()
            for error in self._errors(own, Watch()):
                problems.append(_problem(error))
                if problems.is_full:
                    break
            if problems:
                raise InputError(problems.told())
        return values


def _problem(error: Any) -> Problem:
    where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path)
    said = error.message if len(error.message) <= _SHOWN else f"{error.message[:_SHOWN]}…"
    name = where.removeprefix(".") or "arguments"
    return Problem(name, "argument", f"`{name}`: {said}", f"what `{error.validator}` of the inputSchema says")
