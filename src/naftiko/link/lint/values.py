"""Values that are probably not as meant.

Parameters that contradict themselves, and text that looks like a reference or a variable.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from naftiko.document.findings import Findings
from naftiko.document.model import CapabilityDocument, ConsumesHttp, InputParameter, Model
from naftiko.document.model.steps import texts_of
from naftiko.document.nodes import Node
from naftiko.document.shell import as_template, first_in, meant
from naftiko.document.suggest import nearest
from naftiko.expression.references import ADAPTER_PREFIXES
from naftiko.ground.errors import InputError
from naftiko.ground.http import is_token
from naftiko.ground.types import ABSENT
from naftiko.link.adapters import units_of
from naftiko.plan.inputs import Input, InputSet, fit, shorten
from naftiko.plan.schema import parameter_schema
from naftiko.plan.validation import broken_pattern

_BOUNDS = (("minimum", "maximum"), ("min_length", "max_length"))
_KEYS = {"min_length": "minLength", "max_length": "maxLength"}


def check_parameters(document: CapabilityDocument, findings: Findings) -> None:
    """Check every input parameter of the file, to any depth."""
    for parameter in parameters(document):
        _check(parameter, findings)
        _check_name(parameter.location, parameter.name, parameter.at("name"), findings)
        if (parameter.location or "").lower() == "header":
            _check_line(parameter.value, parameter.at("value"), findings)
    for api in document.consumes:
        for name, value in getattr(api, "headers", {}).items():
            _check_name("header", name, api.at("headers", name), findings)
            _check_line(value, api.at("headers", name), findings)


def _check_name(location: str | None, name: str | None, node: Node | None, findings: Findings) -> None:
    """Check that a header or a cookie can have its name (RFC 9110 chapter 5.1, RFC 6265 chapter 4.1.1)."""
    kind = (location or "").lower()
    if kind in {"header", "cookie"} and name and not is_token(name):
        findings.at(node).error(
            "bad-header",
            f"no {kind} can have the name `{name[:60]}`",
            hint="use letters, digits, `-` and `_`, without spaces and colons",
        )


def _check_line(value: str | None, node: Node | None, findings: Findings) -> None:
    if value is not None and ("\n" in value.strip() or "\r" in value.strip()):
        findings.at(node).error("bad-header", "a header's value is one line, and this one holds a line break")


def _check(parameter: InputParameter, findings: Findings) -> None:
    if parameter.enum is not None:
        _check_enum(parameter, parameter.enum, findings)
    for low, high in _BOUNDS:
        least, most = getattr(parameter, low), getattr(parameter, high)
        if least is not None and most is not None and least > most:
            findings.at(parameter.at(_KEYS.get(high, high))).error(
                "contradictory-parameter",
                f"{_named(parameter)}: no value is from {least} to {most}",
                hint="swap the two",
            )
    if parameter.default is not None:
        for reason in _refusals(parameter):
            findings.at(parameter.at("default")).error(
                "contradictory-parameter",
                f"the default {shorten(parameter.default)} is refused: {reason}",
                hint="correct the default, or the rule that it breaks",
            )
    for inner in (*parameter.properties, *([parameter.items] if parameter.items is not None else [])):
        _check(inner, findings)


def _named(parameter: InputParameter) -> str:
    return f"`{parameter.name}`" if parameter.name else "an element"


def _check_enum(parameter: InputParameter, enum: list[Any], findings: Findings) -> None:
    for at, member in enumerate(enum):
        if member is not None and fit(member, parameter.type) is ABSENT:
            findings.at(parameter.at("enum", at)).error(
                "contradictory-parameter",
                f"{_named(parameter)} is of type {parameter.type}, and {shorten(member)} of its `enum` is not",
                hint="correct the type, or the value",
            )


def _refusals(parameter: InputParameter) -> tuple[str, ...]:
    """Return why a default would be refused if a caller gave it."""
    schema = parameter_schema(parameter)
    if parameter.pattern is not None and broken_pattern(parameter.pattern):
        del schema["pattern"]  # told where inputs are made
    name = parameter.name or "value"
    given = Input(name, name, "argument", parameter.type, required=False, schema=schema)
    try:
        InputSet([given]).check({name: parameter.default})
    except InputError as error:
        return tuple(dict.fromkeys(problem.message for problem in error.problems))
    return ()


def parameters(document: CapabilityDocument) -> Iterator[InputParameter]:
    """Yield every input parameter of the file, wherever one may be declared."""
    for thing in (*document.consumes, *document.aggregates, *document.exposes):
        for holder in _below(thing):
            given = getattr(holder, "input_parameters", None)
            yield from given if isinstance(given, tuple) else ()


def _below(thing: Model) -> Iterator[Model]:
    """Yield a thing and all that it is made of that may have inputs."""
    yield thing
    for key in ("resources", "operations", "functions", "tools"):
        inner = getattr(thing, key, None)
        for each in inner if isinstance(inner, tuple) else ():
            yield from _below(each)


_DOTTED = re.compile(r"(?P<prefix>[A-Za-z][\w-]*)\.(?P<name>[\w$@][\w.$@\[\]-]*)")


def check_references(document: CapabilityDocument, findings: Findings) -> None:
    """Check the ``with`` of every unit, function and step."""
    prefixes = _prefixes(document)
    for thing, steps in callers(document):
        with_: Mapping[str, Any] = getattr(thing, "with_", {})
        for key, value in with_.items():
            found = _DOTTED.fullmatch(value) if isinstance(value, str) else None
            if found is None or found["prefix"] in prefixes:
                continue
            meant = _meant(found["prefix"], found["name"], prefixes, steps)
            if meant is not None:
                findings.at(thing.at("with", key)).warning(
                    "misspelt-reference",
                    f"`{value}` is no reference: it is sent as this text",
                    hint=f"did you mean `{meant}`?",
                )


def _prefixes(document: CapabilityDocument) -> frozenset[str]:
    named = {getattr(thing, "namespace", None) for thing in (*document.exposes, *document.aggregates)}
    return ADAPTER_PREFIXES | {name for name in named if name}


def _meant(prefix: str, name: str, prefixes: frozenset[str], steps: frozenset[str]) -> str | None:
    if prefix in steps:
        return f"$.{prefix}.{name}"
    near = nearest(prefix, prefixes)
    return None if near is None else f"{near}.{name}"


def callers(document: CapabilityDocument) -> Iterator[tuple[Model, frozenset[str]]]:
    """Yield what has a ``with``, each with the names of its unit's steps."""
    for unit in _units(document):
        steps = getattr(unit, "steps", ())
        names = frozenset(step.name for step in steps if step.name)
        yield unit, names
        for step in steps:
            yield step, names


def _units(document: CapabilityDocument) -> Iterator[Model]:
    for aggregate in document.aggregates:
        yield from getattr(aggregate, "functions", ())
    yield from units_of(document)


def check_variables(document: CapabilityDocument, findings: Findings) -> None:
    """Check the values of parameters, headers, bodies and ``with``; those of credentials are read as variables."""
    for text, node in (*_values(document), *_wholes(document)):
        if meant(text) is not None:
            written = first_in(text) or text.strip()
            findings.at(node).warning(
                "shell-variable", f"`{written}` is no template: this text is sent", hint=f"write `{meant(written)}`"
            )


def _values(document: CapabilityDocument) -> Iterator[tuple[str, Node | None]]:
    """Yield texts in which ``${NAME}`` may stand between others: values of parameters and constant headers."""
    for parameter in parameters(document):
        for place, text in texts_of(
            parameter.value if parameter.structure is None else parameter.structure, ("value",)
        ):
            if as_template(text) is not None:
                yield text, parameter.at(*place)
    for api in document.consumes:
        if isinstance(api, ConsumesHttp):
            yield from ((text, api.at("headers", name)) for name, text in api.headers.items())


def _wholes(document: CapabilityDocument) -> Iterator[tuple[str, Node | None]]:
    """Yield texts that are a variable or none: in others, ``${NAME}`` may be the API's own."""
    for caller, _ in callers(document):
        for place, text in texts_of(getattr(caller, "with_", {}), ("with",)):
            if _is_whole(text):
                yield text, caller.at(*place)
    for api in document.consumes:
        for resource in getattr(api, "resources", ()):
            for operation in resource.operations:
                data: Any = operation.body.data if operation.body is not None else None
                for place, text in texts_of(data, ("body", "data")):
                    if _is_whole(text):
                        yield text, operation.at(*place)


def _is_whole(text: str) -> bool:
    template = meant(text)
    return template is not None and template.startswith("{{") and template.endswith("}}") and template.count("{{") == 1
