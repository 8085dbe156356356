"""Link a call: which operation, what its arguments are made of, which inputs that asks of the caller.

This is the heart of SEMANTICS 3: ``with`` first, then the caller's input of the same name, then a placeholder of
the exposed path that is the same after folding, and last an input of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from naftiko.document.findings import Findings
from naftiko.document.model import Model
from naftiko.document.nodes import Node
from naftiko.document.suggest import did_you_mean, fold, listed
from naftiko.expression import dotted, jsonpath
from naftiko.expression.dotted import known_prefix, same_name
from naftiko.expression.path import same_placeholder
from naftiko.expression.references import (
    Defaulted,
    InputPath,
    InputReference,
    Names,
    OptionalInput,
    PathInto,
    ScopePath,
    StepPath,
    compile_value,
)
from naftiko.expression.sources import StepBytes, on_one_line
from naftiko.expression.template import TemplateError, Value
from naftiko.link.apis import Apis
from naftiko.link.extras import HEADER_KEYS, OWN_BODY, PLACES, extra_slot, place_of
from naftiko.link.fallbacks import FallbackLinker
from naftiko.link.needs import InputUse, Needs, without_source
from naftiko.link.resolving import Resolver, Unresolved, tell_misspelt, tell_misspelt_names
from naftiko.plan.actions import Call, Extra
from naftiko.plan.credentials import path_value
from naftiko.plan.operation import FORBIDDEN_HEADERS, Operation
from naftiko.plan.schema_types import stands_for_bytes
from naftiko.plan.slots import Slot
from naftiko.plan.unit import ApiPlan


class CannotLink(Exception):  # it is caught here, never shown
    """A call that can't be linked; the unit is not executable.

    Attributes:
        reason: why.
        hint: what to do.
        node: where, if it is not the unit's own ``call``.
    """

    def __init__(self, rule: str, reason: str, hint: str = "", node: Node | None = None) -> None:
        super().__init__(reason)
        self.rule = rule
        self.reason = reason
        self.hint = hint
        self.node = node


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a call, as far as linking needs it.

    Attributes:
        names: what names mean in its ``with``.
        declared: whether it declares inputs, which are not added to.
        route: the placeholders of its exposed path, in REST.
        is_agent: whether it has no route, as a tool: credentials are not asked of an agent.
        weak: inputs that are declared for other routes too, and are its own only if it uses them.
        has_places: whether its inputs have places of their own, as they have in REST.
        twins: the input of a name in a place, where two of the declared ones have that name.
        gives_body: whether it gives a body of its own to an operation that declares none (SEMANTICS 4.3).
        is_idempotent: whether calling twice is as good as once, as its hints or its function's semantics say.
    """

    names: Names
    declared: bool
    route: tuple[str, ...]
    is_agent: bool
    weak: frozenset[str] = frozenset()
    has_places: bool = False
    twins: Mapping[tuple[str, str], str] = field(default_factory=dict)
    gives_body: bool = False
    is_idempotent: bool = False


Mapped: TypeAlias = "Mapping[str, tuple[Value, tuple[str, ...]]]"
"""Compiled ``with`` values by key, each with the inputs that it uses."""


class _Linking:
    """One call while it is linked: which argument comes from where."""

    def __init__(
        self,
        operation: Operation,
        api: ApiPlan,
        mapped: Mapped,
        caller: Caller,
        wants: Needs,
    ) -> None:
        self._operation = operation
        self._credentials = api.credentials
        self._in_base = api.base.path_names
        self._mapped = mapped
        self._caller = caller
        self._wants = wants
        self._taken: set[str] = set()
        self.arguments: dict[str, Value] = {}
        self.misspelt: dict[str, str] = {}

    def left(self) -> Mapped:
        """Return the mapped keys that named nothing."""
        return {key: value for key, value in self._mapped.items() if key not in self._taken}

    def slot(self, slot: Slot) -> None:
        """Fill a slot: from ``with``, else from the caller's input of that name, else by an input of its own."""
        key = self._key(slot)
        credential = self._is_credential(slot)
        if key is None:
            if not credential and not self._within(slot.name, slot) and not self._is_given_body(slot):
                self._unmapped(slot)
            return
        self._taken.add(key)
        if not credential:
            self._map(key, slot)
        elif not self._caller.is_agent or not self._mapped[key][1]:
            self._map(key, replace(slot, required=False))  # ours is sent where the caller gives none
        else:
            for name in self._mapped[key][1]:
                self._wants.feeds(name, needed=False)  # an agent's own is not sent

    def take(self, name: str, slot: Slot) -> bool:
        """Fill an argument from ``with`` alone; return whether it stands there."""
        if name not in self._mapped or name in self._taken:
            return False
        self._taken.add(name)
        self._map(name, slot)
        return True

    def outside_of_slots(self, api: ApiPlan) -> None:
        """Fill the placeholders of the base URI's path, and the names in fixed values."""
        placed = {fold(name) for place, name in api.credentials if place == "path"}
        for name in api.base.path_names:
            if not self.take(name, extra_slot(name, "path")) and fold(name) not in placed:
                self.same(name)
        for name in self._operation.free_names:
            if placed and fold(name) in placed and name not in self._mapped:
                # The credential fills it, and no variable of that name.
                self.arguments[name] = path_value(name, api.authentication, api.secrets)
            else:
                self.free(name)

    def same(self, name: str) -> None:
        """Fill a name of the base URI with the path parameter that is the same after folding."""
        known = [slot.name for slot in self._operation.slots if slot.location == "path" and slot.name in self.arguments]
        fixed = {
            parameter.name: parameter.fixed
            for parameter in self._operation.parameters
            if parameter.location == "path" and parameter.fixed is not None
        }
        meant = same_placeholder(name, (*known, *fixed))
        if meant in fixed:
            self.arguments[name] = fixed[meant]
        elif meant is not None:
            self.arguments[name] = self.arguments[meant]

    def free(self, name: str) -> None:
        """Fill a name in a fixed value from ``with`` or a declared input; otherwise it is a variable."""
        if self.take(name, extra_slot(name, "query")):
            mapped = self.arguments[name]
            # The file says where it comes from: its absence asks no variable.
            self.arguments[name] = (
                OptionalInput(mapped.name) if isinstance(mapped, InputReference) else Defaulted(mapped, None)
            )
        elif name in self._caller.names.inputs:
            self.arguments.setdefault(name, OptionalInput(name))
            self._wants.feeds(name, needed=False)
        elif self._within(name, extra_slot(name, "query")):
            self.arguments[name] = Defaulted(self.arguments[name], None)

    def _within(self, name: str, slot: Slot) -> bool:
        """Fill a dotted name that begins with a key of ``with``, or with a declared input, by a path into that one."""
        declared_upstream = (parameter.name for parameter in self._operation.parameters)
        if name in self._caller.names.inputs or name in declared_upstream:  # the dots belong to its name
            return False
        mapped = known_prefix(name, self._mapped)
        if mapped is not None:
            key, rest = mapped
            self.arguments[name] = PathInto(self._mapped[key][0], dotted.parse(rest))
            self._taken.add(key)
            used: tuple[str, ...] = self._mapped[key][1]
        else:
            declared = known_prefix(name, self._caller.names.inputs)
            if declared is None:
                return False
            self.arguments[name] = InputPath(declared[0], dotted.parse(declared[1]))
            used = declared[:1]
        for each in used:
            self._wants.add(each, slot, InputUse.PART)
        return True

    def _map(self, key: str, slot: Slot) -> None:
        expression, used = self._mapped[key]
        if isinstance(expression, InputReference):
            self._feed(expression.name, slot)
            return
        if slot.location != "body":
            expression = on_one_line(expression)
        elif slot.takes_bytes and stands_for_bytes(slot.schema) and isinstance(expression, StepPath | ScopePath):
            expression = StepBytes(expression)
        self.arguments[slot.key] = expression
        for name in used:
            self._wants.add(name, slot, InputUse.of(expression))

    def _feed(self, name: str, slot: Slot) -> None:
        """Fill a slot with an input as it is; of two that have one name, with the one in the slot's place."""
        own = name
        if name in self._caller.names.places:  # the reference itself says where it comes from
            pass
        elif self._caller.declared:
            own = self._caller.twins.get((name, slot.location), name)
        elif self._caller.has_places and slot.key != slot.name:
            own = f"{name} in {slot.location}"
        self.arguments[slot.key] = InputReference(own)
        self._wants.add(own, slot, wire=name if own != name else "")

    def _key(self, slot: Slot) -> str | None:
        """Return the ``with`` key of a slot: its name; for a path, one that is the same after folding."""
        if slot.name in self._mapped:
            return slot.name
        if slot.whole_body and "body" in self._mapped:
            return "body"
        if slot.location == "header":  # names of headers have no case (RFC 9110 chapter 5.1)
            return next((key for key in self._mapped if key.lower() == slot.name.lower()), None)
        if slot.location == "path":
            return same_placeholder(slot.name, tuple(self._mapped))
        return self._near_key(slot) if self._mapped else None

    def _near_key(self, slot: Slot) -> str | None:
        """Return the only key that is a slot's name but for its spelling, and nothing else's (SEMANTICS 1.4)."""
        operation = self._operation
        named = {each.name for each in operation.slots} | {each.name for each in operation.parameters}
        named |= {*operation.free_names, *self._in_base, "body"}
        key = same_name(slot.name, {key for key in self._mapped if key not in named and key.lower() not in HEADER_KEYS})
        if key is None or same_name(key, named) != slot.name:
            return None
        self.misspelt[key] = slot.name
        return key

    def _is_given_body(self, slot: Slot) -> bool:
        """Tell whether ``with`` gives the whole body, of which a slot is the only field."""
        return slot.lone and "body" in self._mapped

    def _is_credential(self, slot: Slot) -> bool:
        if slot.location == "path":
            return any(place == "path" and fold(name) == fold(slot.name) for place, name in self._credentials)
        name = slot.name.lower() if slot.location == "header" else slot.name
        return (slot.location, name) in self._credentials

    def _unmapped(self, slot: Slot) -> None:
        caller = self._caller
        known = caller.names.inputs
        name: str | None = slot.name if slot.name in known else None
        if name is None and slot.location == "path":
            name = same_placeholder(slot.name, (*caller.route, *sorted(known)))
        if name is None and not self._is_of_pages(slot) and (not caller.declared or _is_needed_in_path(slot)):
            name = slot.name
        if name is not None:
            self._feed(name, slot)

    def _is_of_pages(self, slot: Slot) -> bool:
        """Tell a parameter that whoever fetches the pages of a list gives a value, and nobody else unless asked to."""
        pager = self._operation.pager
        return pager is not None and (slot.location, slot.name) in pager.hidden


def _is_needed_in_path(slot: Slot) -> bool:
    return slot.location == "path" and slot.required


class CallLinker:
    """Links calls to consumed operations."""

    def __init__(self, apis: Apis, operations: Resolver[Operation], names: Names, findings: Findings) -> None:
        self._apis = apis
        self._fallbacks = FallbackLinker(apis.fallbacks, names, findings, CannotLink)
        self._operations = operations
        self._findings = findings

    def link(self, text: str, with_: Mapping[str, Any], model: Model, caller: Caller, wants: Needs) -> Call:
        """Link one call.

        Args:
            text: ``namespace.operation``.
            with_: what the file maps.
            model: the unit or step, for positions.
            caller: who calls.
            wants: collects the inputs that the caller needs.

        Raises:
            CannotLink: there is no such operation, nothing says which of several is meant, or it can't be called.
        """
        call = self._linked(text, with_, model, caller, wants)
        fallback = self._fallbacks.of(call.operation, self._stand_in)
        return call if fallback is None else replace(call, fallback=fallback)

    def _stand_in(self, text: str, with_: Mapping[str, Any], model: Model, names: Names, wants: Needs) -> Call:
        return self._linked(text, with_, model, Caller(names, True, (), is_agent=False), wants)  # noqa: FBT003

    def _linked(self, text: str, with_: Mapping[str, Any], model: Model, caller: Caller, wants: Needs) -> Call:
        operation = self._completed(self._operation(text, model), with_, model, caller)
        api = self._apis.plans[operation.api]
        blocked = api.blocked or operation.blocked
        if blocked:
            raise CannotLink("blocked-call", f"`{operation.key}` can't be called: {blocked}")
        mapped = self._compile_with(with_, model, caller)
        linking = _Linking(operation, api, mapped, caller, wants)
        for slot in operation.slots:
            linking.slot(slot)
        linking.outside_of_slots(api)
        for key, meant in linking.misspelt.items():
            tell_misspelt(self._findings.at(model.at("with", key)), key, meant)
        lacking = without_source(operation, api, linking.arguments)
        if lacking:
            named = ", ".join(f"`{parameter.name}`" for parameter in lacking)
            reason = f"`{operation.key}` requires {named}, which nothing gives a value"
            raise CannotLink("required-parameter", reason, "name it in `with`, or among the inputs")
        extras = self._extras(linking.left(), operation, model, wants)
        for extra in extras:
            value = mapped[extra.name][0]
            linking.arguments[extra.name] = on_one_line(value) if extra.place in {"query", "header"} else value
        if caller.gives_body and self._lacks_body(operation, extras, wants):
            linking.arguments["body"] = InputReference("body")
            wants.add("body", OWN_BODY)
            extras = (*extras, Extra("body", "body"))
        return Call(operation, tuple(linking.arguments.items()), extras, operation.outputs, caller.is_idempotent)

    def _completed(self, operation: Operation, with_: Mapping[str, Any], model: Model, caller: Caller) -> Operation:
        """Return the operation with path parameters of a wider level that its path lacks, where a call gives them."""
        fuller = operation.fuller
        if fuller is None:
            return operation
        mapped = (key for key, value in with_.items() if value is not None)
        given = (*mapped, *(caller.names.inputs - caller.weak), *caller.route)
        own = {slot.name for slot in operation.slots}
        more = [slot.name for slot in fuller.slots if slot.location == "path" and slot.name not in own]
        if not any(same_placeholder(name, given) for name in more):
            return operation
        if not fuller.blocked:
            self._findings.at(model.at("call")).warning(
                "lost-path-parameter",
                f"the path of `{operation.key}` has no placeholder for {' and '.join(f'`{name}`' for name in more)}, "
                f"which is given; what is sent is {fuller.method} {fuller.path.text}",
                hint=f"write `{fuller.path.text}`",
            )
        return fuller

    def _operation(self, text: str, model: Model) -> Operation:
        try:
            return self._operations.resolve(text, model)
        except Unresolved as error:
            if error.ambiguous:
                raise CannotLink("ambiguous-call", error.reason, error.hint) from error
            raise CannotLink("unknown-call", error.reason, error.hint) from error

    @staticmethod
    def _lacks_body(operation: Operation, extras: Sequence[Extra], wants: Needs) -> bool:
        """Tell whether nothing is sent as a body that could have one, and the name ``body`` means nothing else."""
        has_body = any(extra.place in {"body", "field"} for extra in extras)
        return operation.takes_body and not has_body and all(want.name != "body" for want in wants.found)

    def _compile_with(self, with_: Mapping[str, Any], model: Model, caller: Caller) -> Mapped:
        """Compile the mapped values, each with the inputs that it uses.

        Raises:
            CannotLink: one is broken: a request without it would ask for something else.
        """
        mapped: dict[str, tuple[Value, tuple[str, ...]]] = {}
        broken: list[CannotLink] = []
        for key, value in with_.items():
            if value is None:
                continue
            names = replace(caller.names, used={}, missing={}, key=key, misspelt={})
            try:
                mapped[key] = (compiled(value, names, model, key), tuple(names.used))
            except CannotLink as error:
                broken.append(error)
                continue
            tell_misspelt_names(self._findings.at(model.at("with", key)), names)
            if caller.declared:
                self.check_declared(names, model, key)
        for other in broken[1:]:  # whoever catches the first one tells it
            self._findings.at(other.node).error(other.rule, other.reason)
        if broken:
            raise broken[0]
        return mapped

    def check_declared(self, names: Names, model: Model, key: str) -> None:
        """Tell the names in a value of ``with`` that a unit which declares its inputs doesn't declare."""
        for name in (*names.used, *names.missing):
            if name not in names.inputs and names.places.get(name) != "path":
                self._findings.at(model.at("with", key)).warning(
                    "undeclared-input",
                    f"`{name}` is not among the declared inputs; it has never a value",
                    hint=did_you_mean(name, names.inputs) or f"declared: {listed(sorted(names.inputs))}",
                )

    def _extras(
        self,
        left: Mapped,
        operation: Operation,
        model: Model,
        wants: Needs,
    ) -> tuple[Extra, ...]:
        """Place the keys that name nothing in the operation (SEMANTICS 4.3)."""
        fixed = {parameter.name for parameter in operation.parameters if not parameter.asked}
        extras = []
        for key, (expression, used) in left.items():
            if key in fixed:
                self._findings.at(model.at("with", key)).warning(
                    "fixed-parameter", f"`{key}` has a fixed value in `{operation.key}`; it is not replaced"
                )
                continue
            if key.lower() in FORBIDDEN_HEADERS:
                continue  # told where it is declared: the connection sets it
            place = place_of(key, operation)
            if place != "body" or operation.body is not None:
                self._findings.at(model.at("with", key)).warning(
                    "unknown-argument",
                    f"`{operation.key}` has no parameter `{key}`; it is sent as {PLACES[place]}",
                    hint=did_you_mean(key, [slot.name for slot in operation.slots]),
                )
            for name in used:
                wants.add(name, extra_slot(key, place), InputUse.of(expression))
            extras.append(Extra(key, place))
        return tuple(extras)


def compiled(value: Any, names: Names, model: Model, key: str) -> Value:
    """Compile one value of ``with``.

    Raises:
        CannotLink: it is broken.
    """
    try:
        return compile_value(value, names)
    except TemplateError as error:
        raise CannotLink("broken-template", f"`{key}`: {error}", node=model.at("with", key)) from error
    except jsonpath.JSONPathError as error:
        raise CannotLink("broken-jsonpath", f"`{key}`: {error.message}", node=model.at("with", key)) from error
