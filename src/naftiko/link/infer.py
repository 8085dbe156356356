"""Make a unit's inputs: those it declares, or those that follow from what it calls (SEMANTICS 3.4 and 3.5)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from naftiko.document.findings import Findings
from naftiko.document.model import InputParameter
from naftiko.expression import jsonpath
from naftiko.expression.path import same_placeholder
from naftiko.expression.styles import style_of
from naftiko.ground.types import ABSENT, Position
from naftiko.link.lost_path import appended, lookalike
from naftiko.link.needs import InputUse, Need
from naftiko.plan.body_place import is_whole_name
from naftiko.plan.inputs import Input, InputSet, Null
from naftiko.plan.names import property_names
from naftiko.plan.own_schema import OwnInputs, OwnSchema, own_inputs, own_schema
from naftiko.plan.portable import Folder, References, Shaper
from naftiko.plan.routes import NO_ROUTE, ExposedRoute
from naftiko.plan.schema import default_of, told_schema
from naftiko.plan.schema_types import is_nullable, stands_for_bytes
from naftiko.plan.slots import Slot

_BODY_METHODS = frozenset({"POST", "PUT", "PATCH"})
_LOCATIONS = frozenset({"path", "query", "header", "cookie", "body", "environment"})
_TYPING = frozenset({"type", "enum", "const", "anyOf", "oneOf", "allOf", "$ref", "properties", "items"})
"""Keywords that say what kind of value fits."""


@dataclass(frozen=True, slots=True)
class DeclaredInputs:
    """The declared inputs of a unit.

    Attributes:
        unsaid: the names of those that don't say whether they are required.
        own: the schema that they are the properties of.
    """

    inputs: tuple[Input, ...]
    unsaid: frozenset[str] = frozenset()
    own: OwnSchema | None = None

    def __bool__(self) -> bool:
        return bool(self.inputs) or (self.own is not None and self.own.says_inputs)

    def without(self, names: Collection[str]) -> DeclaredInputs:
        """Return the same without some."""
        if not names:
            return self
        return replace(self, inputs=tuple(given for given in self.inputs if given.name not in names))

    @property
    def twins(self) -> dict[tuple[str, str], str]:
        """The input of a name in a place, where two have that name (SEMANTICS 4.3)."""
        doubled = {given.label for given in self.inputs if given.name != given.label}
        return {(given.label, given.location): given.name for given in self.inputs if given.label in doubled}

    def settled(self, needs: Mapping[str, bool]) -> list[Input]:
        """Return the inputs, required where what they feed is, or where that isn't known (SEMANTICS 3.6)."""
        return [
            _required(given) if given.name in self.unsaid and needs.get(given.name, True) else given
            for given in self.inputs
        ]


class InputMaker:
    """Makes the inputs of one unit.

    Attributes:
        method: the exposed method, where there is a route.
        route: the exposed path. Without one inputs have no places: they are arguments.
        has_places: whether there is one.
        misplaced: the path inputs that the exposed path seems to hold, but not as placeholders, and what is meant.
    """

    def __init__(self, method: str | None, route: ExposedRoute | None, findings: Findings) -> None:
        self.method = method
        self.route = route or NO_ROUTE
        self.has_places = route is not None
        self.misplaced: dict[str, str] = {}
        self._findings = findings

    def inferred(self, wanted: Iterable[Need]) -> list[Input]:
        """Make an input of each name that a unit wants; the first use says its type."""
        found: dict[str, Input] = {}
        for want in wanted:
            made = self._inferred(want)
            known = found.get(want.name)
            if known is None:
                found[want.name] = made
            elif made.required and not known.required:
                found[want.name] = _required(known)
        return list(found.values())

    def _inferred(self, want: Need) -> Input:
        slot = want.slot
        place = self._place(want)
        if place is None and want.place in {None, "path"}:
            self._seek(_plain(want), declared=slot.location == "path")
        location, wire = place or (self._location(slot), _plain(want))
        default = self._said_by_route(location, wire)
        kind, schema = _TYPED[want.use](slot)
        description = slot.description if want.use is not InputUse.PART else None
        if description and "description" not in schema:
            schema = {**schema, "description": description}
        required = place is not None or (slot.required and want.use is not InputUse.PART)
        return Input(
            name=want.name,
            alias=want.name,
            location=location,
            type=kind,
            required=required and default is ABSENT,
            description=description,
            schema=schema,
            default=default,
            wire_name=want.wire or wire,
            whole_body=location == "body" and slot.whole_body and want.use is not InputUse.PART,
            label=want.wire or _plain(want),
            style=slot.style if location == slot.location and want.use is InputUse.WHOLE else None,
        )

    def _place(self, want: Need) -> tuple[str, str] | None:
        """Return where the exposed path has what a unit wants, and its name there; not what is looked for elsewhere."""
        place = self._in_route(want.name) or self._in_route(_plain(want))
        return place if place is None or want.place in {None, place[0]} else None

    def _in_route(self, name: str) -> tuple[str, str] | None:
        """Return where the exposed path has an input, ``path`` or ``query``, and its name there."""
        in_path = same_placeholder(name, self.route.names)
        if in_path is not None:
            return "path", in_path
        in_query = same_placeholder(name, tuple(self.route.in_query))
        return None if in_query is None else ("query", self.route.in_query[in_query])

    def _seek(self, name: str, *, declared: bool) -> None:
        """Note what is probably meant where the exposed path seems to hold a name, but not as a placeholder."""
        meant = lookalike(self.route.text, name, declared=declared)
        if meant is not None:
            self.misplaced[name] = meant

    def _said_by_route(self, location: str, wire: str) -> Any:
        """Return the value that the exposed path's own query fixes, which every request has."""
        return self.route.fixed.get(wire, ABSENT) if location == "query" else ABSENT

    def _location(self, slot: Slot) -> str:
        if not self.has_places:
            return "argument"
        return "query" if slot.location == "path" else slot.location

    def declared(
        self, levels: Sequence[Sequence[InputParameter]], inherited: Sequence[InputParameter] = ()
    ) -> DeclaredInputs:
        """Make the declared inputs; an inner level wins over an outer one.

        Args:
            levels: those of the unit and of what is around it.
            inherited: those of an aggregate's function, the innermost level.
        """
        merged = self._merged((*levels, inherited))
        inputs = tuple(self._declared(name, parameter) for name, parameter in merged.items())
        follows = {parameter.name for parameter in inherited} if self.has_places else merged
        unsaid = frozenset(
            given.name
            for given in inputs
            if given.name in follows
            and merged[given.name].required is None
            and given.default is ABSENT
            and given.constant is ABSENT
        )
        return DeclaredInputs(inputs, unsaid)

    def _merged(self, levels: Sequence[Sequence[InputParameter]]) -> dict[str, InputParameter]:
        """Return the declared inputs by name; the second of a name, in another place, has the place in its own."""
        by_name: dict[str, dict[str, InputParameter]] = {}
        for level in levels:
            inner: dict[str, dict[str, InputParameter]] = {}
            for parameter in level:
                if parameter.name is None:
                    self._findings.at(parameter.node).warning("missing-name", "an input without a name is left out")
                else:
                    place = (parameter.location or "").lower() if self.has_places else "argument"
                    inner.setdefault(parameter.name, {})[place] = parameter
            by_name.update(inner)
        return {
            name if at == 0 else f"{name} in {place}": parameter
            for name, places in by_name.items()
            for at, (place, parameter) in enumerate(places.items())
        }

    def of_schema(self, schema: Mapping[str, Any], position: Position) -> DeclaredInputs:
        """Make the inputs of a tool's own JSON ``inputSchema``."""
        own = own_schema(schema, position)
        return DeclaredInputs(own_inputs(own), own=own)

    def _declared(self, name: str, parameter: InputParameter) -> Input:
        own = parameter.name or name
        location, wire = self._declared_place(own, parameter)
        body_path, constant = self._value(parameter)
        default = self._said_by_route(location, wire) if parameter.default is None else default_of(parameter)
        schema = told_schema(parameter, self._findings)
        required = bool(parameter.required)
        if self.has_places and parameter.required is None:  # what the path is meant to have
            required = (parameter.location or "").lower() == "path" or self._in_route(own) is not None
        return Input(
            name=name,
            alias=name,
            location=location,
            type=parameter.type,
            required=location == "path" or (required and default is ABSENT and constant is ABSENT),
            description=parameter.description,
            schema=schema,
            default=default,
            wire_name=wire,
            body_path=body_path,
            constant=constant,
            label=own,
            style=style_of(parameter, location, self._findings),
            real=None if self.has_places else _real_names(schema),
        )

    def _declared_place(self, name: str, parameter: InputParameter) -> tuple[str, str]:
        """Return where a declared input is, and its name there."""
        if not self.has_places:
            return "argument", name
        place = self._in_route(name)
        location = (parameter.location or "").lower()
        if location == "path":
            return place or self._lost(name, parameter)
        if location in _LOCATIONS:
            return place if place is not None and place[0] == location else (location, name)
        if location:
            self._findings.at(parameter.at("in")).warning(
                "unknown-location",
                f"`in: {parameter.location}` is not known",
                hint="use path, query, header, cookie or body",
            )
        if place is None:
            self._seek(name, declared=False)
        return place or ("body" if self.method in _BODY_METHODS else "query", name)

    def _lost(self, name: str, parameter: InputParameter) -> tuple[str, str]:
        """Place a path input that the exposed path has no placeholder for: a caller can give it in the query."""
        self._seek(name, declared=True)
        if name in self.misplaced:
            return "path", name
        self._findings.at(parameter.at("in")).warning(
            "lost-placeholder",
            f"the path `{self.route.text}` has no placeholder for `{name}`, declared `in: path`; it is read from the "
            "query",
            hint=f"write `{appended(self.route.text, [name])[0]}`, or declare it `in: query`",
        )
        return "query", name

    def _value(self, parameter: InputParameter) -> tuple[jsonpath.JSONPath | None, Any]:
        """Return the JSONPath on the body, or the constant, that a declared ``value`` is (SEMANTICS 3.5)."""
        text = parameter.value if parameter.value is not None else parameter.template
        if parameter.const is not None or parameter.structure is not None:
            return None, parameter.structure if parameter.const is None else parameter.const
        if text is None:
            return None, ABSENT
        if not text.strip().startswith("$"):
            return None, text
        try:
            return jsonpath.parse(text), ABSENT
        except jsonpath.JSONPathError as error:
            self._findings.at(parameter.at("value")).error("broken-jsonpath", f"`{text}`: {error.message}")
            return None, ABSENT


def _plain(want: Need) -> str:
    """Return the name of what is wanted without its place: ``x`` of ``header.x``."""
    return want.name.removeprefix(f"{want.place}.") if want.place else want.name


def fed(inputs: Iterable[Input], wants: Iterable[Need]) -> list[Input]:
    """Return the inputs with what follows from what they feed: what null is, what is base64, what may be the body."""
    uses: dict[str, list[Need]] = {}
    for want in wants:
        uses.setdefault(want.name, []).append(want)
    made = list(inputs)
    read_from_body = [given for given in made if given.location == "body" and given.constant is ABSENT]
    return [_fed(given, uses.get(given.name, []), is_only=read_from_body == [given]) for given in made]


def _fed(given: Input, wants: Sequence[Need], *, is_only: bool) -> Input:
    feeds_body = any(want.slot.whole_body or want.slot.lone for want in wants if want.use is InputUse.WHOLE)
    decodes = any(want.slot.takes_bytes and _stands_for_bytes(given, want) for want in wants)
    is_read_whole = given.whole_body or given.body_path is not None or any(want.place for want in wants)
    may_be_body = given.location == "body" and not is_read_whole
    open_type = given.type in {None, "object"}
    is_body = may_be_body and (
        (is_only and (open_type or feeds_body or is_whole_name(given.label)))
        or (given.label == "body" and (feeds_body or (open_type and not wants)))
    )
    null, schema = _null(given, wants), given.schema
    if decodes and given.location == "argument":
        schema = {**schema, "contentEncoding": "base64"}
    made = given
    if (null, decodes, is_body, schema) != (given.null, given.is_base64, given.or_body, given.schema):
        made = replace(given, null=null, is_base64=decodes, or_body=is_body, schema=schema)
    if given.location != "argument" or decodes or not wants or not _is_untyped(given.type, given.schema):
        return made
    # Clients are shown a type all the same.
    is_whole = any(want.slot.whole_body and want.use is InputUse.WHOLE for want in wants)
    # The text of a body's only field says by itself whether it is the whole body (SEMANTICS 4.3).
    is_lone_text = given.type is None and any(want.slot.lone for want in wants)
    may_be_json = any(map(_stands_in_json, wants)) and not is_lone_text
    return replace(made, untyped="object" if is_whole else "string", reads_json=may_be_json)


def _stands_for_bytes(given: Input, want: Need) -> bool:
    return want.use is InputUse.WHOLE and (stands_for_bytes(given.schema) or stands_for_bytes(want.slot.schema))


def _null(given: Input, wants: Sequence[Need]) -> Null:
    """Say what a caller's null is: a value in JSON, elsewhere as absent; refused where the type forbids it there."""
    if given.admits_null or is_nullable(given.schema):
        return Null.VALUE
    in_json = [want for want in wants if want.slot.in_json and want.use is not InputUse.TEXT]
    if not in_json:
        return Null.ABSENT
    if given.type is not None:
        return Null.REFUSED
    return Null.ABSENT if all(want.slot.whole_body and want.use is InputUse.WHOLE for want in in_json) else Null.VALUE


def _stands_in_json(want: Need) -> bool:
    return want.slot.in_json and want.use is not InputUse.TEXT


def _is_untyped(kind: str | None, schema: Mapping[str, Any]) -> bool:
    """Tell whether nothing says what a value is, or what the elements of an array are."""
    return kind == "array" and not schema.get("items") if kind else not schema.keys() & _TYPING


_TYPED: dict[InputUse, Callable[[Slot], tuple[str | None, Mapping[str, Any]]]] = {
    InputUse.WHOLE: lambda slot: (slot.type, slot.schema),
    InputUse.PART: lambda _: (None, {}),
    InputUse.TEXT: lambda _: ("string", {"type": "string"}),
}
"""The type and the schema of an input, by how a slot's value is made of it."""


def named_safely(inputs: Iterable[Input], own: OwnSchema | None = None) -> InputSet:
    """Return the inputs with names that clients accept, checked as a schema of their own says, if there is one."""
    made = list(inputs)
    aliases = property_names(given.label or given.name for given in made)
    named = [_aliased(given, aliases[given.label or given.name]) for given in made]
    return InputSet(named) if own is None else OwnInputs(named, own)


def _aliased(given: Input, alias: str) -> Input:
    return given if given.alias == alias else replace(given, alias=alias)


def _real_names(schema: Mapping[str, Any]) -> Callable[[Any], Any] | None:
    """Return what gives the properties below an input their real names, where clients refuse any of them."""
    if not any(key in schema for key in ("properties", "items")):
        return None
    renaming = Shaper(Folder(References(schema))).shape(schema, "").renaming
    return renaming.real if renaming else None


def _required(given: Input) -> Input:
    return replace(given, required=True)
