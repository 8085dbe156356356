"""The exposed side of the corpus oracle: which units a capability serves, their inputs, and whether they can run."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

from oracle_choice import Seeker, chosen, meant, named_like
from oracle_document import PLACEHOLDER, TEMPLATE, Document, Operation, Thing, named, text
from oracle_references import Context
from oracle_slots import (
    Slot,
    carries_authentication,
    fold,
    lost_in_path,
    passes_body,
    placeholders,
    slots,
)

TYPES = ("string", "number", "integer", "boolean", "array", "object")
STEP_NAME = re.compile(r"^\$\.([^.\[\]\s{}]+)")


@dataclass(frozen=True)
class ExpectedInput:
    """One input of a unit.

    ``name`` is as the file has it, ``location`` path, query, header, cookie or body (rest) or argument (mcp).
    ``placeholder`` is the exposed path's placeholder that carries a path input (it may be written differently);
    ``whole_body`` marks a body input that is the whole body, not a field of it, ``any_json`` one of no declared type;
    ``source`` is a declared input's
    own ``value`` (JSONPath on the body); ``fed`` names the places of the consumed operation that the input reaches.
    """

    name: str
    location: str
    type: str
    required: bool | None
    description: str | None = None
    placeholder: str | None = field(default=None, compare=False)
    whole_body: bool = field(default=False, compare=False)
    any_json: bool = field(default=False, compare=False)
    source: str | None = field(default=None, compare=False)
    pattern: str | None = field(default=None, compare=False)
    enum: tuple[Any, ...] = field(default=(), compare=False)
    fed: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Place:
    """Where a unit stands: its adapter (rest or mcp), namespace, the exposed path and its placeholders.

    ``seeker`` is what chooses among several consumed operations of one name.
    """

    adapter: str
    namespace: str
    exposed: tuple[str, ...] = ()
    seeker: Seeker = field(default_factory=Seeker, compare=False)


@dataclass(frozen=True)
class Plan:
    """What the request side needs of a unit whose work is one call."""

    operation: Operation
    with_: dict[str, Any]
    context: Context
    place: Place
    constants: dict[str, Any]
    file: Path
    outputs: Any = None


Feed: TypeAlias = tuple[str, bool]
"""An input's name, and whether the consumed parameter that it feeds is required."""


@dataclass
class ExpectedUnit:
    """One REST operation or MCP tool.

    ``call`` is ``namespace.operation`` after imports, ``kind`` call, websocket, steps, ref, mock, forward or none.
    ``passes_body`` says that a REST caller's body goes upstream as it is although no input stands for it;
    ``shadowed`` that an earlier operation of the adapter has the same method and path and wins (chapter 6).
    ``opening`` is the first step of an orchestration, where that is a call; ``mock`` the outputs that are the answer;
    ``forwards`` the authentication of the API that the path is passed on to.
    """

    adapter: str
    namespace: str
    name: str | None
    method: str | None
    path: str | None
    call: str | None
    kind: str
    executable: bool
    reason: str
    inputs: list[ExpectedInput]
    passes_body: bool = False
    shadowed: bool = False
    feeds: list[Feed] = field(default_factory=list, repr=False, compare=False)
    plan: Plan | None = field(default=None, repr=False, compare=False)
    opening: Plan | None = field(default=None, repr=False, compare=False)
    mock: Any = field(default=None, repr=False, compare=False)
    forwards: Thing = field(default_factory=dict, repr=False, compare=False)


def call_and_with(definition: Thing) -> tuple[str | None, dict[str, Any]]:
    """Return a unit's or a step's call target and ``with``; ``call: {operation, with}`` is the same."""
    call, with_ = definition.get("call"), definition.get("with")
    if isinstance(call, dict):
        with_ = with_ if with_ is not None else call.get("with")
        call = call.get("operation")
    pairs = with_.items() if isinstance(with_, dict) else ()
    return (text(call) or None), {str(key): value for key, value in pairs}


def kind_of(definition: Thing) -> str:
    """Tell how a unit does its work."""
    for kind in ("ref", "steps", "call"):
        if definition.get(kind):
            return kind
    return "mock" if definition.get("outputParameters") else "none"


def says_values(outputs: Any) -> bool:
    """Tell whether outputs say any value, as those of a mock do."""
    parts = list(outputs.values()) if isinstance(outputs, dict) else outputs
    if isinstance(outputs, dict) and ({"value", "const"} & outputs.keys()):
        return True
    return isinstance(parts, list) and any(says_values(part) for part in parts if isinstance(part, (dict, list)))


def declared_inputs(levels: Iterable[Thing], place: Place, *, required: bool | None) -> list[ExpectedInput]:
    """Return the inputs that a unit declares; ``required`` is the default of the flag (contract, chapter 3.6).

    ``None`` leaves the flag open: it follows from what the input feeds (:func:`settled`).

    Choice: an input without ``in`` is a path variable if the exposed path has it, else a query parameter.
    """
    merged: dict[tuple[str, str], ExpectedInput] = {}
    for level in levels:
        for item in named(level.get("inputParameters")):
            name, source = text(item.get("name")), item.get("value", item.get("const"))
            location = text(item.get("in")) or ("path" if name in place.exposed else "query")
            location = "argument" if place.adapter == "mcp" else location
            if item.get("in") == "environment" or is_constant(source):
                continue
            flag = item.get("required")
            if not isinstance(flag, bool):
                flag = False if item.get("default") is not None else required
            merged[name, location] = ExpectedInput(
                name,
                location,
                known_type(item.get("type")),
                True if location == "path" else flag,
                item.get("description"),
                meeting(name, place) if location == "path" else None,
                source=source if isinstance(source, str) else None,
                pattern=item.get("pattern"),
                enum=tuple(item.get("enum") or ()),
            )
    return list(merged.values())


def meeting(name: str, place: Place) -> str:
    """Return the exposed path's placeholder that a path input meets: of its name, else equal when folded."""
    folded = next((one for one in place.exposed if fold(one) == fold(name)), name)
    return name if name in place.exposed else folded


def is_constant(source: Any) -> bool:
    """Tell whether a declared input's ``value`` is a constant and not a JSONPath (contract, chapter 3.5)."""
    return source is not None and not (isinstance(source, str) and source.startswith("$"))


def constants_of(levels: Iterable[Thing]) -> dict[str, Any]:
    """Return the declared inputs whose value the file fixes."""
    items = [item for level in levels for item in named(level.get("inputParameters"))]
    values = {text(item.get("name")): item.get("value", item.get("const")) for item in items}
    return {name: value for name, value in values.items() if is_constant(value)}


def schema_inputs(schema: Thing) -> list[ExpectedInput]:
    """Return the inputs that a tool's own JSON ``inputSchema`` has."""
    properties, required = schema.get("properties"), schema.get("required") or []
    return [
        ExpectedInput(name, "argument", known_type(one.get("type")), name in required, one.get("description"))
        for name, one in (properties if isinstance(properties, dict) else {}).items()
    ]


def known_type(kind: Any) -> str:
    """Return a declared type, ``string`` for none or an unknown one; of a list the first that is not null."""
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), None)
    return kind if kind in TYPES else "string"


def implicit_name(slot: Slot, place: Place) -> str:
    """Return the name of the input that fills a slot which ``with`` does not name (contract, chapter 3.3)."""
    if place.adapter == "rest" and slot.where == "path" and slot.name not in place.exposed:
        return next((one for one in place.exposed if fold(one) == fold(slot.name)), slot.name)
    return slot.name


def is_asked(slot: Slot, operation: Operation, with_: dict[str, Any], adapter: str) -> bool:
    """Tell whether a slot takes anything from the caller, whatever the names."""
    if carries_authentication(operation, slot):
        return adapter == "rest" and slot.name in with_
    if slot.name in with_:
        return True
    return slot.fixed is None and slot.where not in ("value", "nowhere")


def inferred_inputs(operation: Operation, with_: dict[str, Any], context: Context, place: Place) -> list[ExpectedInput]:
    """Infer the inputs of a call (contract, chapter 3.4)."""
    found: dict[str, ExpectedInput] = {}
    for slot in slots(operation, with_):
        if not is_asked(slot, operation, with_, place.adapter):
            continue
        if slot.name in with_:
            value = with_[slot.name]
            names = context.inputs(value)
            alone = isinstance(value, str) and len(names) == 1
        else:
            names, alone = [implicit_name(slot, place)], True
        if carries_authentication(operation, slot):
            slot = replace(slot, required=False)  # noqa: PLW2901 - choice: what authentication fills is never required
        for name in names:
            one = inferred_input(name, slot if alone else replace(slot, type="string"), place)
            if name in found:
                first = found[name]
                one = replace(first, required=first.required or one.required, fed=(*first.fed, *one.fed))
            found[name] = one
    return list(found.values())


def inferred_input(name: str, slot: Slot, place: Place) -> ExpectedInput:
    """Make the input of one slot: its location by where the slot stands, the rest from the consumed parameter."""
    base = ExpectedInput(
        name,
        "argument",
        known_type(slot.type),
        slot.required,
        slot.description,
        any_json=slot.where == "variable",
        fed=(slot.where,),
    )
    if place.adapter == "mcp":
        return base
    placeholder = name if name in place.exposed else None
    if placeholder is None and slot.where == "path":
        placeholder = next((one for one in place.exposed if fold(one) == fold(name)), None)
    if placeholder is not None:
        return replace(base, location="path", required=True, placeholder=placeholder)
    if slot.where in ("body", "field", "variable"):
        whole = slot.where == "body" or (name == "body" and slot.where != "field")
        kind = "object" if whole and slot.where == "variable" else base.type
        return replace(base, location="body", whole_body=whole, type=kind)
    return replace(base, location=slot.where if slot.where in ("header", "cookie") else "query")


def units_of(document: Document) -> Iterator[ExpectedUnit]:
    """Yield every REST operation, forward and MCP tool of a document, in the order of the file."""
    for adapter in document.exposes:
        kind, namespace = text(adapter.get("type")), text(adapter.get("namespace"))
        calls: Counter[str] = Counter()
        if kind in ("rest", "api", "http"):
            routes: set[tuple[str, str]] = set()
            resources = named(adapter.get("resources")) or ([adapter] if adapter.get("method") else [])
            for resource in resources:
                for made in rest_units(document, namespace, resource, calls):
                    route = (made.method or "*", PLACEHOLDER.sub("{}", made.path or ""))
                    made.shadowed = route in routes
                    routes.add(route)
                    yield made
        elif kind == "mcp":
            for tool in named(adapter.get("tools")):
                seeker = Seeker(description=text(tool.get("description")).strip(), calls=calls)
                yield unit(document, Place("mcp", namespace, seeker=seeker), [tool])


def rest_units(document: Document, namespace: str, resource: Thing, calls: Counter[str]) -> Iterator[ExpectedUnit]:
    """Yield the units of one exposed resource: its forward, and its operations."""
    path = text(resource.get("path"))
    forward = resource.get("forward")
    if isinstance(forward, dict):
        target = text(forward.get("targetNamespace"))
        reason = "" if target in document.namespaces else f"forward to unknown namespace {target}"
        name = text(resource.get("name")) or None
        own = document.credentials.get(target, {})
        yield ExpectedUnit("rest", namespace, name, None, path, None, "forward", not reason, reason, [], forwards=own)
    operations = named(resource.get("operations"))
    if not operations and resource.get("method"):
        operations = [{key: value for key, value in resource.items() if key != "path"}]  # it is its only operation
    for operation in operations:
        own = text(operation.get("path"))
        full = own if own.startswith(path) else f"{path.rstrip('/')}/{own.lstrip('/')}" if own else path
        seeker = Seeker(full, text(resource.get("name")), text(operation.get("description")).strip(), calls)
        place = Place("rest", namespace, tuple(placeholders(full)), seeker)
        made = unit(document, place, [resource, operation])
        made.method, made.path = text(operation.get("method") or "GET").upper(), full
        yield made


def unit(document: Document, place: Place, levels: list[Thing]) -> ExpectedUnit:
    """Make the unit of one definition; ``levels`` are the things that may declare its inputs, outer first."""
    definition = levels[-1]
    kind = kind_of(definition)
    if kind == "none" or (kind == "mock" and not says_values(definition["outputParameters"])):
        like = named_like(document, text(definition.get("name")))
        if like:
            definition = {**definition, "call": f"{like[0].namespace}.{like[0].name}"}
            kind = "call"
    name = text(definition.get("name")) or None
    made = ExpectedUnit(
        place.adapter, place.namespace, name, None, None, None, kind, executable=True, reason="", inputs=[]
    )
    made.inputs = declared_inputs(levels, place, required=None if place.adapter == "mcp" else False)
    if place.adapter == "mcp" and isinstance(definition.get("inputSchema"), dict):
        made.inputs = schema_inputs(definition["inputSchema"])
    infer, constants = not levels_declare(levels), constants_of(levels)
    prefixes = {"rest", "tools", "mcp", place.namespace}
    if kind == "ref":
        function = document.functions.get(text(definition["ref"]))
        if function is None:
            return refused(made, f"ref to nothing: {definition['ref']}")
        inherited = declared_inputs([function.definition], replace(place, adapter="mcp"), required=None)
        constants = {**constants_of([function.definition]), **constants}
        names = {one.name for one in (*made.inputs, *inherited)} | set(constants)
        context = Context(frozenset(prefixes | {function.namespace}), document.scope, frozenset(names))
        made.name = made.name or function.name
        outputs = definition.get("outputParameters")
        work(document, made, function.definition, context, Task(place, constants, infer=infer, outputs=outputs))
        if infer and inherited:
            inherited = settled(inherited, made.feeds)
            made.inputs = inherited if place.adapter == "mcp" else [relocate(one, made, place) for one in inherited]
    else:
        names = {one.name for one in made.inputs} | set(constants)
        context = Context(frozenset(prefixes), document.scope, frozenset(names))
        work(document, made, definition, context, Task(place, constants, infer=infer))
    made.inputs = settled(made.inputs, made.feeds)
    # Choice: a route that takes its body apart passes none on.
    made.passes_body = made.passes_body and not any(one.location == "body" for one in made.inputs)
    return made


def settled(inputs: list[ExpectedInput], feeds: list[Feed]) -> list[ExpectedInput]:
    """Give inputs without a flag theirs: that of the consumed parameters that they feed, required where none is known.

    Contract, chapter 3.6.
    """
    return [
        one
        if one.required is not None
        else replace(one, required=any(fed) if (fed := [feed[1] for feed in feeds if feed[0] == one.name]) else True)
        for one in inputs
    ]


def levels_declare(levels: list[Thing]) -> bool:
    """Tell whether a unit (or its resource) declares inputs of its own."""
    return any(named(level.get("inputParameters")) for level in levels) or "inputSchema" in levels[-1]


def relocate(one: ExpectedInput, made: ExpectedUnit, place: Place) -> ExpectedInput:
    """Give an input that a function declares its place in REST, as if it were inferred."""
    slot_of: dict[str, Slot] = {}
    if made.plan is not None:
        for slot in slots(made.plan.operation, made.plan.with_):
            value = made.plan.with_.get(slot.name)
            for name in made.plan.context.inputs(value) if slot.name in made.plan.with_ else [slot.name]:
                slot_of.setdefault(name, slot)
    shape = inferred_input(one.name, slot_of.get(one.name, Slot(one.name, "query", one.type)), place)
    return replace(one, location=shape.location, placeholder=shape.placeholder, whole_body=shape.whole_body,
                   required=one.required or shape.location == "path", fed=shape.fed)  # fmt: skip


def refused(made: ExpectedUnit, reason: str) -> ExpectedUnit:
    """Mark a unit as not executable."""
    made.executable, made.reason = False, made.reason or reason
    return made


@dataclass(frozen=True)
class Task:
    """What is known of a unit before its work is looked at."""

    place: Place
    constants: dict[str, Any]
    infer: bool
    outputs: Any = None


def work(document: Document, made: ExpectedUnit, definition: Thing, context: Context, task: Task) -> None:
    """Resolve what a unit does, and infer its inputs where none are declared."""
    kind, place = kind_of(definition), task.place
    if kind == "call":
        work_call(document, made, definition, context, task)
    elif kind == "steps":
        asked = steps(document, made, definition, context, task)
        if task.infer:
            made.inputs = asked
    elif kind == "mock":
        made.mock = task.outputs or definition["outputParameters"]
        if task.infer:
            made.inputs = [mock_input(name, place) for name in mock_names(definition["outputParameters"], context)]
    else:
        refused(made, "no call, no steps, no ref and no outputs")


def work_call(document: Document, made: ExpectedUnit, definition: Thing, context: Context, task: Task) -> None:
    """Resolve the one call that a unit is, and infer its inputs where none are declared."""
    place = task.place
    call, with_ = call_and_with(definition)
    if call in document.websockets:
        made.kind = "websocket"
        return
    operation = chosen(meant(document, call or ""), place.seeker)
    if operation is None:
        refused(made, f"call to an operation that does not exist: {call}")
        return
    made.call = call
    made.feeds = feeds(operation, with_, context, place)
    if cannot_lose(operation):
        refused(made, f"{call} has lost {lost_in_path(operation)} in its path")
    outputs = task.outputs or definition.get("outputParameters")
    made.plan = Plan(operation, with_, context, place, task.constants, document.path, outputs)
    loose_body = any(slot.loose and slot.where in ("body", "field") for slot in slots(operation, with_))
    made.passes_body = place.adapter == "rest" and passes_body(operation) and not loose_body
    if task.infer:
        made.inputs = inferred_inputs(operation, with_, context, place)
    if place.adapter == "mcp" and passes_body(operation) and not loose_body:
        # Choice: a tool that declares its inputs has it too, since no file can say otherwise what an agent sends.
        made.inputs += any_body(made.inputs)


def cannot_lose(operation: Operation) -> bool:
    """Tell an operation whose lost path parameters can't be put back (contract, chapter 4.1)."""
    return operation.method not in ("GET", "HEAD", "DELETE", "PUT", "PATCH") and bool(lost_in_path(operation))


def any_body(inputs: list[ExpectedInput]) -> list[ExpectedInput]:
    """Return the optional input of a tool whose operation declares no body at all (contract, chapter 4.3)."""
    if any(one.name == "body" for one in inputs):
        return []
    return [ExpectedInput("body", "argument", "object", required=False, any_json=True, fed=("body",))]


def feeds(operation: Operation, with_: dict[str, Any], context: Context, place: Place) -> list[Feed]:
    """List which input feeds which consumed parameter, in whatever way."""
    found: list[Feed] = []
    for slot in slots(operation, with_):
        if slot.loose or slot.where in ("value", "nowhere") or carries_authentication(operation, slot):
            continue
        names = context.inputs(with_[slot.name]) if slot.name in with_ else [implicit_name(slot, place)]
        found += [(name, slot.required) for name in names]
    return found


def mock_names(outputs: Any, context: Context) -> list[str]:
    """List the inputs that the values of a mock's outputs speak of."""
    if isinstance(outputs, list):
        parts: list[Any] = outputs
    elif isinstance(outputs, dict):
        parts = [value for key, value in outputs.items() if key not in ("mapping", "description", "value", "const")]
        own = [hit for hit in context.inputs(outputs.get("value")) if "{{" in text(outputs.get("value"))]
        return list(dict.fromkeys([*own, *mock_names(parts, context)]))
    else:
        return []
    return list(dict.fromkeys(name for part in parts for name in mock_names(part, context)))


def mock_input(name: str, place: Place) -> ExpectedInput:
    """Make the input of a mock. Choice: a text, optional, in the query unless the exposed path has it."""
    return inferred_input(name, Slot(name, "query", "string"), place)


def steps(
    document: Document, made: ExpectedUnit, definition: Thing, context: Context, task: Task
) -> list[ExpectedInput]:
    """Check the steps of an orchestration and infer what they ask of the caller."""
    for mapping in named(definition.get("mappings")):
        if text(mapping.get("value")).startswith("$") and TEMPLATE.search(text(mapping["value"])):
            refused(made, f"a template stands inside a JSONPath: {mapping['value']}")
    found: dict[str, ExpectedInput] = {}
    earlier: list[str] = []
    for index, step in enumerate(named(definition.get("steps"))):
        name = text(step.get("name")) or f"step {index + 1}"
        here = replace(context, locals=frozenset([*earlier, *(["item"] if step.get("forEach") else [])]))
        _, with_ = call_and_with(step)
        used = step_names([with_, step.get("lookupValue"), step.get("forEach")])
        if step.get("type") == "lookup":
            used.append(text(step.get("index")))
        for one in used:
            if one not in earlier:
                refused(made, f"step {name} names no earlier step: {one}")
        for asked in step_inputs(document, made, step, here, task.place):
            found.setdefault(asked.name, asked)
        if index == 0 and not step.get("forEach") and text(step.get("type") or "call") == "call":
            made.opening = opening(document, step, here, task)
        earlier.append(name)
    return list(found.values())


def opening(document: Document, step: Thing, context: Context, task: Task) -> Plan | None:
    """Return what the first step sends: it reads nothing but the caller's inputs."""
    call, with_ = call_and_with(step)
    found = meant(document, call or "")
    # Choice: which of several of one name a step means is not judged here.
    return Plan(found[0], with_, context, task.place, task.constants, document.path) if len(found) == 1 else None


def step_inputs(
    document: Document, made: ExpectedUnit, step: Thing, context: Context, place: Place
) -> list[ExpectedInput]:
    """Infer what one step asks of the caller; refuse the unit if the step can't run.

    Choice: a script that says where it lies and in which of two languages runs; `transform` and other kinds can't.
    """
    kind, name = text(step.get("type")) or "call", step.get("name")
    if kind == "call":
        call, with_ = call_and_with(step)
        operation = chosen(meant(document, call or ""), place.seeker)
        if operation is not None:
            made.feeds += feeds(operation, with_, context, place)
            if cannot_lose(operation):
                refused(made, f"step {name}: {call} has lost {lost_in_path(operation)} in its path")
            return inferred_inputs(operation, with_, context, place)
        refused(made, f"step {name}: call to an operation that does not exist: {call}")
    elif kind == "lookup":
        return [mock_input(one, place) for one in context.inputs(step.get("lookupValue"))]
    elif kind == "script" and step.get("file") and step.get("location") and step.get("language") in SCRIPTED:
        _, with_ = call_and_with(step)
        return [mock_input(one, place) for value in with_.values() for one in context.inputs(value)]
    else:
        refused(made, f"step {name} has a type that can't run: {kind}")
    return []


SCRIPTED = frozenset({"javascript", "js", "python"})


def step_names(value: Any) -> list[str]:
    """List the step names that the JSONPaths of a value begin with."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [name for part in value for name in step_names(part)]
    hit = STEP_NAME.match(value) if isinstance(value, str) else None
    return [hit[1]] if hit else []
